//! Padding: of the length of what is sealed an onlooker learns the size class.

/// Padme (Nikitin and others, "Reducing Metadata Leakage from Encrypted Files", 2019): the shortest length of at least `len`
/// that a floating-point number with a mantissa as long as its exponent can hold. At most 12 % longer.
#[must_use]
pub const fn padme(len: usize) -> usize {
    // Below 4 every length is its own.
    if len < 4 {
        return len;
    }
    let exponent = len.ilog2();
    let mantissa = exponent.ilog2() + 1;
    let low = exponent.saturating_sub(mantissa);
    let mask = (1usize << low) - 1;
    (len + mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_grow_by_at_most_an_eighth() {
        let mut distinct = std::collections::BTreeSet::new();
        for len in 0..100_000 {
            let padded = padme(len);
            assert!(padded >= len && (padded - len) * 100 <= len * 12, "{len} to {padded}");
            assert_eq!(padme(padded), padded);
            distinct.insert(padded);
        }
        assert!(distinct.len() < 200, "{}", distinct.len());
    }

    #[test]
    fn lengths_of_the_paper() {
        assert_eq!([9, 100, 1000, 1_000_000].map(padme), [10, 104, 1024, 1_015_808]);
    }
}
