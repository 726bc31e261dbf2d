use std::collections::{BTreeMap, BTreeSet, VecDeque};

use firsthand_ids::DocumentId;

use crate::{Effect, Frame, MAX_WANTED, Refusal};

/// How many chunks are asked for at once: 1 MiB on the way keeps a slow link busy and bounds what a cut repeats.
const WINDOW: u32 = 4;

/// How many files that were asked for in vain are remembered: more than a team has waiting, and 16 KiB against a peer
/// that asks for whatever comes to its mind.
const MAX_DENIED: usize = 1024;

/// The files of a session: what this device asks for, and what it was asked for.
#[derive(Default)]
pub(crate) struct Transfers {
    wanted: VecDeque<(DocumentId, u32)>,
    current: Option<Download>,
    asked: VecDeque<(DocumentId, u32)>,
    loading: bool,
    /// Files the peer did not have. It says when it has got one, see `denied`.
    absent: BTreeMap<DocumentId, u32>,
    /// Files the peer asked for and this device did not have.
    denied: BTreeSet<DocumentId>,
    /// One of those has come.
    news: bool,
}

struct Download {
    file: DocumentId,
    /// The chunk that must come next.
    next: u32,
    /// Chunks asked for and not yet received.
    outstanding: u32,
    storing: u32,
    /// The file is complete, perhaps thanks to another peer; what is still on the way is passed over.
    complete: bool,
}

impl Transfers {
    /// Whether no file is on its way here.
    pub(crate) fn idle(&self) -> bool {
        self.current.is_none() && self.wanted.is_empty()
    }

    /// Whether parts were asked for that have not come.
    pub(crate) fn outstanding(&self) -> bool {
        self.current.as_ref().is_some_and(|download| download.outstanding > 0)
    }

    /// Whether parts that the peer asked for are still to be sent.
    pub(crate) fn serving(&self) -> bool {
        self.loading || !self.asked.is_empty()
    }

    /// Replaces the list of files wanted: each with the part wanted next.
    pub(crate) fn want(&mut self, files: Vec<(DocumentId, u32)>) {
        let current = self.current.as_ref().map(|download| download.file);
        let listed: BTreeSet<_> = files.iter().map(|(file, _)| *file).collect();
        self.absent.retain(|file, _| listed.contains(file));
        let open = |(file, _): &(DocumentId, u32)| Some(*file) != current && !self.absent.contains_key(file);
        self.wanted = files.into_iter().filter(open).collect();
        let before = self.denied.len();
        self.denied.retain(|file| listed.contains(file));
        self.news |= self.denied.len() < before;
    }

    /// Whether the peer should hear that a file is here which it asked for in vain.
    pub(crate) const fn news(&self) -> bool {
        self.news
    }

    /// The peer has heard it.
    pub(crate) fn told(&mut self) {
        self.news = false;
    }

    /// The peer told what it misses, which it also does when it has got a file that this device asked for in vain.
    pub(crate) fn on_news(&mut self) {
        self.wanted.extend(std::mem::take(&mut self.absent));
    }

    /// Asks for more where the window allows.
    pub(crate) fn advance(&mut self, out: &mut Vec<Effect>) {
        if self.current.is_none()
            && let Some((file, next)) = self.wanted.pop_front()
        {
            self.current = Some(Download { file, next, outstanding: 0, storing: 0, complete: false });
        }
        if let Some(download) = &mut self.current
            && !download.complete
            && download.outstanding == 0
            && download.storing == 0
        {
            // What is here of a file already shows only once its table has come.
            let count = if download.next == 0 { 1 } else { WINDOW };
            download.outstanding = count;
            let (file, from) = (download.file, download.next);
            out.push(Effect::send(&Frame::Want { file, from, count }));
        }
    }

    pub(crate) fn on_chunk(
        &mut self,
        file: DocumentId,
        index: u32,
        total: u32,
        sealed: Vec<u8>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let expected = self.current.as_mut().filter(|it| it.file == file && it.outstanding > 0);
        let Some(download) = expected.filter(|it| index == it.next && index < total) else {
            return Err(Refusal::Misbehaved);
        };
        download.next += 1;
        download.outstanding = if download.next == total { 0 } else { download.outstanding - 1 };
        if !download.complete {
            download.storing += 1;
            out.push(Effect::StoreChunk { file, index, total, sealed });
        }
        self.end_complete();
        Ok(())
    }

    fn end_complete(&mut self) {
        self.current.take_if(|it| it.complete && it.outstanding == 0 && it.storing == 0);
    }

    /// A part is durable; `next` is wanted next, `None` where the file is complete and its hash right.
    pub(crate) fn on_stored(&mut self, file: DocumentId, next: Option<u32>) {
        let Some(download) = self.current.as_mut().filter(|it| it.file == file) else { return };
        download.storing = download.storing.saturating_sub(1);
        match next {
            None => download.complete = true,
            Some(next) if download.outstanding == 0 && download.storing == 0 => download.next = next,
            Some(_) => {}
        }
        self.end_complete();
    }

    pub(crate) fn on_no_file(&mut self, file: DocumentId) {
        if let Some(download) = self.current.take_if(|it| it.file == file) {
            self.absent.insert(file, download.next);
        }
    }

    pub(crate) fn on_want(&mut self, file: DocumentId, from: u32, count: u32) -> Result<(), Refusal> {
        if self.asked.len() + count as usize > MAX_WANTED {
            return Err(Refusal::Misbehaved);
        }
        self.asked.extend((from..from.saturating_add(count)).map(|index| (file, index)));
        Ok(())
    }

    /// Loads the next chunk that was asked for.
    pub(crate) fn serve(&mut self, out: &mut Vec<Effect>) {
        if !self.loading
            && let Some((file, index)) = self.asked.pop_front()
        {
            self.loading = true;
            out.push(Effect::LoadChunk { file, index });
        }
    }

    pub(crate) fn on_loaded(
        &mut self,
        file: DocumentId,
        index: u32,
        chunk: Option<(u32, Vec<u8>)>,
        out: &mut Vec<Effect>,
    ) {
        self.loading = false;
        match chunk {
            Some((total, sealed)) => {
                self.denied.remove(&file);
                out.push(Effect::send(&Frame::Chunk { file, index, total, sealed }));
                if index + 1 == total {
                    self.asked.retain(|(other, _)| *other != file);
                }
            }
            None => {
                self.asked.retain(|(other, _)| *other != file);
                if self.denied.len() < MAX_DENIED {
                    self.denied.insert(file);
                }
                out.push(Effect::send(&Frame::NoFile { file }));
            }
        }
    }
}
