//! What a client does next.

use std::collections::BTreeSet;

use firsthand_ids::WriterPseudonym;

use super::{ClientEffect, Opened, PUTS, RelayClient, Stage, Task, WINDOW, send};
use crate::relay::Request;

impl RelayClient {
    /// Whatever can be done next.
    pub(super) fn go_on(&mut self, out: &mut Vec<ClientEffect>) {
        if !(Stage::Listing..Stage::Over).contains(&self.stage) {
            return;
        }
        self.look(out);
        self.put(out);
        while self.tasks.len() + self.loading.len() < PUTS {
            let Some((kind, id)) = self.keep.pop_front() else { break };
            self.ask(Task::Seek(kind, id), |tag| Request::Seek { tag, ids: vec![id] }, out);
        }
        while self.tasks.len() + self.loading.len() < PUTS {
            let Some((kind, id)) = self.bring.pop_front() else { break };
            self.loading.insert(id, kind);
            out.push(ClientEffect::Load(id));
        }
        let up_to_date = self.is_up_to_date();
        if up_to_date && !self.told {
            self.note_moment();
            out.push(ClientEffect::UpToDate);
        }
        self.told = up_to_date;
    }

    /// Looks at ranges: compares what this device holds, gets the rest.
    fn look(&mut self, out: &mut Vec<ClientEffect>) {
        let mut serials: Vec<u64> = std::mem::take(&mut self.differing).into_iter().collect();
        self.getting.extend(&serials);
        while self.getting.len() + self.looking.len() < WINDOW {
            let Some(head) = self.book.look() else { break };
            if self.holds(&head) {
                self.looking.insert(head.serial);
                out.push(ClientEffect::Compare(head));
            } else if self.lacks_before(&head) {
                self.book.judge(head.serial, Opened::Early);
            } else {
                self.getting.insert(head.serial);
                serials.push(head.serial);
            }
        }
        if !serials.is_empty() {
            serials.sort_unstable();
            send(out, &Request::Get { serials });
        }
    }

    /// Puts what the relay lacks, as soon as nothing that it lists could make up for it.
    fn put(&mut self, out: &mut Vec<ClientEffect>) {
        if self.stage != Stage::Open {
            return;
        }
        let putting: BTreeSet<_> = self.tasks.values().filter_map(put_of).collect();
        for (writer, held) in &self.config.holds {
            if !self.config.puts.brings(writer) {
                continue;
            }
            if putting.len() + self.sealing.len() >= PUTS {
                break;
            }
            let reach = self.book.reach(writer);
            let busy =
                self.sealing.contains(writer) || putting.contains(writer) || self.resting.contains(writer);
            if reach < *held && !busy && !self.book.open(writer) {
                self.sealing.insert(*writer);
                out.push(ClientEffect::Seal(*writer, reach));
            }
        }
    }
}

fn put_of(task: &Task) -> Option<WriterPseudonym> {
    match task {
        Task::Put(writer, ..) => Some(*writer),
        _ => None,
    }
}
