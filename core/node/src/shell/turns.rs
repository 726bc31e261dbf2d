use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::driver::Message;
use super::worker::Worker;
use crate::meeting::{Answer, Input, Question};
use crate::{Answering, FileDone, FileWork, LinkId};

/// Questions of all links to the ledger, which answers those of one link in their order and the links in turn: somebody who asks for
/// much waits for their own answers, and nobody else does.
#[derive(Debug, Default)]
struct Row<T> {
    /// Never empty.
    asked: BTreeMap<LinkId, VecDeque<T>>,
    /// The links with questions, the next one first.
    order: VecDeque<LinkId>,
}

impl<T> Row<T> {
    const fn new() -> Self {
        Self { asked: BTreeMap::new(), order: VecDeque::new() }
    }

    fn of(&mut self, link: LinkId) -> &mut VecDeque<T> {
        let Self { asked, order } = self;
        asked.entry(link).or_insert_with(|| {
            order.push_back(link);
            VecDeque::new()
        })
    }

    fn push(&mut self, link: LinkId, question: T) {
        self.of(link).push_back(question);
    }

    /// A question that is not answered to its end: it comes before all others of its link, after the other links.
    fn again(&mut self, link: LinkId, question: T) {
        self.of(link).push_front(question);
    }

    fn next(&mut self) -> Option<(LinkId, T)> {
        let link = self.order.pop_front()?;
        let questions = self.asked.get_mut(&link)?;
        let question = questions.pop_front()?;
        if questions.is_empty() {
            self.asked.remove(&link);
        } else {
            self.order.push_back(link);
        }
        Some((link, question))
    }
}

/// The way of the meetings to the ledger.
#[derive(Clone)]
pub(super) struct Turns {
    worker: Worker,
    row: Arc<Mutex<Row<Question>>>,
    inbox: mpsc::WeakSender<Message>,
}

impl Turns {
    pub(super) fn new(worker: Worker, inbox: mpsc::WeakSender<Message>) -> Self {
        Self { worker, row: Arc::new(Mutex::new(Row::new())), inbox }
    }

    /// Has the ledger answer when it is this link's turn.
    pub(super) fn ask(&self, id: LinkId, question: Question) {
        self.row().push(id, question);
        self.answer_next(Handle::current());
    }

    fn row(&self) -> std::sync::MutexGuard<'_, Row<Question>> {
        self.row.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// One job for each question: as many turns as there are questions.
    fn answer_next(&self, runtime: Handle) {
        let turns = self.clone();
        self.worker.send(move |ledger, workshop| {
            let Some((id, question)) = turns.row().next() else { return };
            match ledger.begin_answer(question, workshop.environment.clock.now()) {
                Answering::Now(answer) => turns.say(id, answer),
                Answering::After(work) => drop(runtime.spawn(turns.finish(id, work))),
                Answering::Again(rest) => {
                    turns.row().again(id, rest);
                    turns.answer_next(runtime);
                }
            }
        });
    }

    /// Has the ledger say which files it holds, now that no more are on their way: others may let go of theirs.
    pub(super) fn tell_copies(&self) {
        let turns = self.clone();
        self.worker.send(move |ledger, workshop| {
            let now = workshop.environment.clock.now();
            match ledger.tell_copies(now, &mut workshop.random) {
                Ok(told) => {
                    if let (Some(change), Some(inbox)) = (told.change, turns.inbox.upgrade()) {
                        drop(inbox.blocking_send(Message::Input(Input::Changed(change))));
                    }
                    if told.more {
                        turns.tell_copies();
                    }
                }
                Err(error) => tracing::warn!(%error, "nobody is told which files are here"),
            }
        });
    }

    /// Hands the driver an answer.
    fn say(&self, id: LinkId, answer: Answer) {
        if let Some(inbox) = self.inbox.upgrade() {
            drop(inbox.blocking_send(Message::Input(Input::Answer(id, Box::new(answer)))));
        }
    }

    /// Does long work on a file beside the ledger's thread, and has the ledger answer.
    async fn finish(self, id: LinkId, work: Box<FileWork>) {
        let file = work.file();
        let done = tokio::task::spawn_blocking(|| work.run()).await;
        let done = done.unwrap_or_else(|_| FileDone::lost(file));
        let turns = self.clone();
        self.worker.send(move |ledger, _| turns.say(id, ledger.file_done(done)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_answered_in_turn_and_each_in_its_order() {
        let mut row = Row::new();
        for number in 0..60 {
            row.push(1, number);
        }
        row.push(2, 100);
        row.push(2, 101);
        row.push(3, 200);
        let first: Vec<_> = std::iter::from_fn(|| row.next()).take(6).collect();
        assert_eq!(first, [(1, 0), (2, 100), (3, 200), (1, 1), (2, 101), (1, 2)]);
        // What is not finished goes on before the rest of its link.
        row.push(4, 300);
        row.again(1, 2);
        let rest: Vec<_> = std::iter::from_fn(|| row.next()).collect();
        assert_eq!(rest[..4], [(1, 2), (4, 300), (1, 3), (1, 4)]);
        assert_eq!(rest.len(), 59);
        assert!(row.asked.is_empty() && row.order.is_empty());
    }
}
