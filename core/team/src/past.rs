/// A set of operations, one bit for each in the order in which they arrived.
///
/// An author who signs two operations with one sequence number cannot be summed up as "up to number n", so the exact
/// set is kept: 512 bytes an operation at most, 1 MiB for the longest history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Past(Vec<u64>);

impl Past {
    pub(crate) fn contains(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    pub(crate) fn insert(&mut self, index: usize) {
        if self.0.len() <= index / 64 {
            self.0.resize(index / 64 + 1, 0);
        }
        self.0[index / 64] |= 1 << (index % 64);
    }

    pub(crate) fn join(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    /// What stands in both.
    pub(crate) fn common(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(word, other)| word & other).collect())
    }

    /// Whether something stands in both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(word, other)| word & other != 0)
    }

    /// Whether everything here stands in the other as well.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        let word = |at: usize| other.0.get(at).copied().unwrap_or_default();
        self.0.iter().enumerate().all(|(at, it)| it & !word(at) == 0)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let bits = |(at, word): (usize, &u64)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(at * 64 + bit)
            })
        };
        self.0.iter().enumerate().flat_map(bits)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(one: BTreeSet<u8>, two: BTreeSet<u8>) {
            let set = |items: &BTreeSet<u8>| {
                let mut past = Past::default();
                items.iter().for_each(|item| past.insert(usize::from(*item)));
                past
            };
            let mut joined = set(&one);
            joined.join(&set(&two));
            let union: BTreeSet<u8> = one.union(&two).copied().collect();
            prop_assert_eq!(joined.len(), union.len());
            prop_assert!((0..=u8::MAX).all(|item| joined.contains(item.into()) == union.contains(&item)));
            prop_assert!(joined.iter().eq(union.iter().map(|item| usize::from(*item))));
            let both: Vec<_> = one.intersection(&two).map(|item| usize::from(*item)).collect();
            prop_assert!(set(&one).common(&set(&two)).iter().eq(both.iter().copied()));
            prop_assert_eq!(set(&one).meets(&set(&two)), !both.is_empty());
            prop_assert_eq!(set(&one).is_within(&set(&two)), one.is_subset(&two));
        }
    }
}
