use super::take;

/// The pictures, their palettes and times, and how often they are shown; no comments, and no blocks of programs.
pub(super) fn clean(file: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = file;
    let mut out = Vec::with_capacity(file.len());
    let head = take(&mut bytes, 13)?;
    if !head.starts_with(b"GIF87a") && !head.starts_with(b"GIF89a") {
        return None;
    }
    out.extend(head);
    out.extend(take(&mut bytes, palette_bytes(head[10]))?);
    let mut pictures = 0;
    loop {
        match *take(&mut bytes, 1)? {
            // The end. What stands behind it belongs to no picture.
            [0x3b] if pictures > 0 => {
                out.push(0x3b);
                return Some(out);
            }
            [0x2c] => {
                pictures += 1;
                let picture = bytes;
                let head = take(&mut bytes, 9)?;
                take(&mut bytes, palette_bytes(head[8]))?;
                take(&mut bytes, 1)?;
                blocks(&mut bytes)?;
                out.push(0x2c);
                out.extend(&picture[..picture.len() - bytes.len()]);
            }
            [0x21] => {
                let extension = bytes;
                let [kind] = *take(&mut bytes, 1)? else { return None };
                blocks(&mut bytes)?;
                let extension = &extension[..extension.len() - bytes.len()];
                let timed = kind == 0xf9 && extension.len() == 7;
                let repeated = extension.starts_with(b"\xff\x0bNETSCAPE2.0\x03\x01") && extension.len() == 18;
                if timed || repeated {
                    out.push(0x21);
                    out.extend(extension);
                }
            }
            _ => return None,
        }
    }
}

/// How long the palette is that this byte of flags announces.
const fn palette_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// Passes blocks up to the empty one that ends them.
fn blocks(bytes: &mut &[u8]) -> Option<()> {
    loop {
        match *take(bytes, 1)? {
            [0] => return Some(()),
            [len] => take(bytes, usize::from(len))?,
            _ => return None,
        };
    }
}
