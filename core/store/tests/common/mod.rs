//! What the tests share: homes in temporary folders, and writers that make true chains.

#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "tests only; each test file uses its part"
)]

use std::path::{Path, PathBuf};

use firsthand_ids::{
    DeviceKey, DocumentId, HybridTime, LocalTime, OperationHash, PersonId, Position, SpaceId, TeamId,
    UnixMillis, WriterId,
};
use firsthand_log::change::ChangeParts;
use firsthand_log::{
    Bind, ChainId, Detached, DeviceSecret, Entry, EntryHeader, EntryKind, SignedHead, Tip, content_hash,
    document_id, hash_run, writer_id,
};
use firsthand_store::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

pub const TEAM: TeamId = TeamId::new([7; 32]);
pub const SPACE: SpaceId = SpaceId::new([1; 16]);
pub const KEY: [u8; 32] = [42; 32];

pub fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A folder that is removed with its home.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    pub fn create(&self) -> Store {
        let home = Home::create(self.home()).unwrap();
        Store::create(home, Unlock::RawKey(&KEY), &LaptopVault, SlotOptions::FLOOR, &mut rng(1)).unwrap()
    }

    pub fn open(&self) -> Store {
        self.try_open().unwrap()
    }

    pub fn try_open(&self) -> Result<Store, StoreError> {
        Store::open(Home::open(self.home())?, Unlock::RawKey(&KEY), &LaptopVault)
    }

    /// The home as a battery that was pulled now would leave it: what is on the disk, while the store is open.
    pub fn pulled(&self) -> Self {
        let copy = Self::new();
        copy_dir(&self.home(), &copy.home());
        copy
    }
}

pub fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let target = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            copy_dir(&file.path(), &target);
        } else {
            std::fs::copy(file.path(), target).unwrap();
        }
    }
}

/// A writer that makes true entries: hashed, chained and signed.
pub struct Writer {
    pub secret: DeviceSecret,
    pub chain: ChainId,
    pub person: PersonId,
    pub tip: Option<Tip>,
    nonce: [u8; 16],
    /// Milliseconds; each entry is a second later than the one before.
    pub clock: i64,
}

impl Writer {
    pub fn new(space: SpaceId, seed: u8) -> Self {
        let secret = DeviceSecret::from_seed([seed; 32]).unwrap();
        let nonce = [seed; 16];
        let writer = writer_id(&TEAM, &space, &secret.key(), &nonce);
        Self {
            chain: ChainId { team: TEAM, space, writer },
            person: PersonId::new([seed; 16]),
            secret,
            tip: None,
            nonce,
            clock: 1_700_000_000_000,
        }
    }

    pub fn id(&self) -> WriterId {
        self.chain.writer
    }

    pub fn device(&self) -> DeviceKey {
        self.secret.key()
    }

    pub fn next(&self) -> Position {
        self.tip.as_ref().map_or(Position::START, |tip| tip.position).next()
    }

    fn entry(&mut self, kind: EntryKind, document: Option<DocumentId>, body: Vec<u8>) -> Entry {
        self.clock += 1000;
        let at = UnixMillis(self.clock);
        let heads = vec![OperationHash::new([9; 32])];
        Entry {
            position: self.next(),
            header: EntryHeader {
                kind,
                document,
                content: content_hash(kind, &body),
                hybrid: HybridTime::new(at, 0),
                local: LocalTime { at, offset_minutes: 120 },
                membership: (kind == EntryKind::Bind).then_some(heads),
            },
            nonce: None,
            body,
            detached: None,
        }
    }

    pub fn append(&mut self, entry: Entry) -> NewEntry {
        let run = hash_run(&self.chain, self.tip.as_ref(), std::slice::from_ref(&entry)).unwrap();
        self.tip = Some(run.tip);
        let effective = entry.header.hybrid;
        NewEntry { writer: self.id(), hash: run.hashes[0], entry, state: EntryState::Applied, effective }
    }

    pub fn bind(&mut self) -> NewEntry {
        let bind = Bind {
            device: self.device(),
            person: self.person,
            nonce: self.nonce,
            app_version: "test".to_owned(),
        };
        let entry = self.entry(EntryKind::Bind, None, bind.encode());
        self.append(entry)
    }

    /// Creates a document; `content` goes into the change.
    pub fn create(&mut self, content: &[u8], detached: Option<Vec<u8>>) -> (DocumentId, NewEntry) {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.next().0.to_le_bytes());
        let id = document_id(&self.chain.space, &self.id(), self.next(), &nonce);
        let body = self.change_body(content);
        let mut entry = self.entry(EntryKind::Create, Some(id), body);
        entry.nonce = Some(nonce);
        entry.detached = detached.map(Detached::Present);
        (id, self.append(entry))
    }

    pub fn change(&mut self, document: DocumentId, content: &[u8]) -> NewEntry {
        let body = self.change_body(content);
        let entry = self.entry(EntryKind::Change, Some(document), body);
        self.append(entry)
    }

    fn change_body(&self, content: &[u8]) -> Vec<u8> {
        let writer = self.id();
        let parts = ChangeParts {
            dependencies: Vec::new(),
            actor: writer.as_bytes(),
            sequence: self.next().0,
            start_op: 1,
            time: 0,
            message: b"",
            other_actors: Vec::new(),
            columns: content,
        };
        parts.build()
    }

    pub fn sign(&self) -> (WriterId, SignedHead) {
        let tip = self.tip.as_ref().unwrap();
        (self.id(), SignedHead::sign(&self.secret, &self.chain, tip.position, tip.hash))
    }

    /// A commit of these entries, signed at the end.
    pub fn commit(&self, entries: Vec<NewEntry>) -> Commit {
        let mut commit = Commit::new(self.chain.space);
        commit.entries = entries;
        commit.heads = vec![self.sign()];
        commit
    }

    /// Opens the chain in a store.
    pub fn join(&mut self, store: &mut Store) {
        let bind = self.bind();
        store.commit(self.commit(vec![bind])).unwrap();
    }

    /// Logs an incident in a store, with its row.
    pub fn log(&mut self, store: &mut Store, row: IncidentProjection) -> DocumentId {
        let (commit, id) = self.incident(row);
        store.commit(commit).unwrap();
        id
    }

    pub fn incident(&mut self, row: IncidentProjection) -> (Commit, DocumentId) {
        let (id, entry) = self.create(row.title.as_bytes(), None);
        let position = entry.entry.position;
        let mut commit = self.commit(vec![entry]);
        let saved = format!("saved {}", row.title).into_bytes();
        commit.documents = vec![self.update(id, position, saved, row)];
        (commit, id)
    }

    pub fn update(
        &self,
        id: DocumentId,
        created: Position,
        saved: Vec<u8>,
        row: impl Into<ProjectedRow>,
    ) -> DocumentUpdate {
        DocumentUpdate {
            id,
            kind: "incident".to_owned(),
            creator: (self.id(), created),
            saved,
            row: Some(row.into()),
        }
    }
}

pub fn titled(title: &str) -> IncidentProjection {
    IncidentProjection { title: title.to_owned(), ..IncidentProjection::default() }
}

/// The database by itself, as a later version of the program could change it.
pub fn raw(folder: &Folder, with: impl FnOnce(&rusqlite::Connection)) {
    let database = rusqlite::Connection::open(folder.home().join("store.db")).unwrap();
    let key: String = database_key().iter().map(|byte| format!("{byte:02x}")).collect();
    database
        .execute_batch(&format!(
            "PRAGMA key = \"x'{key}'\"; PRAGMA cipher_page_size = 4096;
         PRAGMA cipher_hmac_algorithm = HMAC_SHA256"
        ))
        .unwrap();
    with(&database);
}

fn database_key() -> [u8; 32] {
    struct Len;
    impl ring::hkdf::KeyType for Len {
        fn len(&self) -> usize {
            32
        }
    }
    let salt = ring::hkdf::Salt::new(ring::hkdf::HKDF_SHA256, b"firsthand data key v1");
    let mut key = [0; 32];
    salt.extract(&KEY).expand(&[b"database"], Len).unwrap().fill(&mut key).unwrap();
    key
}
