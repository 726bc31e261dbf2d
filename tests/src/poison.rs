use std::collections::BTreeSet;

use automerge::transaction::Transactable;
use automerge::{ActorId, Automerge, LoadOptions, ROOT, ReadDoc, TextEncoding};
use firsthand_document::{Document, DocumentKind};
use firsthand_ids::{ChangeHash, DocumentId, EntryHash, HybridTime, Position, SpaceId, WriterId};
use firsthand_log::lean::encode_batch;
use firsthand_log::{
    Batch, Bind, ChainId, Detached, DeviceSecret, Entry, EntryHeader, EntryKind, SignedHead, Tip, Vector,
    content_hash, document_id, entry_hash, hash_run, writer_id,
};
use firsthand_node::meeting::{Answer, Question};
use firsthand_node::{Ledger, Now};
use firsthand_sync::{Committed, Effect, Input, LoadedBatch, Refusal};
use firsthand_team::person_id;
use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use serde_json::{Map, Value};

use crate::Dice;

/// What a member who breaks the rules does to the batches and files its device sends.
#[derive(Debug, Clone)]
pub enum Tamper {
    /// The signature is not the device's.
    Signature,
    /// Any bit is another.
    AnyBit,
    /// The batch that was sent before comes again.
    Replay(Option<LoadedBatch>),
    /// Something else comes instead.
    Instead(Vec<u8>),
    /// Chains of others are held back, though entries that are sent build on them.
    Withhold(BTreeSet<WriterId>),
    /// One part of a file in so many, its table included, is another than the one asked for.
    Parts(u64),
}

impl Tamper {
    pub fn alter(&mut self, input: &mut Input, rng: &mut ChaCha8Rng) {
        if let (Self::Parts(of), Input::ChunkLoaded { chunk: Some((_, bytes)), .. }) = (&*self, &mut *input)
            && rng.next_u64().is_multiple_of(*of)
        {
            let at = rng.next_u64() as usize % bytes.len();
            bytes[at] ^= 1 << (rng.next_u64() % 8);
        }
        let Input::Loaded { batch: Ok(Some(batch)), .. } = input else { return };
        match self {
            Self::Signature => {
                let last = batch.plain.len() - 1 - rng.next_u64() as usize % 64;
                batch.plain[last] ^= 1;
            }
            Self::AnyBit => {
                let at = rng.next_u64() as usize % batch.plain.len();
                batch.plain[at] ^= 1 << (rng.next_u64() % 8);
            }
            Self::Replay(kept) => {
                let own = batch.clone();
                if let Some(earlier) = kept.replace(own) {
                    *batch = earlier;
                }
            }
            Self::Instead(plain) => batch.plain.clone_from(plain),
            Self::Withhold(_) | Self::Parts(_) => {}
        }
    }

    /// Alters what the own ledger is asked.
    pub fn ask(&self, question: &mut Question) {
        if let (Self::Withhold(writers), Question::Session { effect: Effect::Load { forks, .. }, .. }) =
            (self, question)
        {
            forks.extend(writers);
        }
    }
}

/// What a change does that no honest program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// Overwrites what is written once.
    Once,
    /// Deletes an item of a list, or all that a list can hold.
    Item,
    /// Writes an item under another writer's key.
    ForeignItem,
    /// Replaces a text by a value.
    Text,
    /// Deletes the value of a register.
    Register,
    /// Writes over values in conflict without keeping them; where none are, deletes a value.
    Conflict,
    /// Has another writer's name.
    Actor,
    /// Is no change at all.
    Garbage,
    /// Creates a document that is none.
    Create,
    /// Names membership operations that nobody has, so it waits for them.
    Heads,
}

impl Breach {
    pub const ALL: [Self; 10] = [
        Self::Once,
        Self::Item,
        Self::ForeignItem,
        Self::Text,
        Self::Register,
        Self::Conflict,
        Self::Actor,
        Self::Garbage,
        Self::Create,
        Self::Heads,
    ];
}

/// A chain that somebody writes by hand with a member's key.
pub struct Poison {
    secret: DeviceSecret,
    chain: ChainId,
    tip: Option<Tip>,
    entries: Vec<Entry>,
    claimed: Option<Vec<firsthand_ids::OperationHash>>,
    now: Now,
}

impl Poison {
    /// Opens a writer for the device of `ledger`, whose key is `seed`.
    #[must_use]
    pub fn new(ledger: &Ledger, seed: [u8; 32], now: Now, rng: &mut ChaCha8Rng) -> Self {
        let secret = DeviceSecret::from_seed(seed).unwrap();
        let identity = ledger.identity();
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let (team, space, device) = (identity.team, *ledger.space(), secret.key());
        let chain = ChainId { team, space, writer: writer_id(&team, &space, &device, &nonce) };
        let bind = Bind { device, person: person_id(&device), nonce, app_version: "0".to_owned() };
        let mut poison = Self { secret, chain, tip: None, entries: Vec::new(), claimed: None, now };
        let body = bind.encode();
        poison.push(EntryKind::Bind, None, None, body, Some(identity.heads));
        poison
    }

    #[must_use]
    pub const fn writer(&self) -> WriterId {
        self.chain.writer
    }

    #[must_use]
    pub fn device(&self) -> firsthand_ids::DeviceKey {
        self.secret.key()
    }

    /// The position of the last entry.
    #[must_use]
    pub fn position(&self) -> Position {
        let held = self.tip.as_ref().map_or(Position::START, |tip| tip.position);
        Position(held.0 + self.entries.len() as u64)
    }

    fn push(
        &mut self,
        kind: EntryKind,
        document: Option<DocumentId>,
        nonce: Option<[u8; 16]>,
        body: Vec<u8>,
        membership: Option<Vec<firsthand_ids::OperationHash>>,
    ) {
        let position = self.position().next();
        let membership = self.claimed.take().or(membership);
        let header = EntryHeader {
            kind,
            document,
            content: content_hash(kind, &body),
            hybrid: HybridTime::new(self.now.at, position.0 as u16),
            local: self.now,
            membership,
        };
        self.entries.push(Entry { position, header, nonce, body, detached: None });
    }

    /// Adds an entry that changes a document.
    pub fn change(&mut self, document: DocumentId, body: Vec<u8>) {
        self.push(EntryKind::Change, Some(document), None, body, None);
    }

    /// From the next entry on, membership heads that nobody has.
    pub fn claim_heads(&mut self, dice: &mut Dice) {
        let heads = vec![firsthand_ids::OperationHash::new(dice.bytes())];
        self.claimed = Some(heads);
    }

    /// Adds an entry that creates a document, and gives its id.
    pub fn create(&mut self, body: Vec<u8>, nonce: [u8; 16]) -> DocumentId {
        let position = self.position().next();
        let id = document_id(&self.chain.space, &self.chain.writer, position, &nonce);
        self.push(EntryKind::Create, Some(id), Some(nonce), body, None);
        id
    }

    /// Adds an entry that creates a record as an honest program would, with a detached part if there is one.
    pub fn record(
        &mut self,
        kind: DocumentKind,
        fields: &Map<String, Value>,
        detached: Option<Detached>,
        nonce: [u8; 16],
    ) -> DocumentId {
        let (_, mut changes) = Document::create(kind, self.chain.writer, fields).unwrap();
        assert_eq!(changes.len(), 1);
        let id = self.create(changes.remove(0).bytes, nonce);
        if let Some(entry) = self.entries.last_mut() {
            entry.detached = detached;
        }
        id
    }

    /// Signs what was added and gives it as a batch for somebody who holds nothing of this chain besides what was
    /// signed before.
    pub fn sign(&mut self) -> Vec<u8> {
        let entries = std::mem::take(&mut self.entries);
        let run = hash_run(&self.chain, self.tip.as_ref(), &entries).unwrap();
        let head = SignedHead::sign(&self.secret, &self.chain, run.tip.position, run.tip.hash);
        self.tip = Some(run.tip);
        self.batch(entries, head)
    }

    fn batch(&self, entries: Vec<Entry>, head: SignedHead) -> Vec<u8> {
        let writer = self.chain.writer;
        let entries = entries.into_iter().map(|entry| (writer, entry)).collect();
        encode_batch(&Batch { entries, heads: vec![(writer, head)] }, &Vector::new(), &Nothing)
    }

    /// A branch that goes another way from here.
    #[must_use]
    pub fn fork(&self) -> Self {
        let secret = DeviceSecret::from_seed(*self.secret.seed()).unwrap();
        let entries = self.entries.clone();
        Self { secret, chain: self.chain, tip: self.tip.clone(), entries, claimed: None, now: self.now }
    }

    /// The next entry of this chain, under a signature that is the device's and belongs to another one.
    #[must_use]
    pub fn ends_elsewhere(&self) -> Vec<u8> {
        let [mut one, mut other] = [self.fork(), self.fork()];
        one.push(EntryKind::Other(9), None, None, b"one".to_vec(), None);
        other.push(EntryKind::Other(9), None, None, b"other".to_vec(), None);
        let run = hash_run(&self.chain, self.tip.as_ref(), &other.entries).unwrap();
        let head = SignedHead::sign(&self.secret, &self.chain, run.tip.position, run.tip.hash);
        self.batch(one.entries, head)
    }

    /// Continues somebody else's chain, as far as `ledger` holds it, and signs with the own key.
    #[must_use]
    pub fn usurp(&self, ledger: &Ledger, victim: WriterId) -> Vec<u8> {
        let tip = ledger.store().tip(ledger.space(), &victim);
        let secret = DeviceSecret::from_seed(*self.secret.seed()).unwrap();
        let chain = ChainId { writer: victim, ..self.chain };
        let mut forged = Self { secret, chain, tip, entries: Vec::new(), claimed: None, now: self.now };
        forged.push(EntryKind::Other(9), None, None, b"forged".to_vec(), None);
        forged.sign()
    }

    /// Opens a chain under the id of somebody else's, before the receiver has heard of that.
    #[must_use]
    pub fn squat(&self, ledger: &Ledger, victim: WriterId, rng: &mut ChaCha8Rng) -> Vec<u8> {
        let mut other = Self::new(ledger, *self.secret.seed(), self.now, rng);
        other.chain.writer = victim;
        // The log's own functions refuse to hash such a chain.
        let entry = other.entries.remove(0);
        let hash = entry_hash(&other.chain, entry.position, &EntryHash::ZERO, &entry.header, None);
        let head = SignedHead::sign(&other.secret, &other.chain, entry.position, hash);
        other.batch(vec![entry], head)
    }

    /// A new chain of another space, signed as such.
    #[must_use]
    pub fn elsewhere(&self, ledger: &Ledger, rng: &mut ChaCha8Rng) -> Vec<u8> {
        let mut other = Self::new(ledger, *self.secret.seed(), self.now, rng);
        let space = SpaceId::new([7; 16]);
        other.chain.space = space;
        let Ok(bind) = Bind::decode(&other.entries[0].body) else { return Vec::new() };
        other.chain.writer = writer_id(&other.chain.team, &space, &bind.device, &bind.nonce);
        other.sign()
    }

    /// A change that breaks a rule, and an innocent one that builds on it; for [`Breach::Create`] the first would create
    /// a document.
    #[must_use]
    pub fn changes(
        &self,
        ledger: &Ledger,
        document: DocumentId,
        breach: Breach,
        dice: &mut Dice,
    ) -> [Vec<u8>; 2] {
        let saved = ledger.store().document(&document).unwrap().unwrap().saved;
        let options = LoadOptions::new().text_encoding(TextEncoding::UnicodeCodePoint);
        let actor = match breach {
            Breach::Actor => WriterId::new(dice.bytes()),
            _ => self.chain.writer,
        };
        let am = Automerge::load_with_options(&saved, options).unwrap();
        let mut am = am.with_actor(ActorId::from(actor.as_bytes()));
        let [once, items, texts, registers, safe] =
            ["w", "a", "t", "r", "s"].map(|name| am.get(ROOT, name).unwrap().unwrap().1);
        let item = am.keys(&items).next();
        let register = am.keys(&registers).next();
        let conflict = [&registers, &safe].into_iter().find_map(|map| {
            let apart = |key: &String| {
                let values = am.get_all(map, key.as_str()).unwrap();
                values.iter().any(|(value, _)| value.as_str() != values[0].0.as_str())
            };
            Some((map, am.keys(map).find(apart)?))
        });
        let mut tx = am.transaction();
        match breach {
            Breach::Once => tx.put(&once, "short_code", "\"A1-001\"").unwrap(),
            Breach::Item => match item {
                Some(item) => tx.delete(&items, item).unwrap(),
                None => tx.put(&items, "no key", "{}").unwrap(),
            },
            Breach::ForeignItem => {
                let key = format!("{}|1", WriterId::new(dice.bytes()));
                tx.put(&items, key, "{\"list\":\"counts\",\"low\":9}").unwrap();
            }
            Breach::Text => tx.put(&texts, "narrative", "nothing happened").unwrap(),
            Breach::Conflict if conflict.is_some() => {
                let (map, key) = conflict.unwrap();
                tx.put(map, key, "\"as I say\"").unwrap();
            }
            Breach::Register | Breach::Conflict => match register {
                Some(register) => tx.delete(&registers, register).unwrap(),
                None => tx.put(&registers, "title", 7).unwrap(),
            },
            Breach::Create => tx.put(ROOT, "title", "not where titles stand").unwrap(),
            Breach::Actor | Breach::Garbage | Breach::Heads => {
                tx.put(&registers, "p_code", format!("\"{}\"", dice.below(1 << 30))).unwrap();
            }
        }
        let first = tx.commit().0.unwrap();
        am.set_actor(ActorId::from(self.chain.writer.as_bytes()));
        let mut tx = am.transaction();
        tx.put(&registers, "admin_level", format!("{}", dice.below(1 << 30))).unwrap();
        let second = tx.commit().0.unwrap();
        let [mut first, second] =
            [first, second].map(|hash| am.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec());
        if breach == Breach::Garbage {
            first = dice.fill(40);
        }
        [first, second]
    }
}

/// Hands a batch to a ledger as if a member had sent it, and has it tried on documents.
pub fn inject(ledger: &mut Ledger, plain: Vec<u8>, now: Now) -> Result<Committed, Refusal> {
    let result = keep(ledger, plain, now);
    ledger.answer(Question::Apply, now);
    result
}

/// Hands a batch to a ledger as if a member had sent it and were sending more.
pub fn keep(ledger: &mut Ledger, plain: Vec<u8>, now: Now) -> Result<Committed, Refusal> {
    let peer = ledger.identity().exchange.public().unwrap();
    let effect = Effect::Commit { space: *ledger.space(), plain };
    match ledger.answer(Question::Session { peer, effect }, now) {
        Answer::Session { input: Input::Committed { result, .. }, .. } => result,
        other => panic!("{other:?}"),
    }
}

/// Somebody who holds nothing, so that everything travels whole.
pub(crate) struct Nothing;

impl firsthand_log::References for Nothing {
    fn locate_change(&self, _: &ChangeHash) -> Option<(WriterId, Position)> {
        None
    }
    fn locate_document(&self, _: &DocumentId) -> Option<(WriterId, Position)> {
        None
    }
    fn change_at(&self, _: &WriterId, _: Position) -> Option<ChangeHash> {
        None
    }
    fn document_at(&self, _: &WriterId, _: Position) -> Option<DocumentId> {
        None
    }
}
