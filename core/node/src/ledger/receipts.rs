//! What other devices signed of having seen this device's chains, and what this one signed of theirs. Receipts travel from device to device
//! at a meeting and are no part of the log; an evidence folder carries those that cover what it proves.

use firsthand_ids::{DeviceKey, ExchangeKey, Position, SpaceId, WriterId};
use firsthand_log::{MAX_RECEIPTS, Receipt};
use firsthand_store::Commit;

use super::{Ledger, Now};
use crate::NodeError;

const RECEIPTS: &str = "receipts.";
/// How many are kept of one device about one chain. Each covers what lies between the one before it and itself.
const MAX_KEPT: usize = 16;

impl Ledger {
    /// Signs how far the chains of the peer's device are held here, as far as that was not signed before.
    pub(super) fn make_receipts(
        &mut self,
        peer: &ExchangeKey,
        space: &SpaceId,
        now: Now,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        let roster = self.membership.roster();
        let Some(device) = roster.device_by_exchange(peer).filter(|_| *space == self.space) else {
            return Ok(None);
        };
        if device == self.device || roster.member(&self.device).is_none() {
            return Ok(None);
        }
        let mut clock = self.clock;
        let times = (clock.tick(now.at), now);
        let (mut made, mut settings) = (Vec::new(), Vec::new());
        for (writer, mark) in self.store.vector(space).iter() {
            let theirs = self.store.tip(space, writer).is_some_and(|tip| tip.device == device);
            if !theirs || made.len() == MAX_RECEIPTS {
                continue;
            }
            let mut kept = self.receipts(writer, &self.device)?;
            if kept.iter().any(|it| it.position >= mark.position) {
                continue;
            }
            let hash = self.store.entry_hash_at(space, writer, mark.position)?;
            let hash = hash.ok_or(NodeError::Inconsistent("the head of a chain"))?;
            let chain = self.chain_in(space, *writer);
            let receipt = Receipt::sign(&self.keys.signing, &chain, (mark.position, hash), times);
            keep(&mut kept, receipt);
            settings.push((name(writer, &self.device), Receipt::encode_all(&kept)));
            made.push(receipt);
        }
        self.save_receipts(settings)?;
        Ok(Some(Receipt::encode_all(&made)).filter(|_| !made.is_empty()))
    }

    /// Keeps what the peer's device signed of this device's own chains, where it holds.
    pub(super) fn keep_receipts(
        &mut self,
        peer: &ExchangeKey,
        space: &SpaceId,
        bytes: &[u8],
    ) -> Result<(), NodeError> {
        let Some(device) = self.membership.roster().device_by_exchange(peer).filter(|_| *space == self.space)
        else {
            return Ok(());
        };
        let mut settings = Vec::new();
        for receipt in Receipt::decode_all(bytes)? {
            let Receipt { writer, position, hash, .. } = receipt;
            let held = self.is_own(space, &writer)
                && self.store.entry_hash_at(space, &writer, position)? == Some(hash)
                && receipt.is_of(self.membership.team(), space, &device);
            if held {
                let mut kept = self.receipts(&writer, &device)?;
                keep(&mut kept, receipt);
                settings.push((name(&writer, &device), Receipt::encode_all(&kept)));
            }
        }
        self.save_receipts(settings)
    }

    fn save_receipts(&mut self, settings: Vec<(String, Vec<u8>)>) -> Result<(), NodeError> {
        if settings.is_empty() {
            return Ok(());
        }
        let mut commit = Commit::new(self.space);
        commit.settings = settings;
        commit.tried = self.untried.is_empty();
        // Should the device lose power before this is on the disk, a later meeting brings another.
        commit.derived = true;
        self.store.commit(commit)?;
        Ok(())
    }

    /// What a device signed of a chain, rising by position.
    fn receipts(&self, writer: &WriterId, device: &DeviceKey) -> Result<Vec<Receipt>, NodeError> {
        let bytes = self.store.setting(&name(writer, device))?;
        // What cannot be read is as if it had never been handed over.
        Ok(bytes.and_then(|bytes| Receipt::decode_all(&bytes).ok()).unwrap_or_default())
    }

    /// Of each device the first that covers a position of a chain, as far as they are kept here.
    pub(super) fn receipts_covering(
        &self,
        writer: &WriterId,
        position: Position,
    ) -> Result<Vec<(DeviceKey, Receipt)>, NodeError> {
        let roster = self.membership.roster();
        let mut covering = Vec::new();
        for device in roster.devices.keys().chain(roster.removed.keys()) {
            let kept = self.receipts(writer, device)?;
            if let Some(receipt) = kept.into_iter().find(|it| it.position >= position) {
                covering.push((*device, receipt));
            }
        }
        Ok(covering)
    }
}

fn name(writer: &WriterId, device: &DeviceKey) -> String {
    format!("{RECEIPTS}{writer}.{device}")
}

/// Adds a receipt. One that says of less that it was there later says nothing; where there are too many, the one goes whose entries the
/// next one covers with the least loss of time.
fn keep(kept: &mut Vec<Receipt>, new: Receipt) {
    let worse =
        |one: &Receipt, than: &Receipt| one.position <= than.position && one.local.at >= than.local.at;
    if kept.iter().any(|it| worse(&new, it)) {
        return;
    }
    kept.retain(|it| !worse(it, &new));
    let at = kept.partition_point(|it| it.position < new.position);
    kept.insert(at, new);
    while kept.len() > MAX_KEPT {
        let loss = |pair: &[Receipt]| pair[1].local.at.0.saturating_sub(pair[0].local.at.0);
        let least = kept.windows(2).enumerate().min_by_key(|(_, pair)| loss(pair)).map_or(0, |(at, _)| at);
        kept.remove(least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firsthand_ids::{EntryHash, HybridTime, LocalTime, UnixMillis};

    fn receipt(position: u64, at: i64) -> Receipt {
        Receipt {
            writer: WriterId::new([1; 16]),
            position: Position(position),
            hash: EntryHash::ZERO,
            hybrid: HybridTime::ZERO,
            local: LocalTime { at: UnixMillis(at), offset_minutes: 0 },
            signature: [0; 64],
        }
    }

    fn kept(all: &[(u64, i64)]) -> Vec<(u64, i64)> {
        let mut kept = Vec::new();
        for (position, at) in all {
            keep(&mut kept, receipt(*position, *at));
        }
        kept.iter().map(|it| (it.position.0, it.local.at.0)).collect()
    }

    #[test]
    fn the_earliest_that_covers_each_entry_is_kept() {
        assert_eq!(kept(&[(5, 100), (9, 200), (7, 150)]), [(5, 100), (7, 150), (9, 200)]);
        // Of less, and later; of more, and earlier.
        assert_eq!(kept(&[(5, 100), (4, 110), (5, 100)]), [(5, 100)]);
        assert_eq!(kept(&[(5, 100), (7, 150), (9, 90)]), [(9, 90)]);
    }

    #[test]
    fn there_are_never_many_and_the_first_meetings_count_most_apart() {
        // Every day one, and a hundred in one minute.
        let days = (0..8u64).map(|day| (day * 10 + 1, day as i64 * 86_400_000));
        let minute = (0..100u64).map(|at| (100 + at, 8 * 86_400_000 + at as i64 * 600));
        let all: Vec<_> = days.chain(minute).collect();
        let left = kept(&all);
        assert_eq!(left.len(), MAX_KEPT);
        assert_eq!(&left[..8], &all[..8]);
        assert_eq!(left.last(), all.last());
    }
}
