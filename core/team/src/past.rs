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
        }
    }
}
