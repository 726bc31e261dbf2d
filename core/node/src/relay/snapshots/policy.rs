/// When a lead's device proposes that a snapshot take the place of ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// At least so many entries have come since the last one: some hundred ranges, which a late joiner fetches in a few blobs instead.
    pub entries: u64,
    /// And at least so many hundredths of what that one stands for. Every device fetches each snapshot once, to see that it is there, so
    /// a mailbox that grows to n entries costs a device at most `1 + 100 / percent` times the bytes of n, whatever its history.
    pub percent: u64,
}

impl Default for SnapshotPolicy {
    /// 500 entries, which is about a quarter of a megabyte, and half of what there was.
    fn default() -> Self {
        Self { entries: 500, percent: 50 }
    }
}

impl SnapshotPolicy {
    /// Whether so many entries more than what the last one stands for are worth another.
    #[must_use]
    pub const fn is_worth(&self, entries: u64, below: u64) -> bool {
        let since = entries.saturating_sub(below);
        since >= self.entries && since.saturating_mul(100) >= below.saturating_mul(self.percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_snapshot_stands_for_half_as_much_again() {
        let policy = SnapshotPolicy::default();
        let (mut base, mut fetched) = (0, 0);
        for entries in 0..100_000 {
            if policy.is_worth(entries, base) {
                assert!(entries >= base + 500);
                (base, fetched) = (entries, fetched + entries);
            }
        }
        assert!(base > 60_000 && fetched <= 3 * base, "{base} {fetched}");
    }
}
