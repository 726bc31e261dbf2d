//! A list that is watched: the shell gets what becomes different, and asks for more as somebody scrolls.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use firsthand_node::Node;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::observe::COALESCE;
use crate::runtime::{call_port, run};
use crate::{ApiError, IncidentFilter, IncidentItem, PortError};

/// One difference. Applied in order to the list as it stood, they give the list as it stands.
#[derive(Debug, Clone, PartialEq, uniffi::Enum)]
pub enum ListChange {
    /// A line comes; those from there on move down.
    Inserted {
        /// Where.
        at: u32,
        /// The line.
        row: IncidentItem,
    },
    /// A line goes; those behind it move up.
    Removed {
        /// Where.
        at: u32,
    },
    /// A line says something else.
    Updated {
        /// Where.
        at: u32,
        /// The line.
        row: IncidentItem,
    },
}

/// Hears how a list changes.
#[uniffi::export(foreign)]
pub trait IncidentListListener: Send + Sync {
    /// The differences since the last call; the first call brings the first page. The next call comes only after this one has
    /// returned. Do not wait in it for a method of the list.
    ///
    /// # Errors
    /// What it throws is lost, and the next call brings what has changed since: end the list and watch anew.
    fn changed(&self, changes: Vec<ListChange>) -> Result<(), PortError>;

    /// The list has ended: the home was locked, or cannot be read.
    ///
    /// # Errors
    /// Whatever it throws is lost.
    fn ended(&self, error: ApiError) -> Result<(), PortError>;
}

type More = oneshot::Sender<bool>;

/// A list that is watched until it is closed or dropped, or the home is locked.
#[derive(uniffi::Object)]
pub struct IncidentList {
    wants: mpsc::UnboundedSender<More>,
    task: JoinHandle<()>,
}

#[uniffi::export]
impl IncidentList {
    /// Brings another page, through the listener. Says whether there may be more behind it.
    ///
    /// # Errors
    /// `Locked` where the list has ended.
    pub async fn more(&self) -> Result<bool, ApiError> {
        let (done, answer) = oneshot::channel();
        let ended = || ApiError::Locked { tries_left: None };
        self.wants.send(done).map_err(|_| ended())?;
        run(async move { answer.await.map_err(|_| ended()) }).await
    }

    /// Ends the watch. The listener is not called again, but for a call that is under way.
    pub fn end(&self) {
        self.task.abort();
    }
}

impl Drop for IncidentList {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl IncidentList {
    /// Starts to watch. Runs within the runtime.
    pub(crate) fn start(
        node: &Node,
        filter: IncidentFilter,
        page: u32,
        listener: Arc<dyn IncidentListListener>,
    ) -> Arc<Self> {
        let (wants, wanted) = mpsc::unbounded_channel();
        let page = page.max(1);
        let watching = Watching {
            node: node.clone(),
            changes: node.status_changes(),
            filter,
            page,
            limit: page,
            rows: Vec::new(),
            listener,
        };
        Arc::new(Self { wants, task: tokio::spawn(watching.run(wanted)) })
    }
}

struct Watching {
    node: Node,
    changes: watch::Receiver<u64>,
    filter: IncidentFilter,
    page: u32,
    limit: u32,
    rows: Vec<IncidentItem>,
    listener: Arc<dyn IncidentListListener>,
}

impl Watching {
    async fn run(mut self, mut wanted: mpsc::UnboundedReceiver<More>) {
        let mut more = None;
        loop {
            if let Err(error) = self.look().await {
                let listener = self.listener.clone();
                call_port(move || drop(listener.ended(error))).await;
                return;
            }
            if let Some(more) = more.take() {
                // Whoever asked may have gone.
                let _: Result<(), bool> = oneshot::Sender::send(more, self.rows.len() >= self.limit as usize);
            }
            tokio::select! {
                ask = wanted.recv() => match ask {
                    Some(ask) => {
                        self.limit = self.limit.saturating_add(self.page);
                        more = Some(ask);
                    }
                    None => return,
                },
                changed = self.changes.changed() => {
                    // The node has gone: the next look says so.
                    if changed.is_ok() {
                        tokio::time::sleep(COALESCE).await;
                        self.changes.mark_unchanged();
                    }
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), ApiError> {
        let rows = self.node.incidents(self.filter.query(self.limit, None)).await?;
        let rows: Vec<IncidentItem> = rows.into_iter().map(IncidentItem::from).collect();
        let changes = differences(&self.rows, &rows);
        self.rows = rows;
        if !changes.is_empty() {
            let listener = self.listener.clone();
            if let Some(Err(error)) = call_port(move || listener.changed(changes)).await {
                tracing::warn!(%error, "the shell did not hear how a list changed");
            }
        }
        Ok(())
    }
}

/// What turns one list into the other. A line that moved goes and comes again.
fn differences(old: &[IncidentItem], new: &[IncidentItem]) -> Vec<ListChange> {
    // In the order of the new list, the lines that were there and whose order stays.
    let before: HashMap<_, _> = old.iter().enumerate().map(|(at, row)| (row.id, at)).collect();
    let mut kept = HashSet::new();
    let mut last = None;
    for row in new {
        let at = before.get(&row.id).copied();
        if at.is_some() && at > last {
            last = at;
            kept.insert(row.id);
        }
    }
    let mut changes = Vec::new();
    for (at, row) in old.iter().enumerate().rev() {
        if !kept.contains(&row.id) {
            changes.push(ListChange::Removed { at: at as u32 });
        }
    }
    for (at, row) in (0..).zip(new) {
        match before.get(&row.id).filter(|_| kept.contains(&row.id)) {
            None => changes.push(ListChange::Inserted { at, row: row.clone() }),
            Some(was) if old[*was] != *row => changes.push(ListChange::Updated { at, row: row.clone() }),
            Some(_) => {}
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use firsthand_record::uniffi_types::{DocumentId, UnixMillis};

    use super::*;

    fn row(id: u8, title: u8) -> IncidentItem {
        IncidentItem {
            id: DocumentId::new([id; 16]),
            short_code: String::new(),
            title: title.to_string(),
            category: None,
            severity: None,
            status: None,
            occurred: None,
            entered: UnixMillis(0),
            lat: None,
            lon: None,
            accuracy: None,
            files: 0,
            conflicts: 0,
            flags: 0,
            hidden: false,
        }
    }

    fn apply(mut list: Vec<IncidentItem>, changes: Vec<ListChange>) -> Vec<IncidentItem> {
        for change in changes {
            match change {
                ListChange::Inserted { at, row } => list.insert(at as usize, row),
                ListChange::Removed { at } => drop(list.remove(at as usize)),
                ListChange::Updated { at, row } => list[at as usize] = row,
            }
        }
        list
    }

    /// All lists of up to four of five lines, one of which may read differently.
    fn lists() -> Vec<Vec<IncidentItem>> {
        let mut lists = vec![Vec::new()];
        let mut from = 0;
        for _ in 0..4 {
            let to = lists.len();
            for at in from..to {
                for id in 0..5 {
                    let list: &Vec<IncidentItem> = &lists[at];
                    if list.iter().all(|row| row.id != DocumentId::new([id; 16])) {
                        let title = if list.len() == 1 { 1 } else { 0 };
                        let mut longer = list.clone();
                        longer.push(row(id, title));
                        lists.push(longer);
                    }
                }
            }
            from = to;
        }
        lists
    }

    #[test]
    fn differences_turn_any_list_into_any_other() {
        let lists = lists();
        assert_eq!(lists.len(), 1 + 5 + 20 + 60 + 120);
        for old in &lists {
            for new in &lists {
                let changes = differences(old, new);
                assert_eq!(apply(old.clone(), changes.clone()), *new);
                assert!(old != new || changes.is_empty());
            }
        }
    }
}
