//! What must hold of a packed file before a reader of spreadsheets sees it.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::ExchangeError;

/// The most bytes that a workbook may unpack to.
const MAX_UNPACKED: u64 = 50_000_000;

/// How many times its own size a workbook may unpack to.
const MAX_RATIO: u64 = 100;

/// The most parts of a workbook. A form with a sheet for each repeated group has some tens.
const MAX_PARTS: usize = 1000;

/// The most bytes of a workbook as it is: nothing unpacks to less.
const MAX_PACKED: usize = MAX_UNPACKED as usize;

/// Whether bytes begin as a packed file does.
pub(crate) fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Whether bytes begin as a workbook of before 2007 does, or one under a password.
pub(crate) fn is_old(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xd0\xcf\x11\xe0")
}

/// Unpacks every part once without keeping it: sizes as they are, not as the file declares them.
pub(super) fn check(bytes: &[u8]) -> Result<(), ExchangeError> {
    if bytes.len() > MAX_PACKED {
        return Err(ExchangeError::Expands);
    }
    // Each part costs the reader memory before a byte of it is unpacked.
    if bytes.windows(4).filter(|window| *window == b"PK\x01\x02").count() > MAX_PARTS {
        return Err(ExchangeError::Expands);
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| ExchangeError::NotWorkbook)?;
    let most = (bytes.len() as u64 * MAX_RATIO).min(MAX_UNPACKED);
    let declared = archive.decompressed_size().unwrap_or(0);
    if archive.len() > MAX_PARTS || declared > u128::from(most) {
        return Err(ExchangeError::Expands);
    }
    let mut has_workbook = false;
    let mut unpacked = 0;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|_| ExchangeError::NotWorkbook)?;
        let name = part.name().map_err(|_| ExchangeError::NotWorkbook)?.to_ascii_lowercase();
        has_workbook |= name.ends_with("workbook.xml");
        let is_xml = name.ends_with(".xml") || name.ends_with(".rels") || name.ends_with(".vml");
        let mut scan = Scan::default();
        let mut part = part.take(most + 1 - unpacked);
        let mut buffer = [0; 16 * 1024];
        loop {
            let read = part.read(&mut buffer).map_err(|_| ExchangeError::NotWorkbook)?;
            if read == 0 {
                break;
            }
            unpacked += read as u64;
            if unpacked > most {
                return Err(ExchangeError::Expands);
            }
            if is_xml && scan.finds_forbidden(&buffer[..read]) {
                return Err(ExchangeError::Entities);
            }
        }
    }
    if has_workbook { Ok(()) } else { Err(ExchangeError::Packed) }
}

/// Looks for a document type or an entity in the bytes of an XML part.
#[derive(Default)]
struct Scan {
    begun: bool,
    /// The end of what was read before, for words across the border.
    tail: Vec<u8>,
}

impl Scan {
    fn finds_forbidden(&mut self, bytes: &[u8]) -> bool {
        // XML in two bytes a character would hide the words; no program writes its workbooks so.
        let is_wide = !self.begun && (bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff"));
        let has_zero = bytes.contains(&0);
        self.begun = true;
        self.tail.extend_from_slice(bytes);
        let has = |word: &[u8]| self.tail.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
        let found = has(b"<!doctype") || has(b"<!entity");
        let keep = self.tail.len().saturating_sub(b"<!doctype".len() - 1);
        self.tail.drain(..keep);
        found || is_wide || has_zero
    }
}
