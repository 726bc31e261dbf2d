//! Files over connections to relays.

use std::collections::BTreeSet;

use firsthand_ids::UnixMillis;
use firsthand_sync::FileId;
use firsthand_sync::relay::ClientInput;
use rand_core::CryptoRng;

use super::{Attachments, Effect, LinkId};
use crate::meeting::Change;
use crate::relay::Answer;
use crate::relay::files::Step;

impl Attachments {
    /// Does for files what can be done now: nothing while entries are on their way.
    pub(super) fn move_files(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: UnixMillis,
        id: LinkId,
        out: &mut Vec<Effect>,
    ) {
        loop {
            let others = self.links.iter().filter(|(other, _)| **other != id);
            let elsewhere: BTreeSet<FileId> = others.flat_map(|(_, link)| link.files.fetching()).collect();
            let Some(link) = self.links.get_mut(&id) else { return };
            if !(self.running && link.planned && link.rested && link.words_rest()) {
                return;
            }
            let steps = link.files.next(link.mailbox, now, &elsewhere);
            if steps.is_empty() {
                return;
            }
            for step in steps {
                match step {
                    Step::Ask(question) => out.push(Effect::Ask(Some(id), question)),
                    Step::Tell(input) => self.tell(rng, now, id, input, out),
                }
            }
        }
    }

    pub(super) fn answer_files(
        &mut self,
        rng: &mut dyn CryptoRng,
        now: UnixMillis,
        id: Option<LinkId>,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        if let Answer::Took { change, .. } = &answer
            && *change != Change::default()
        {
            self.dirty |= self.running;
            out.push(Effect::Changed(change.clone()));
        }
        let Some((id, link)) = id.and_then(|id| Some((id, self.links.get_mut(&id)?))) else { return };
        match answer {
            Answer::Files(files) => link.files.listed(files),
            Answer::Named(file, parts) => link.files.named(file, parts),
            Answer::Took { name, took, .. } => link.files.took(&name, took),
            Answer::Loaded(name, sealed) => {
                self.tell(rng, now, id, ClientInput::Loaded(name, sealed), out);
            }
            _ => {}
        }
    }
}
