//! Workbooks of before 2007, written record by record.

/// What a test puts into a cell.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Old {
    No,
    S(&'static str),
    N(f64),
    /// A whole number packed into four bytes.
    Rk(i32),
    Bool(bool),
    /// A formula whose saved result is text.
    Formula(&'static str),
    /// A formula whose saved result is an error.
    Broken,
}

fn record(id: u16, data: &[u8]) -> Vec<u8> {
    let mut out = id.to_le_bytes().to_vec();
    out.extend((data.len() as u16).to_le_bytes());
    out.extend(data);
    out
}

/// Characters of two bytes each, and how many there are.
fn wide(text: &str) -> (u16, Vec<u8>) {
    let units: Vec<u16> = text.encode_utf16().collect();
    (units.len() as u16, units.iter().flat_map(|unit| unit.to_le_bytes()).collect())
}

/// The texts of the workbook in one record and what carries it on: cut in the middle of a text, where the next part says anew
/// how wide its characters are.
fn texts(list: &[&str]) -> Vec<u8> {
    let mut head = (list.len() as u32).to_le_bytes().repeat(2);
    let mut rest = Vec::new();
    for (at, text) in list.iter().enumerate() {
        let (length, bytes) = wide(text);
        let is_cut = at == list.len() / 2;
        let out = if at <= list.len() / 2 { &mut head } else { &mut rest };
        out.extend(length.to_le_bytes());
        out.push(1);
        if is_cut {
            let half = bytes.len() / 4 * 2;
            out.extend(&bytes[..half]);
            rest.push(1);
            rest.extend(&bytes[half..]);
        } else {
            out.extend(bytes);
        }
    }
    let mut out = record(0x00fc, &head);
    out.extend(record(0x003c, &rest));
    out
}

pub(crate) fn old_book(sheets: &[(&str, &[&[Old]])]) -> Vec<u8> {
    let bof =
        |kind: u16| record(0x0809, &[&0x0600_u16.to_le_bytes()[..], &kind.to_le_bytes(), &[0; 12]].concat());
    let mut list: Vec<&str> = Vec::new();
    let mut bodies = Vec::new();
    for (_, rows) in sheets {
        let mut body = bof(0x10);
        for (row, cells) in rows.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                let mut data = [(row as u16).to_le_bytes(), (column as u16).to_le_bytes(), [0; 2]].concat();
                let mut after = Vec::new();
                let id = match cell {
                    Old::No => continue,
                    Old::S(text) => {
                        let at = list.iter().position(|own| own == text).unwrap_or(list.len());
                        if at == list.len() {
                            list.push(text);
                        }
                        data.extend((at as u32).to_le_bytes());
                        0x00fd
                    }
                    Old::N(number) => {
                        data.extend(number.to_le_bytes());
                        0x0203
                    }
                    Old::Rk(number) => {
                        data.extend((number << 2 | 2).to_le_bytes());
                        0x027e
                    }
                    Old::Bool(yes) => {
                        data.extend([u8::from(*yes), 0]);
                        0x0205
                    }
                    Old::Formula(text) => {
                        data.extend([0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0]);
                        let (length, bytes) = wide(text);
                        after = record(0x0207, &[&length.to_le_bytes()[..], &[1], &bytes].concat());
                        0x0006
                    }
                    Old::Broken => {
                        data.extend([2, 0, 0x17, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0]);
                        0x0006
                    }
                };
                body.extend(record(id, &data));
                body.extend(after);
            }
        }
        body.extend(record(0x000a, &[]));
        bodies.push(body);
    }
    let head = |places: &[u32]| {
        let mut head = bof(5);
        for ((name, _), place) in sheets.iter().zip(places) {
            let (length, bytes) = wide(name);
            let data = [&place.to_le_bytes()[..], &[0, 0, length as u8, 1], &bytes].concat();
            head.extend(record(0x0085, &data));
        }
        head.extend(texts(&list));
        head.extend(record(0x000a, &[]));
        head
    };
    let mut place = head(&vec![0; sheets.len()]).len() as u32;
    let mut places = Vec::new();
    for body in &bodies {
        places.push(place);
        place += body.len() as u32;
    }
    let mut stream = head(&places);
    stream.extend(bodies.concat());
    // Shorter streams stand in another part of the file.
    stream.resize(stream.len().max(4096), 0);
    compound(&stream)
}

/// A compound file of one stream: the table of sectors, the directory, and the stream behind them.
fn compound(stream: &[u8]) -> Vec<u8> {
    const END: u32 = 0xffff_fffe;
    let sectors = stream.len().div_ceil(512) as u32;
    assert!(sectors < 126, "one sector of the table is enough");
    let mut header = vec![0; 512];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    put(24, &[0x3e, 0, 3, 0, 0xfe, 0xff, 9, 0, 6, 0]);
    put(44, &1_u32.to_le_bytes());
    put(48, &1_u32.to_le_bytes());
    put(56, &4096_u32.to_le_bytes());
    put(60, &END.to_le_bytes());
    put(68, &END.to_le_bytes());
    put(76, &[0xff; 436]);
    put(76, &0_u32.to_le_bytes());
    let mut table = vec![0xffff_fffd, END];
    table.extend(3..sectors + 2);
    table.push(END);
    table.resize(128, 0xffff_ffff);
    let mut out = header;
    out.extend(table.iter().flat_map(|word: &u32| word.to_le_bytes()));
    let entry = |name: &str, kind: u8, start: u32, size: usize| {
        let mut entry = vec![0; 128];
        let (length, bytes) = wide(&format!("{name}\0"));
        entry[..bytes.len()].copy_from_slice(&bytes);
        entry[64..66].copy_from_slice(&(length * 2).to_le_bytes());
        entry[66] = kind;
        entry[116..120].copy_from_slice(&start.to_le_bytes());
        entry[120..124].copy_from_slice(&(size as u32).to_le_bytes());
        entry
    };
    let mut directory = entry("Root Entry", 5, END, 0);
    directory.extend(entry("Workbook", 2, 2, stream.len()));
    directory.resize(512, 0);
    out.extend(directory);
    out.extend(stream);
    out.resize(512 + (2 + sectors as usize) * 512, 0);
    out
}
