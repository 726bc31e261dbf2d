use std::collections::BTreeMap;

use firsthand_ids::{ContentHash, DeviceKey, MailboxId, Position, UnixMillis, WriterPseudonym};
use firsthand_sync::relay::{
    BlobKind, Entered, ListDigest, ListPoint, Listed, MAX_PAGE, MailboxBase, Order, Outcome, Pending, Purse,
    RangeHead, Refused, SealedDigest, UploaderId, rules,
};

use super::{Grant, Holdings, Storage, Swept};
use crate::RelayError;

/// Storage that lasts as long as the process: for tests, and to try a relay out.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    grants: BTreeMap<[u8; 32], Grant>,
    mailboxes: BTreeMap<MailboxId, Mailbox>,
}

#[derive(Debug, Clone)]
struct Mailbox {
    token: [u8; 32],
    leads: DeviceKey,
    quota: u64,
    seen: UnixMillis,
    serial: u64,
    digest: ListDigest,
    base: MailboxBase,
    snapshot: Option<ContentHash>,
    /// When the snapshot was proposed.
    snapshot_at: Option<UnixMillis>,
    pending: Option<Proposed>,
    uploaders: BTreeMap<UploaderId, Uploader>,
    ranges: BTreeMap<u64, Range>,
    blobs: BTreeMap<ContentHash, Blob>,
    /// The order in which blobs came.
    blob_serial: u64,
}

#[derive(Debug, Clone)]
struct Proposed {
    pending: Pending,
    by: UploaderId,
    at: UnixMillis,
}

#[derive(Debug, Clone)]
struct Uploader {
    first_seen: UnixMillis,
    used: u64,
}

#[derive(Debug, Clone)]
struct Range {
    head: RangeHead,
    uploader: UploaderId,
    list: ListDigest,
    sealed: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Blob {
    serial: u64,
    kind: BlobKind,
    uploader: UploaderId,
    at: UnixMillis,
    sealed: Vec<u8>,
}

impl Mailbox {
    fn used(&self) -> u64 {
        self.uploaders.values().map(|uploader| uploader.used).sum()
    }

    fn purse(&self, uploader: &UploaderId) -> Purse {
        let own = self.uploaders.get(uploader).map_or(self.quota, |uploader| uploader.used);
        Purse { used: self.used(), quota: self.quota, own, share: rules::share(self.quota) }
    }

    fn charge(&mut self, uploader: &UploaderId, len: usize) {
        if let Some(uploader) = self.uploaders.get_mut(uploader) {
            uploader.used += rules::cost(len);
        }
    }

    fn refund(&mut self, uploader: &UploaderId, len: usize) {
        if let Some(uploader) = self.uploaders.get_mut(uploader) {
            uploader.used = uploader.used.saturating_sub(rules::cost(len));
        }
    }

    fn put(
        &mut self,
        uploader: UploaderId,
        writer: WriterPseudonym,
        (from, to): (Position, Position),
        sealed: &[u8],
    ) -> Outcome {
        let digest = SealedDigest::of(sealed);
        let here = || self.ranges.values().filter(|range| range.head.writer == writer);
        let beginning: Vec<_> = here().filter(|range| range.head.from == from).collect();
        let same = beginning.iter().find(|range| range.head.to == to && range.head.digest == digest);
        if let Some(same) = same {
            return Outcome::Done { serial: same.head.serial, new: false };
        }
        let before = from.0 - 1;
        let continues =
            self.base.position(&writer).0 == before || here().any(|range| range.head.to.0 == before);
        let beginning: Vec<_> = beginning.iter().map(|range| range.uploader).collect();
        if let Err(reason) =
            rules::put(continues, &beginning, &uploader, &self.purse(&uploader), sealed.len())
        {
            return Outcome::Refused(reason);
        }
        self.serial += 1;
        let (serial, len) = (self.serial, sealed.len() as u32);
        let head = RangeHead { serial, writer, from, to, len, digest };
        self.digest = self.digest.then(&head);
        self.ranges.insert(serial, Range { head, uploader, list: self.digest, sealed: sealed.to_vec() });
        self.charge(&uploader, sealed.len());
        Outcome::Done { serial, new: true }
    }

    fn keep(
        &mut self,
        now: UnixMillis,
        uploader: UploaderId,
        kind: BlobKind,
        id: ContentHash,
        sealed: &[u8],
    ) -> Outcome {
        let left: Vec<_> = self.boxes().iter().map(|(_, blob)| blob.uploader).collect();
        let purse = self.purse(&uploader);
        let there = self.blobs.get_mut(&id);
        let becomes = there.as_ref().is_none_or(|blob| rules::becomes(blob.kind, kind));
        if let (true, BlobKind::Boxes, Err(reason)) = (becomes, kind, rules::leave_boxes(&left, &uploader)) {
            return Outcome::Refused(reason);
        }
        if let Some(blob) = there {
            blob.at = now;
            if becomes {
                blob.kind = kind;
            }
            return Outcome::Done { serial: 0, new: false };
        }
        if let Err(reason) = rules::afford(&purse, sealed.len()) {
            return Outcome::Refused(reason);
        }
        self.blob_serial += 1;
        let blob = Blob { serial: self.blob_serial, kind, uploader, at: now, sealed: sealed.to_vec() };
        self.blobs.insert(id, blob);
        self.charge(&uploader, sealed.len());
        Outcome::Done { serial: 0, new: false }
    }

    fn boxes(&self) -> Vec<(&ContentHash, &Blob)> {
        let mut boxes: Vec<_> = self.blobs.iter().filter(|(_, blob)| blob.kind == BlobKind::Boxes).collect();
        boxes.sort_by_key(|(_, blob)| blob.serial);
        boxes
    }

    fn was_at(&self, point: ListPoint) -> bool {
        let digest = match point.serial {
            0 => Some(ListDigest::default()),
            serial if serial == self.serial => Some(self.digest),
            serial => self.ranges.get(&serial).map(|range| range.list),
        };
        digest == Some(point.digest)
    }

    fn list(&self, after: u64, digest: ListDigest, inline: usize, uploader: &UploaderId) -> Listed {
        let anew = !self.was_at(ListPoint { serial: after, digest });
        // Who begins at the start has to know where that is.
        let restart = (anew || after == 0).then(|| self.base.clone());
        let begin = if anew { 0 } else { after };
        let mut page = Listed {
            restart,
            digest: if anew { ListDigest::default() } else { digest },
            ..Listed::default()
        };
        for range in self.ranges.range(begin + 1..).map(|(_, range)| range) {
            if page.ranges.len() == MAX_PAGE {
                page.more = true;
                break;
            }
            let along = range.sealed.len() <= inline && range.uploader != *uploader;
            page.ranges.push((range.head, along.then(|| range.sealed.clone())));
            page.digest = range.list;
        }
        if !page.more {
            page.digest = self.digest;
        }
        page
    }

    fn replace(&mut self, now: UnixMillis) -> u64 {
        let due = self.pending.as_ref().and_then(|proposed| proposed.pending.due);
        if due.is_none_or(|due| due > now) {
            return 0;
        }
        let Some(Proposed { pending, at, .. }) = self.pending.take() else { return 0 };
        let replaced =
            |range: &Range| rules::replaced(range.head.to, pending.base.position(&range.head.writer));
        let gone: Vec<_> =
            self.ranges.values().filter(|range| replaced(range)).map(|it| it.head.serial).collect();
        for serial in &gone {
            if let Some(range) = self.ranges.remove(serial) {
                self.refund(&range.uploader, range.sealed.len());
            }
        }
        self.digest = ListDigest::default();
        for range in self.ranges.values_mut() {
            self.digest = self.digest.then(&range.head);
            range.list = self.digest;
        }
        self.base = pending.base;
        self.snapshot = Some(pending.snapshot);
        let before = self.snapshot_at.replace(at);
        self.drop_blobs(|blob| blob.kind == BlobKind::Snapshot && rules::outdated(blob.at, before));
        gone.len() as u64
    }

    fn drop_blobs(&mut self, goes: impl Fn(&Blob) -> bool) -> u64 {
        let gone: Vec<_> = self.blobs.iter().filter(|(_, blob)| goes(blob)).map(|(id, _)| *id).collect();
        for id in &gone {
            if let Some(blob) = self.blobs.remove(id) {
                self.refund(&blob.uploader, blob.sealed.len());
            }
        }
        gone.len() as u64
    }
}

impl MemoryStorage {
    fn one(&mut self, now: UnixMillis, order: &Order) -> Outcome {
        if let Order::Register { token, mailbox, leads } = order {
            return self.register(now, token, *mailbox, *leads);
        }
        let Some(mailbox) = self.mailboxes.get_mut(&order.mailbox()) else {
            return Outcome::NoMailbox;
        };
        match order {
            Order::Register { .. } => Outcome::Failed,
            Order::Enter { uploader, seen, .. } => {
                mailbox.seen = now;
                if (mailbox.uploaders.len() as u64) < rules::MAX_UPLOADERS {
                    mailbox.uploaders.entry(*uploader).or_insert(Uploader { first_seen: now, used: 0 });
                }
                let pending = mailbox.pending.as_ref().map(|proposed| proposed.pending.clone());
                let (serial, snapshot) = (mailbox.serial, mailbox.snapshot);
                let (known, purse) = (mailbox.was_at(*seen), mailbox.purse(uploader));
                let entered = Entered { serial, known, purse, snapshot, pending };
                Outcome::Entered { mailbox: entered, leads: mailbox.leads }
            }
            Order::SetBase { base, .. } => {
                if mailbox.serial > 0 || mailbox.snapshot.is_some() || !mailbox.base.0.is_empty() {
                    return Outcome::Refused(Refused::NotNow);
                }
                mailbox.base = base.clone();
                Outcome::Done { serial: 0, new: false }
            }
            Order::Put { uploader, writer, from, to, sealed, .. } => {
                mailbox.put(*uploader, *writer, (*from, *to), sealed)
            }
            Order::Keep { uploader, kind, id, sealed, .. } => {
                mailbox.keep(now, *uploader, *kind, *id, sealed)
            }
            Order::Propose { uploader, proposal, snapshot, base, .. } => {
                if !mailbox.blobs.contains_key(snapshot) {
                    return Outcome::Refused(Refused::Missing);
                }
                if !base.covers(&mailbox.base) {
                    return Outcome::Refused(Refused::NotNow);
                }
                let (proposal, snapshot, base) = (*proposal, *snapshot, base.clone());
                let pending = Pending { proposal, snapshot, base, due: None };
                mailbox.pending = Some(Proposed { pending, by: *uploader, at: now });
                Outcome::Done { serial: 0, new: false }
            }
            Order::Confirm { uploader, proposal, .. } => {
                let Some(proposed) = mailbox.pending.as_mut().filter(|it| it.pending.proposal == *proposal)
                else {
                    return Outcome::Refused(Refused::Missing);
                };
                let first_seen = mailbox.uploaders.get(uploader).map_or(now, |uploader| uploader.first_seen);
                if let Err(reason) = rules::confirm(&proposed.by, proposed.at, uploader, first_seen) {
                    return Outcome::Refused(reason);
                }
                proposed.pending.due.get_or_insert(UnixMillis(now.0.saturating_add(rules::GRACE_MS)));
                Outcome::Done { serial: 0, new: false }
            }
            Order::Recall { points, .. } => {
                Outcome::Found(points.iter().map(|point| mailbox.was_at(*point)).collect())
            }
            Order::List { after, digest, inline, uploader, .. } => {
                Outcome::Listed(mailbox.list(*after, *digest, *inline, uploader))
            }
            Order::Read { serial, .. } => match mailbox.ranges.get(serial) {
                Some(range) => Outcome::Range(range.head, range.sealed.clone()),
                None => Outcome::Missing,
            },
            Order::Seek { ids, .. } => {
                Outcome::Found(ids.iter().map(|id| mailbox.blobs.contains_key(id)).collect())
            }
            Order::Fetch { id, .. } => match mailbox.blobs.get(id) {
                Some(blob) => Outcome::Blob(blob.sealed.clone()),
                None => Outcome::Missing,
            },
            Order::Boxes { .. } => Outcome::Boxes(mailbox.boxes().into_iter().map(|(id, _)| *id).collect()),
        }
    }

    fn register(&mut self, now: UnixMillis, token: &[u8; 32], id: MailboxId, leads: DeviceKey) -> Outcome {
        if self.mailboxes.contains_key(&id) {
            return Outcome::Registered;
        }
        let Some(grant) = self.grants.get(token).filter(|grant| grant.until > now) else {
            return Outcome::TokenRefused;
        };
        let used = self.mailboxes.values().filter(|mailbox| mailbox.token == *token).count();
        if used >= grant.mailboxes as usize {
            return Outcome::TokenRefused;
        }
        let mailbox = Mailbox {
            token: *token,
            leads,
            quota: grant.bytes,
            seen: now,
            serial: 0,
            digest: ListDigest::default(),
            base: MailboxBase::default(),
            snapshot: None,
            snapshot_at: None,
            pending: None,
            uploaders: BTreeMap::new(),
            ranges: BTreeMap::new(),
            blobs: BTreeMap::new(),
            blob_serial: 0,
        };
        self.mailboxes.insert(id, mailbox);
        Outcome::Registered
    }
}

impl Storage for MemoryStorage {
    fn carry_out(&mut self, now: UnixMillis, orders: &[Order]) -> Result<Vec<Outcome>, RelayError> {
        Ok(orders.iter().map(|order| self.one(now, order)).collect())
    }

    fn grant(&mut self, kept: [u8; 32], grant: Grant) -> Result<(), RelayError> {
        self.grants.insert(kept, grant);
        Ok(())
    }

    fn sweep(&mut self, now: UnixMillis) -> Result<Swept, RelayError> {
        let mut swept = Swept::default();
        let past = |at: UnixMillis, kept: i64| at.0.saturating_add(kept) <= now.0;
        let idle: Vec<_> = self
            .mailboxes
            .iter()
            .filter(|(_, it)| past(it.seen, rules::IDLE_MS))
            .map(|(id, _)| *id)
            .collect();
        for id in idle {
            self.mailboxes.remove(&id);
            swept.mailboxes += 1;
        }
        for mailbox in self.mailboxes.values_mut() {
            swept.ranges += mailbox.replace(now);
            swept.blobs +=
                mailbox.drop_blobs(|blob| rules::expires(blob.kind, blob.at).is_some_and(|by| by <= now));
        }
        Ok(swept)
    }

    fn holdings(&mut self) -> Result<Holdings, RelayError> {
        let mut holdings = Holdings { mailboxes: self.mailboxes.len() as u64, ..Holdings::default() };
        for mailbox in self.mailboxes.values() {
            holdings.ranges += mailbox.ranges.len() as u64;
            holdings.blobs += mailbox.blobs.len() as u64;
            holdings.bytes += mailbox.used();
        }
        Ok(holdings)
    }
}
