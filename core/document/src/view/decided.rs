//! Lists in which an item counts only if its author had the right to it.

use std::collections::BTreeMap;

use firsthand_ids::ChangeHash;

use super::read::Stored;
use super::{FieldView, Item, View};
use crate::schema::lists;
use crate::{Author, Authors, DocumentKind};

/// The list of marks that hide a document.
const TOMBSTONE: &str = "tombstone";
/// The list of a file's record whose items destroy the file's key.
const DESTROYED: &str = "destroyed";

/// What of a list counts, and what others would like. Both in the order of the list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decided<'a> {
    /// Items that count: their author had the right to them, and nobody who has the right to it took them back.
    pub counted: Vec<&'a Item>,
    /// Items of people who had not the right to them, as long as nobody took them back.
    pub proposed: Vec<&'a Item>,
}

/// Of which lists of a kind somebody asks who made their items: of none, of all where it names none, or of those.
pub(super) const fn asked(kind: &DocumentKind) -> Option<&'static [&'static str]> {
    match kind {
        DocumentKind::Team
        | DocumentKind::Shift
        | DocumentKind::Handoff
        | DocumentKind::Template
        | DocumentKind::Alert => Some(&[]),
        // Of a file only who destroys its key.
        DocumentKind::Evidence => Some(&[DESTROYED]),
        // Of these only who hides them, and who shows them again.
        DocumentKind::Person
        | DocumentKind::Run
        | DocumentKind::Debrief
        | DocumentKind::Indicator
        | DocumentKind::Reading => Some(&[TOMBSTONE, lists::WITHDRAWALS]),
        _ => None,
    }
}

/// Who made the items of a document, where that decides.
pub(super) fn authors(
    kind: &DocumentKind,
    fields: &Stored,
    authors: &dyn Authors,
) -> BTreeMap<ChangeHash, Author> {
    // A look into the log for each item, so only where somebody asks.
    let Some(asked) = asked(kind) else { return BTreeMap::new() };
    let items = fields.iter().filter_map(|((_, list), field)| match field {
        FieldView::Items(items) if asked.is_empty() || asked.contains(&list.as_str()) => Some(items),
        _ => None,
    });
    let mut out = BTreeMap::new();
    for item in items.flatten() {
        if !out.contains_key(&item.change)
            && let Some(author) = authors.author(&item.change)
        {
            out.insert(item.change, author);
        }
    }
    out
}

impl View {
    /// Who made the document; of the kinds of which somebody asks but files, and `None` where the entry is not here.
    #[must_use]
    pub const fn creator(&self) -> Option<&Author> {
        self.creator.as_ref()
    }

    /// Who made a change of a list; of those lists of which somebody asks, and `None` where its entry is not here.
    #[must_use]
    pub fn author(&self, change: &ChangeHash) -> Option<&Author> {
        self.authors.get(change)
    }

    /// Whether a mark hides it. Of incidents and files any mark does, of other records that of a lead or of whoever made it: a
    /// record that others decide by does not vanish because somebody says so.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        if asked(&self.kind).is_none() || self.kind == DocumentKind::Evidence {
            return self.items(TOMBSTONE).iter().any(|mark| mark.withdrawn.is_none());
        }
        let creator = self.creator.map(|creator| creator.person);
        let publishes = |by: &Author| self.kind == DocumentKind::Template && by.rights.may_publish;
        let right =
            |by: &Author, _: &Item| by.rights.may_close || publishes(by) || Some(by.person) == creator;
        !self.decided(TOMBSTONE, right).counted.is_empty()
    }

    /// The items that destroy the key of a file with this hash, and those that only propose to, each in the order of the list. It
    /// takes a right of its own, and since no key comes back, none of them is taken back once it counts.
    #[must_use]
    pub fn destructions(&self, sha256: &str) -> Decided<'_> {
        let mut out = Decided::default();
        for item in self.items(DESTROYED).iter().filter(|item| item.value["sha256"].as_str() == Some(sha256))
        {
            if self.author(&item.change).is_some_and(|by| by.rights.may_destroy) {
                out.counted.push(item);
            } else if item.withdrawn.is_none() {
                out.proposed.push(item);
            }
        }
        out
    }

    /// What of a list counts. `right` says whether somebody had the right to an item; whoever had it may also take the item
    /// back, and so may the one who added it.
    #[must_use]
    pub fn decided(&self, list: &str, right: impl Fn(&Author, &Item) -> bool) -> Decided<'_> {
        let marks = self.items(lists::WITHDRAWALS);
        let mut out = Decided::default();
        for item in self.items(list) {
            let author = self.author(&item.change);
            let counts = author.is_some_and(|author| right(author, item));
            let taken_back =
                marks.iter().filter(|mark| mark.value["of"].as_str() == Some(&item.key)).any(|mark| {
                    self.author(&mark.change).is_some_and(|by| {
                        right(by, item) || author.is_some_and(|author| author.person == by.person)
                    })
                });
            match (counts, taken_back) {
                (true, false) => out.counted.push(item),
                (false, false) => out.proposed.push(item),
                (_, true) => {}
            }
        }
        out
    }
}
