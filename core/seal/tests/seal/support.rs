use firsthand_ids::{
    ExchangeKey, HybridTime, LocalTime, OperationHash, PersonId, Position, SpaceId, TeamId, UnixMillis,
    WriterId,
};
use firsthand_log::{
    Bind, ChainId, DeviceSecret, Entry, EntryHeader, EntryKind, SignedHead, Tip, content_hash, document_id,
    hash_run, writer_id,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub(crate) const TEAM: TeamId = TeamId::new([0x11; 32]);
pub(crate) const SPACE: SpaceId = SpaceId::new([0x22; 16]);

/// Random choices from a seed.
pub(crate) struct Dice(pub(crate) ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.0.next_u64() % end as u64) as usize
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The public key of an X25519 secret, by way of a box: the library shows it nowhere else.
pub(crate) fn exchange(secret: &[u8; 32]) -> ExchangeKey {
    use hpke::{Deserializable, Kem, Serializable, kem::X25519HkdfSha256};
    let secret = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(secret).unwrap();
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&X25519HkdfSha256::sk_to_pk(&secret).to_bytes());
    ExchangeKey::new(bytes)
}

/// A device with its chain.
pub(crate) struct Author {
    pub(crate) secret: DeviceSecret,
    pub(crate) chain: ChainId,
    pub(crate) tip: Option<Tip>,
}

impl Author {
    pub(crate) fn new(number: u8) -> Self {
        let secret = DeviceSecret::from_seed([number; 32]).unwrap();
        let writer = writer_id(&TEAM, &SPACE, &secret.key(), &[number; 16]);
        Self { secret, chain: ChainId { team: TEAM, space: SPACE, writer }, tip: None }
    }

    pub(crate) fn writer(&self) -> WriterId {
        self.chain.writer
    }

    /// The next entries, and the signature under the last. Their bodies are no changes, so that they travel as they are.
    pub(crate) fn write(&mut self, bodies: &[&[u8]]) -> (Vec<Entry>, SignedHead) {
        let mut entries = Vec::new();
        let mut position = self.tip.as_ref().map_or(Position::START, |tip| tip.position);
        let mut add = |kind, nonce: Option<[u8; 16]>, body: Vec<u8>, membership| {
            position = position.next();
            let at = UnixMillis(1_700_000_000_000 + position.0 as i64 * 1000);
            let document = nonce.map(|nonce| document_id(&SPACE, &self.chain.writer, position, &nonce));
            let header = EntryHeader {
                kind,
                document,
                content: content_hash(kind, &body),
                hybrid: HybridTime::new(at, 0),
                local: LocalTime { at, offset_minutes: 60 },
                membership,
            };
            entries.push(Entry { position, header, nonce, body, detached: None });
        };
        if self.tip.is_none() {
            let bind = Bind {
                device: self.secret.key(),
                person: PersonId::new([3; 16]),
                nonce: [self.secret.seed()[0]; 16],
                app_version: "0.1.0".into(),
            };
            add(EntryKind::Bind, None, bind.encode(), Some(vec![OperationHash::new([7; 32])]));
        }
        for (number, body) in bodies.iter().enumerate() {
            add(EntryKind::Create, Some([number as u8; 16]), body.to_vec(), None);
        }
        let run = hash_run(&self.chain, self.tip.as_ref(), &entries).unwrap();
        self.tip = Some(run.tip.clone());
        let head = SignedHead::sign(&self.secret, &self.chain, run.tip.position, run.tip.hash);
        (entries, head)
    }
}
