use std::sync::Arc;

/// How many writers a page covers.
const PAGE: usize = 64;

type Page = Arc<[u64; PAGE]>;

/// How many changes of each writer are in the past of something, by the writer's number.
///
/// In pages that clocks share: a change differs from what it builds on in few writers, and in a document that all 4,096
/// writers of a space have written in, clocks of their own for each change would take hundreds of megabytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Clock(Vec<Option<Page>>);

impl Clock {
    pub(super) fn get(&self, number: usize) -> u64 {
        let page = self.0.get(number / PAGE).and_then(Option::as_ref);
        page.map_or(0, |page| page[number % PAGE])
    }

    pub(super) fn set(&mut self, number: usize, count: u64) {
        if self.0.len() <= number / PAGE {
            self.0.resize(number / PAGE + 1, None);
        }
        let page = self.0[number / PAGE].get_or_insert_with(|| Arc::new([0; PAGE]));
        Arc::make_mut(page)[number % PAGE] = count;
    }

    /// Takes the larger of each two counts.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), None);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            match (&mut *mine, theirs) {
                (_, None) => {}
                (None, Some(_)) => mine.clone_from(theirs),
                (Some(ours), Some(theirs)) => {
                    if !Arc::ptr_eq(ours, theirs) && ours.iter().zip(theirs.iter()).any(|(a, b)| a < b) {
                        let ours = Arc::make_mut(ours);
                        ours.iter_mut().zip(theirs.iter()).for_each(|(a, b)| *a = (*a).max(*b));
                    }
                }
            }
        }
    }

    /// The numbers of those who are in it.
    pub(super) fn numbers(&self) -> impl Iterator<Item = usize> {
        let pages = self.0.iter().enumerate().filter_map(|(index, page)| Some((index, page.as_ref()?)));
        pages.flat_map(|(index, page)| {
            let there = page.iter().enumerate().filter(|(_, count)| **count > 0);
            there.map(move |(place, _)| index * PAGE + place)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_keep_the_larger_counts_and_share_the_rest() {
        let (mut one, mut two) = (Clock::default(), Clock::default());
        for (number, count) in [(0, 5), (63, 2), (64, 9), (4095, 1)] {
            one.set(number, count);
        }
        two.merge(&one);
        assert!(one.0.iter().zip(&two.0).all(|(a, b)| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        }));
        two.set(0, 4);
        two.set(100, 3);
        one.merge(&two);
        assert_eq!([0, 63, 64, 100, 101, 4095, 9999].map(|number| one.get(number)), [5, 2, 9, 3, 0, 1, 0]);
        assert_eq!(one.numbers().collect::<Vec<_>>(), [0, 63, 64, 100, 4095]);
        assert_eq!(two.get(0), 4);
    }
}
