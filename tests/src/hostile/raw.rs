use firsthand_ids::sha256;
use firsthand_log::codec::{Reader, Writer};

/// The first bytes of every chunk.
const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];

/// The type of a chunk that holds one change.
pub(super) const CHANGE: u8 = 1;
/// The type of a chunk that holds one change, deflated.
pub(super) const COMPRESSED: u8 = 2;

/// The numbers of the columns of operations.
pub const COLUMNS: [u32; 12] = [0x01, 0x02, 0x11, 0x13, 0x15, 0x34, 0x42, 0x56, 0x57, 0x70, 0x71, 0x73];

/// A change in parts as they are encoded, each of which may say what is not true.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Raw {
    /// Count and hashes.
    pub dependencies: Vec<u8>,
    /// Length and bytes.
    pub actor: Vec<u8>,
    pub sequence: Vec<u8>,
    pub start_op: Vec<u8>,
    pub time: Vec<u8>,
    /// Length and text.
    pub message: Vec<u8>,
    /// Count and, for each, length and bytes.
    pub actors: Vec<u8>,
    /// How many columns are claimed, where that is not how many there are.
    pub column_count: Option<Vec<u8>>,
    pub columns: Vec<Column>,
    pub trailing: Vec<u8>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    pub number: u32,
    /// How many bytes are claimed, where that is not how many there are.
    pub length: Option<Vec<u8>>,
    pub bytes: Vec<u8>,
}

/// A number as the format writes it.
#[must_use]
pub fn number(value: u64) -> Vec<u8> {
    let mut out = Writer::new();
    out.number(value);
    out.into_bytes()
}

/// A number that may be negative, in two's complement.
#[must_use]
pub fn signed(mut value: i64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

/// The same number in more bytes than it needs.
#[must_use]
pub fn overlong(encoded: &[u8], more: usize) -> Vec<u8> {
    let mut out = encoded.to_vec();
    if let Some(last) = out.last_mut().filter(|_| more > 0) {
        *last |= 0x80;
        out.extend(std::iter::repeat_n(0x80, more - 1));
        out.push(0);
    }
    out
}

/// A chunk around contents, with the checksum that belongs to them.
#[must_use]
pub fn sealed(kind: u8, contents: &[u8]) -> Vec<u8> {
    let mut hashed = Writer::new();
    hashed.byte(kind).sized(contents);
    let hashed = hashed.into_bytes();
    let mut chunk = Writer::new();
    chunk.fixed(MAGIC).fixed(&sha256(&hashed)[..4]).fixed(&hashed);
    chunk.into_bytes()
}

/// What a chunk holds, behind its header.
#[must_use]
pub fn contents(chunk: &[u8]) -> &[u8] {
    let mut reader = Reader::new(chunk);
    reader.take(9, "chunk").unwrap();
    reader.sized(usize::MAX, "chunk").unwrap()
}

impl Raw {
    /// Takes a true change apart.
    #[must_use]
    pub fn of(change: &[u8]) -> Self {
        let contents = contents(change);
        let mut reader = Reader::new(contents);
        let mut from = 0;
        let mut part = |reader: &Reader<'_>| {
            let part = contents[from..reader.position()].to_vec();
            from = reader.position();
            part
        };
        let mut raw = Self::default();
        for _ in 0..reader.number("count").unwrap() {
            reader.take(32, "dependency").unwrap();
        }
        raw.dependencies = part(&reader);
        reader.sized(usize::MAX, "actor").unwrap();
        raw.actor = part(&reader);
        reader.number("sequence").unwrap();
        raw.sequence = part(&reader);
        reader.number("first operation").unwrap();
        raw.start_op = part(&reader);
        while reader.byte("time").unwrap() & 0x80 != 0 {}
        raw.time = part(&reader);
        reader.sized(usize::MAX, "message").unwrap();
        raw.message = part(&reader);
        for _ in 0..reader.number("count").unwrap() {
            reader.sized(usize::MAX, "actor").unwrap();
        }
        raw.actors = part(&reader);
        let mut columns = Vec::new();
        for _ in 0..reader.number("columns").unwrap() {
            let number = reader.number("column").unwrap() as u32;
            columns.push((number, reader.number("length").unwrap() as usize));
        }
        for (number, length) in columns {
            let bytes = reader.take(length, "column").unwrap().to_vec();
            raw.columns.push(Column { number, length: None, bytes });
        }
        raw.trailing = reader.rest().to_vec();
        raw
    }

    /// The column with this number; an empty one is made where it is missing.
    pub fn column(&mut self, number: u32) -> &mut Column {
        let at = self.columns.partition_point(|column| column.number < number);
        if self.columns.get(at).is_none_or(|column| column.number != number) {
            self.columns.insert(at, Column { number, ..Column::default() });
        }
        &mut self.columns[at]
    }

    /// What stands in the chunk.
    #[must_use]
    pub fn contents(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.fixed(&self.dependencies).fixed(&self.actor).fixed(&self.sequence).fixed(&self.start_op);
        out.fixed(&self.time).fixed(&self.message).fixed(&self.actors);
        out.fixed(self.column_count.clone().unwrap_or_else(|| number(self.columns.len() as u64)));
        for column in &self.columns {
            out.number(u64::from(column.number));
            out.fixed(column.length.clone().unwrap_or_else(|| number(column.bytes.len() as u64)));
        }
        for column in &self.columns {
            out.fixed(&column.bytes);
        }
        out.fixed(&self.trailing);
        out.into_bytes()
    }

    /// The chunk, its checksum right.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        sealed(CHANGE, &self.contents())
    }
}
