//! The file system inside a workbook of before 2007 (Microsoft's compound file, version 3): sectors in chains.

/// Sectors from here on are marks, not places.
const LAST: u32 = 0xffff_fffa;
const ENTRY: usize = 128;
const MINI: usize = 64;

/// The bytes of the workbook in a compound file; nothing where there is none, or the file is broken.
pub(super) fn workbook(file: &[u8]) -> Option<Vec<u8>> {
    let file = Compound::open(file)?;
    let directory = file.chain(u32_at(file.header, 48)?, &file.fat)?;
    let mut root = None;
    let mut found = None;
    for entry in directory.chunks_exact(ENTRY) {
        let length = usize::from(u16_at(entry, 64)?).min(64);
        let name: Vec<u16> =
            entry[..length].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let name = String::from_utf16_lossy(&name);
        let stream = (u32_at(entry, 116)?, u32_at(entry, 120)? as usize);
        match (entry[66], name.trim_end_matches('\0')) {
            (5, _) => root = Some(stream),
            (2, "Workbook") if found.is_none() => found = Some(stream),
            _ => {}
        }
    }
    let (start, size) = found?;
    let mut bytes = if size < u32_at(file.header, 56)? as usize {
        file.mini(root?, start)?
    } else {
        file.chain(start, &file.fat)?
    };
    if bytes.len() < size {
        return None;
    }
    bytes.truncate(size);
    Some(bytes)
}

struct Compound<'a> {
    header: &'a [u8],
    /// What follows the header, cut into sectors.
    body: &'a [u8],
    sector: usize,
    fat: Vec<u32>,
}

impl<'a> Compound<'a> {
    fn open(file: &'a [u8]) -> Option<Self> {
        let header = file.get(..512)?;
        // Sectors of 512 bytes, as every program writes for workbooks, or of 4,096.
        let sector = match u16_at(header, 30)? {
            9 => 512,
            12 => 4096,
            _ => return None,
        };
        let body = file.get(sector..)?;
        let mut compound = Self { header, body, sector, fat: Vec::new() };
        let mut places: Vec<u32> = (0..109).filter_map(|at| u32_at(header, 76 + at * 4)).collect();
        let (mut next, mut left) = (u32_at(header, 68)?, body.len() / sector);
        while next < LAST {
            // A chain that comes back to itself ends here.
            left = left.checked_sub(1)?;
            let more = compound.sector(next)?;
            let words = words(more);
            let (last, rest) = words.split_last()?;
            places.extend(rest);
            next = *last;
        }
        let mut fat = Vec::new();
        for place in places.into_iter().filter(|place| *place < LAST) {
            if fat.len() > body.len() / sector {
                break;
            }
            fat.extend(words(compound.sector(place)?));
        }
        compound.fat = fat;
        Some(compound)
    }

    /// A sector; the last one of a file may be cut short.
    fn sector(&self, place: u32) -> Option<&'a [u8]> {
        let from = (place as usize).checked_mul(self.sector)?;
        let rest = self.body.get(from..).filter(|rest| !rest.is_empty())?;
        Some(&rest[..rest.len().min(self.sector)])
    }

    fn chain(&self, start: u32, table: &[u32]) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut place = start;
        while place < LAST {
            if bytes.len() > self.body.len() {
                return None;
            }
            bytes.extend_from_slice(self.sector(place)?);
            place = *table.get(place as usize)?;
        }
        Some(bytes)
    }

    /// A short stream, which stands in small sectors inside that of the root.
    fn mini(&self, (root, _): (u32, usize), start: u32) -> Option<Vec<u8>> {
        let container = self.chain(root, &self.fat)?;
        let table = words(&self.chain(u32_at(self.header, 60)?, &self.fat)?);
        let mut bytes = Vec::new();
        let mut place = start;
        while place < LAST {
            if bytes.len() > container.len() {
                return None;
            }
            let from = (place as usize).checked_mul(MINI)?;
            bytes.extend_from_slice(container.get(from..from + MINI)?);
            place = *table.get(place as usize)?;
        }
        Some(bytes)
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
