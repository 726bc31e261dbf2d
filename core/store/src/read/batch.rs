use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use firsthand_ids::{Position, SpaceId, WriterId};
use firsthand_log::lean::{MAX_BATCH_ENTRIES, MAX_BATCH_WEIGHT};
use firsthand_log::{Batch, Vector};
use rusqlite::params;

use super::entry::{Raw, entries_where};
use crate::cache::position;
use crate::entry::StoredEntry;
use crate::{Store, StoreError};

/// How many entries of a chain are looked up at once.
const PAGE: i64 = 64;

/// How much [`Store::batch_for`] takes. The default is what every receiver accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Entries.
    pub entries: usize,
    /// Their [weights](firsthand_log::Entry::weight) together, in bytes.
    pub weight: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { entries: MAX_BATCH_ENTRIES, weight: MAX_BATCH_WEIGHT }
    }
}

/// In which order entries of several chains are handed out. A chain's own are in order in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// As this device kept them.
    Kept,
    /// The order for people: by effective time, then hash. The same on every device that holds the same.
    People,
}

/// Where an entry stands in an [`Order`].
type Place = (i64, Vec<u8>);

/// The entries of one chain that the receiver lacks, looked up piece by piece in the index.
struct Chain {
    writer: WriterId,
    number: i64,
    after: Position,
    until: Position,
    ahead: VecDeque<(Place, i64)>,
}

impl Store {
    /// Entries that `receiver` lacks, in the order in which they were kept here, each writer's part cut at the last
    /// kept signature within the limits. Where not even one part reaches a signature within them, one part up to its
    /// next signature, however long. `None` where it lacks nothing but what is in `exclude`.
    ///
    /// The work grows with what is handed out and with the writers, not with the entries held.
    ///
    /// # Errors
    /// From the disk.
    pub fn batch_for(
        &self,
        space: &SpaceId,
        receiver: &Vector,
        limits: BatchLimits,
        exclude: &BTreeSet<WriterId>,
    ) -> Result<Option<Batch>, StoreError> {
        let chains = self.lacking(space, receiver, exclude)?;
        self.batch_of(chains, receiver, limits, Order::Kept)
    }

    /// The same in the order for people, which is that of every device that holds the same, and no further than `base`, whose
    /// positions must be ones at which a signature is kept.
    ///
    /// # Errors
    /// From the disk.
    pub fn batch_up_to(
        &self,
        space: &SpaceId,
        receiver: &Vector,
        base: &Vector,
        limits: BatchLimits,
    ) -> Result<Option<Batch>, StoreError> {
        let mut chains = self.lacking(space, receiver, &BTreeSet::new())?;
        for chain in &mut chains {
            chain.until = base.position(&chain.writer);
        }
        self.batch_of(chains, receiver, limits, Order::People)
    }

    fn batch_of(
        &self,
        mut chains: Vec<Chain>,
        receiver: &Vector,
        limits: BatchLimits,
        order: Order,
    ) -> Result<Option<Batch>, StoreError> {
        let mut next: BinaryHeap<Reverse<(Place, usize)>> = BinaryHeap::new();
        for (index, chain) in chains.iter_mut().enumerate() {
            next.extend(self.peek(chain, order)?.map(|place| Reverse((place, index))));
        }
        let Some(Reverse((_, first))) = next.peek() else { return Ok(None) };
        let first = *first;
        let first = (chains[first].number, chains[first].writer, receiver.position(&chains[first].writer));

        let mut taken: Vec<StoredEntry> = Vec::new();
        let mut weight = 0;
        let mut by_number = self.database.prepare_cached(entries_where!("e.number = ?1"))?;
        while let Some(Reverse((_, index))) = next.pop() {
            let Some((_, number)) = chains[index].ahead.front() else { break };
            let stored = self.stored(by_number.query_row([number], Raw::read)?)?;
            weight += stored.entry.weight();
            if taken.len() >= limits.entries || weight > limits.weight {
                break;
            }
            taken.push(stored);
            chains[index].ahead.pop_front();
            next.extend(self.peek(&mut chains[index], order)?.map(|place| Reverse((place, index))));
        }
        let batch = cut(taken);
        if batch.entries.is_empty() {
            let (number, writer, after) = first;
            return self.to_next_signature(number, &writer, after).map(Some);
        }
        Ok(Some(batch))
    }

    fn lacking(
        &self,
        space: &SpaceId,
        receiver: &Vector,
        exclude: &BTreeSet<WriterId>,
    ) -> Result<Vec<Chain>, StoreError> {
        let vector = self.cache.spaces.get(space).and_then(|number| self.cache.vectors.get(number));
        let held = vector.into_iter().flat_map(Vector::iter);
        let lacking = held
            .filter(|(writer, mark)| mark.position > receiver.position(writer) && !exclude.contains(writer));
        lacking
            .map(|(writer, _)| {
                let chain = self.cache.chains.get(writer).ok_or(StoreError::Damaged { what: "a chain" })?;
                Ok(Chain {
                    writer: *writer,
                    number: chain.number,
                    after: receiver.position(writer),
                    until: Position(i64::MAX as u64),
                    ahead: VecDeque::new(),
                })
            })
            .collect()
    }

    /// Where the chain's next entry stands.
    fn peek(&self, chain: &mut Chain, order: Order) -> Result<Option<Place>, StoreError> {
        if chain.ahead.is_empty() {
            // The entry's number orders as it is kept; for that its other columns are not read.
            let sql = match order {
                Order::Kept => {
                    "SELECT number, position, number, x'' FROM entries
                     WHERE writer = ?1 AND position > ?2 AND position <= ?4 ORDER BY position LIMIT ?3"
                }
                Order::People => {
                    "SELECT number, position, effective, hash FROM entries
                     WHERE writer = ?1 AND position > ?2 AND position <= ?4 ORDER BY position LIMIT ?3"
                }
            };
            let mut select = self.database.prepare_cached(sql)?;
            let values = params![chain.number, chain.after.0 as i64, PAGE, chain.until.0 as i64];
            for row in select
                .query_map(values, |row| Ok((row.get(0)?, position(row, 1)?, (row.get(2)?, row.get(3)?))))?
            {
                let (number, position, place) = row?;
                chain.after = position;
                chain.ahead.push_back((place, number));
            }
        }
        Ok(chain.ahead.front().map(|(place, _)| place.clone()))
    }

    fn to_next_signature(
        &self,
        number: i64,
        writer: &WriterId,
        after: Position,
    ) -> Result<Batch, StoreError> {
        let mut batch = Batch::default();
        let mut select = self
            .database
            .prepare_cached(entries_where!("e.writer = ?1 AND e.position > ?2 ORDER BY e.position"))?;
        for raw in select.query_map(params![number, after.0 as i64], Raw::read)? {
            let stored = self.stored(raw?)?;
            let head = stored.head();
            batch.entries.push((*writer, stored.entry));
            if let Some(head) = head {
                batch.heads.push((*writer, head));
                return Ok(batch);
            }
        }
        // Every commit leaves every chain signed.
        Err(StoreError::Damaged { what: "a chain, its end is not signed" })
    }
}

/// Drops what follows the last signature of each writer.
fn cut(taken: Vec<StoredEntry>) -> Batch {
    let mut heads = BTreeMap::new();
    for stored in &taken {
        if let Some(head) = stored.head() {
            heads.insert(stored.info.writer, head);
        }
    }
    let entries = taken.into_iter().filter_map(|stored| {
        let writer = stored.info.writer;
        let signed = heads.get(&writer).is_some_and(|head| stored.entry.position <= head.position);
        signed.then_some((writer, stored.entry))
    });
    Batch { entries: entries.collect(), heads: heads.into_iter().collect() }
}
