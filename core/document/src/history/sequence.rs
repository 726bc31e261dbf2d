use std::collections::BTreeMap;
use std::ops::Range;

use crate::OpId;

/// All characters that a text ever had, in the order of the text, of which some are to be seen.
///
/// A tree of sums over the order answers where a character stands and which stands at a place, each in logarithmic
/// time.
#[derive(Debug, Clone)]
pub(super) struct Sequence {
    places: BTreeMap<OpId, usize>,
    characters: Vec<char>,
    shown: Vec<bool>,
    /// A Fenwick tree: element `n` counts what is shown among the `n & -n` places up to `n`.
    sums: Vec<usize>,
}

impl Sequence {
    /// Orders characters, each given with the one it was inserted after. Of those inserted after the same one, the
    /// latest stands first: the order that Automerge gives.
    pub(super) fn new(inserted: &[(OpId, Option<OpId>, char)]) -> Self {
        let mut followers: BTreeMap<Option<OpId>, Vec<(OpId, char)>> = BTreeMap::new();
        for (id, after, character) in inserted {
            followers.entry(*after).or_default().push((*id, *character));
        }
        let mut take = |after: Option<OpId>| {
            let mut mine = followers.remove(&after).unwrap_or_default();
            mine.sort_unstable_by_key(|(id, _)| *id);
            mine
        };
        let mut places = BTreeMap::new();
        let mut characters = Vec::with_capacity(inserted.len());
        let mut stack = take(None);
        while let Some((id, character)) = stack.pop() {
            places.insert(id, characters.len());
            characters.push(character);
            stack.extend(take(Some(id)));
        }
        let count = characters.len();
        Self { places, characters, shown: vec![false; count], sums: vec![0; count + 1] }
    }

    /// Where a character would stand that is not shown yet, or where it stands that is: as `shown` asks.
    pub(super) fn find(&self, id: OpId, shown: bool) -> Option<(usize, char)> {
        let place = self.places.get(&id).copied().filter(|place| self.shown[*place] == shown)?;
        Some((self.before(place), self.characters[place]))
    }

    /// Shows a character, or hides it.
    pub(super) fn set(&mut self, id: OpId, shown: bool) {
        if let Some(place) = self.places.get(&id).copied()
            && self.shown[place] != shown
        {
            self.shown[place] = shown;
            self.add(place, if shown { 1 } else { -1 });
        }
    }

    /// A part of what is shown; what lies outside is left out.
    pub(super) fn text(&self, range: Range<usize>) -> String {
        range.map_while(|index| self.nth(index)).map(|place| self.characters[place]).collect()
    }

    fn add(&mut self, place: usize, change: isize) {
        let mut node = place + 1;
        while node < self.sums.len() {
            self.sums[node] = self.sums[node].saturating_add_signed(change);
            node += node & node.wrapping_neg();
        }
    }

    /// How many characters are shown before a place.
    fn before(&self, place: usize) -> usize {
        let mut node = place;
        let mut sum = 0;
        while node > 0 {
            sum += self.sums[node];
            node &= node - 1;
        }
        sum
    }

    /// The place of a shown character.
    fn nth(&self, index: usize) -> Option<usize> {
        let mut left = index;
        let mut node = 0;
        let mut step = self.sums.len().next_power_of_two();
        while step > 0 {
            if let Some(sum) = self.sums.get(node + step)
                && *sum <= left
            {
                node += step;
                left -= sum;
            }
            step /= 2;
        }
        self.shown.get(node).copied().unwrap_or(false).then_some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firsthand_ids::WriterId;

    fn id(counter: u64, writer: u8) -> OpId {
        OpId { counter, writer: WriterId::new([writer; 16]) }
    }

    #[test]
    fn places_follow_what_is_shown() {
        // "ad", then "b" and "c" inserted after "a" while apart.
        let mut sequence = Sequence::new(&[
            (id(1, 1), None, 'a'),
            (id(2, 1), Some(id(1, 1)), 'd'),
            (id(3, 1), Some(id(1, 1)), 'c'),
            (id(3, 2), Some(id(1, 1)), 'b'),
        ]);
        let mut show = |counter, writer, at| {
            assert_eq!(sequence.find(id(counter, writer), false).unwrap().0, at);
            sequence.set(id(counter, writer), true);
        };
        show(2, 1, 0);
        show(1, 1, 0);
        show(3, 1, 1);
        show(3, 2, 1);
        assert_eq!(sequence.find(id(3, 2), false), None);
        assert_eq!(sequence.text(0..9), "abcd");
        assert_eq!(sequence.text(1..3), "bc");
        assert_eq!(sequence.find(id(3, 1), true), Some((2, 'c')));
        sequence.set(id(3, 1), false);
        assert_eq!(sequence.find(id(3, 1), true), None);
        assert_eq!(sequence.text(0..9), "abd");
        assert_eq!(sequence.find(id(9, 9), true), None);
    }
}
