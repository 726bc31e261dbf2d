//! From the text a person leaves behind to the splices that say what they changed.

use unicode_segmentation::UnicodeSegmentation;

/// One replacement in a text, in Unicode scalar values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Splice {
    pub(crate) at: usize,
    pub(crate) delete: usize,
    pub(crate) insert: String,
}

/// How many words may differ before the whole middle is replaced at once. The search costs the square of it.
const MAX_DIFFERENCES: usize = 400;

/// The splices that turn `old` into `new`, each in the text that the ones before it leave.
///
/// Words that stayed are left alone, so that an edit somebody else makes to them at the same time survives; inside a
/// word only what differs is replaced, and never a part of what a reader sees as one character.
pub(crate) fn splices(old: &str, new: &str) -> Vec<Splice> {
    let before: Vec<&str> = old.split_word_bounds().collect();
    let after: Vec<&str> = new.split_word_bounds().collect();
    let prefix = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let suffix =
        before[prefix..].iter().rev().zip(after[prefix..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (before, after) = (&before[..before.len() - suffix], &after[..after.len() - suffix]);

    let mut out = Vec::new();
    let mut at = chars(&before[..prefix]);
    let mut seen = prefix;
    for hunk in hunks(&before[prefix..], &after[prefix..]) {
        at += chars(&before[seen..prefix + hunk.old.start]);
        seen = prefix + hunk.old.end;
        let removed = before[prefix + hunk.old.start..seen].concat();
        let inserted = after[prefix + hunk.new.start..prefix + hunk.new.end].concat();
        let (lead, removed, inserted) = trim(&removed, &inserted);
        let (delete, width) = (removed.chars().count(), inserted.chars().count());
        if delete > 0 || width > 0 {
            out.push(Splice { at: at + lead, delete, insert: inserted.to_owned() });
        }
        at += chars(&after[prefix + hunk.new.start..prefix + hunk.new.end]);
    }
    out
}

fn chars(words: &[&str]) -> usize {
    words.iter().map(|word| word.chars().count()).sum()
}

/// Cuts off what is equal at both ends, in whole characters as a reader sees them. Returns the width of what was cut
/// at the front.
fn trim<'a>(old: &'a str, new: &'a str) -> (usize, &'a str, &'a str) {
    let same = |a: &mut dyn Iterator<Item = &'a str>, b: &mut dyn Iterator<Item = &'a str>| -> usize {
        a.zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.len()).sum()
    };
    let front = same(&mut old.graphemes(true), &mut new.graphemes(true));
    let lead = old[..front].chars().count();
    let (old, new) = (&old[front..], &new[front..]);
    let back = same(&mut old.graphemes(true).rev(), &mut new.graphemes(true).rev());
    (lead, &old[..old.len() - back], &new[..new.len() - back])
}

/// Words `old` that are replaced by words `new`.
struct Hunk {
    old: std::ops::Range<usize>,
    new: std::ops::Range<usize>,
}

/// The shortest edit script between two lists of words (Myers 1986), as hunks; one hunk for everything where they differ
/// too much.
fn hunks(old: &[&str], new: &[&str]) -> Vec<Hunk> {
    let Some(matches) = matches(old, new) else {
        return vec![Hunk { old: 0..old.len(), new: 0..new.len() }];
    };
    let mut out = Vec::new();
    let (mut x, mut y) = (0, 0);
    for (i, j) in matches.into_iter().chain([(old.len(), new.len())]) {
        if i > x || j > y {
            out.push(Hunk { old: x..i, new: y..j });
        }
        (x, y) = (i + 1, j + 1);
    }
    out
}

/// The pairs of equal words that the shortest edit script keeps.
fn matches(old: &[&str], new: &[&str]) -> Option<Vec<(usize, usize)>> {
    let (rows, columns) = (old.len() as isize, new.len() as isize);
    let limit = (old.len() + new.len()).min(MAX_DIFFERENCES);
    // frontiers[d] holds, for every diagonal from -d to d, the furthest row that d differences reach.
    let mut frontiers: Vec<Vec<isize>> = Vec::new();
    let reach = |frontier: &[isize], depth: isize, diagonal: isize| -> isize {
        if diagonal.abs() > depth { -1 } else { frontier[(diagonal + depth) as usize] }
    };
    for depth in 0..=limit as isize {
        let previous = frontiers.last().map_or(&[][..], Vec::as_slice);
        let mut frontier = vec![-1; 2 * depth as usize + 1];
        for diagonal in (-depth..=depth).step_by(2) {
            let mut row = if depth == 0 {
                0
            } else {
                let insert = reach(previous, depth - 1, diagonal + 1);
                let delete = reach(previous, depth - 1, diagonal - 1);
                if insert > delete { insert } else { delete + 1 }
            };
            let mut column = row - diagonal;
            while row < rows && column < columns && old[row as usize] == new[column as usize] {
                row += 1;
                column += 1;
            }
            frontier[(diagonal + depth) as usize] = row;
            if row >= rows && column >= columns {
                frontiers.push(frontier);
                return Some(backtrack(&frontiers, rows, columns));
            }
        }
        frontiers.push(frontier);
    }
    None
}

fn backtrack(frontiers: &[Vec<isize>], rows: isize, columns: isize) -> Vec<(usize, usize)> {
    let reach = |depth: isize, diagonal: isize| -> isize {
        if diagonal.abs() > depth { -1 } else { frontiers[depth as usize][(diagonal + depth) as usize] }
    };
    let mut out = Vec::new();
    let (mut row, mut column) = (rows, columns);
    for depth in (0..frontiers.len() as isize).rev() {
        let diagonal = row - column;
        let (start, next) = if depth == 0 {
            (0, (0, 0))
        } else {
            let insert = reach(depth - 1, diagonal + 1);
            let delete = reach(depth - 1, diagonal - 1);
            if insert > delete {
                (insert, (insert, insert - diagonal - 1))
            } else {
                (delete + 1, (delete, delete - diagonal + 1))
            }
        };
        while row > start {
            row -= 1;
            column -= 1;
            out.push((row as usize, column as usize));
        }
        (row, column) = next;
    }
    out.reverse();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn apply(text: &str, splices: &[Splice]) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        for splice in splices {
            chars.splice(splice.at..splice.at + splice.delete, splice.insert.chars());
        }
        chars.into_iter().collect()
    }

    proptest! {
        #[test]
        fn splices_lead_from_one_text_to_the_other(old in "[ab é\u{301}👩‍👩‍👧.]{0,40}", new in "[ab é\u{301}👩‍👩‍👧.]{0,40}") {
            prop_assert_eq!(apply(&old, &splices(&old, &new)), new);
        }

        #[test]
        fn any_text_will_do(old: String, new: String) {
            prop_assert_eq!(apply(&old, &splices(&old, &new)), new);
        }
    }

    #[test]
    fn only_what_differs_is_replaced() {
        let old = "Two men stood at the gate. A car came.";
        let new = "Three men stood at the gate. A white car came.";
        assert_eq!(
            splices(old, new),
            [
                Splice { at: 1, delete: 2, insert: "hree".into() },
                Splice { at: 30, delete: 0, insert: " white".into() },
            ]
        );
        assert_eq!(splices("same", "same"), []);
    }

    #[test]
    fn what_a_reader_sees_as_one_character_is_replaced_whole() {
        // e with an acute accent as two scalar values, then with a grave one.
        let splices = splices("caf\u{65}\u{301}", "caf\u{65}\u{300}");
        assert_eq!(splices, [Splice { at: 3, delete: 2, insert: "\u{65}\u{300}".into() }]);
    }

    #[test]
    fn texts_that_differ_everywhere_cost_no_more_than_the_limit() {
        let old: String = (0..5_000).map(|n| format!("a{n} ")).collect();
        let new: String = (0..5_000).map(|n| format!("b{n} ")).collect();
        assert_eq!(apply(&old, &splices(&old, &new)), new);
    }
}
