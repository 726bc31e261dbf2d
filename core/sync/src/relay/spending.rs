use firsthand_ids::UnixMillis;

/// What one connection may cost a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests a second, over a while.
    pub requests: u32,
    /// Bytes a second, over a while.
    pub bytes: u32,
    /// How many seconds' worth may come at once.
    pub burst: u32,
    /// Orders that storage has not answered.
    pub orders: usize,
    /// Bytes in them; one order is always taken.
    pub order_bytes: usize,
    /// Until when a mailbox has to be entered, in milliseconds.
    pub enter_within: i64,
}

impl Default for Limits {
    /// A first upload of 10,000 incidents takes seconds, and a flood costs no more than it.
    fn default() -> Self {
        Self {
            requests: 2000,
            bytes: 8 * 1024 * 1024,
            burst: 4,
            orders: 64,
            order_bytes: 2 * 1024 * 1024,
            enter_within: 10_000,
        }
    }
}

/// What may be spent, and what was spent ahead: a bucket that fills with time. Spending is never refused; whoever is in debt
/// is not read from until the debt is paid, so a flood is slowed to what is allowed and costs nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Units a second.
    rate: u32,
    /// The most that gathers, in thousandths of a unit.
    most: i64,
    /// What is there, in thousandths of a unit; below zero is debt.
    level: i64,
    at: UnixMillis,
}

impl Allowance {
    /// A full bucket of `burst` seconds' worth.
    #[must_use]
    pub fn new(rate: u32, burst: u32, now: UnixMillis) -> Self {
        let most = i64::from(rate) * i64::from(burst) * 1000;
        Self { rate, most, level: most, at: now }
    }

    /// Spends units.
    pub fn spend(&mut self, now: UnixMillis, units: u64) {
        self.fill(now);
        let units = i64::try_from(units).unwrap_or(i64::MAX / 1000).min(i64::MAX / 1000);
        self.level = self.level.saturating_sub(units * 1000);
    }

    /// When the debt is paid, if there is one.
    #[must_use]
    pub fn ready_at(&self, now: UnixMillis) -> Option<UnixMillis> {
        let mut then = *self;
        then.fill(now);
        // A thousandth of a unit per millisecond and unit a second.
        let wait = then.level.saturating_neg() / i64::from(then.rate.max(1));
        (then.level < 0).then(|| UnixMillis(now.0.saturating_add(wait + 1)))
    }

    fn fill(&mut self, now: UnixMillis) {
        // A clock that was set back fills nothing.
        let passed = now.0.saturating_sub(self.at.0).max(0);
        self.at = now;
        self.level = self.level.saturating_add(passed.saturating_mul(i64::from(self.rate))).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debt_is_paid_by_time() {
        let mut allowance = Allowance::new(100, 2, UnixMillis(0));
        allowance.spend(UnixMillis(0), 200);
        assert_eq!(allowance.ready_at(UnixMillis(0)), None);
        allowance.spend(UnixMillis(0), 100);
        assert_eq!(allowance.ready_at(UnixMillis(0)), Some(UnixMillis(1001)));
        assert_eq!(allowance.ready_at(UnixMillis(500)), Some(UnixMillis(1001)));
        assert_eq!(allowance.ready_at(UnixMillis(1001)), None);
        // Rest fills no more than a burst, and a clock that goes back nothing.
        allowance.spend(UnixMillis(1_000_000), 201);
        assert!(allowance.ready_at(UnixMillis(1_000_000)).is_some());
        allowance.spend(UnixMillis(0), 0);
        assert!(allowance.ready_at(UnixMillis(0)).is_some());
        allowance.spend(UnixMillis(0), u64::MAX);
        assert!(allowance.ready_at(UnixMillis(0)).is_some());
    }
}
