use super::take;

/// Of the flags: it can be seen through, it moves. Not: it has a profile, EXIF, XMP.
const PICTURE_FLAGS: u8 = 0x10 | 0x02;

/// The chunks that make the picture, or its frames.
pub(super) fn clean(file: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = file;
    let riff = take(&mut bytes, 12)?;
    if !riff.starts_with(b"RIFF") || !riff.ends_with(b"WEBP") {
        return None;
    }
    let len = u32::from_le_bytes(riff[4..8].try_into().ok()?) as usize;
    // What stands behind belongs to no picture.
    let mut bytes = bytes.get(..len.checked_sub(4)?)?;
    let mut body = Vec::with_capacity(file.len());
    let mut pictures = 0;
    while !bytes.is_empty() {
        let (kind, payload) = chunk(&mut bytes)?;
        match (kind, payload) {
            (b"VP8X", [flags, _, _, _, size @ ..]) if size.len() == 6 => {
                let kept = [&[flags & PICTURE_FLAGS, 0, 0, 0], size].concat();
                write(&mut body, kind, &kept)?;
            }
            (b"ANIM", payload) if payload.len() == 6 => write(&mut body, kind, payload)?,
            (b"ANMF", payload) => {
                pictures += 1;
                let (head, mut inner) = payload.split_at_checked(16)?;
                let mut frame = head.to_vec();
                while !inner.is_empty() {
                    let (kind, payload) = chunk(&mut inner)?;
                    if is_picture(kind) {
                        write(&mut frame, kind, payload)?;
                    }
                }
                write(&mut body, kind, &frame)?;
            }
            (kind, payload) if is_picture(kind) => {
                pictures += usize::from(kind != b"ALPH");
                write(&mut body, kind, payload)?;
            }
            (b"VP8X" | b"ANIM", _) => return None,
            _ => {}
        }
    }
    if pictures == 0 {
        return None;
    }
    let mut out = b"RIFF".to_vec();
    out.extend(u32::try_from(body.len() + 4).ok()?.to_le_bytes());
    out.extend(b"WEBP");
    out.extend(body);
    Some(out)
}

fn is_picture(kind: &[u8; 4]) -> bool {
    matches!(kind, b"VP8 " | b"VP8L" | b"ALPH")
}

/// The next chunk: what it is, and what stands in it. One of an odd length is followed by a byte of nothing.
fn chunk<'a>(bytes: &mut &'a [u8]) -> Option<(&'a [u8; 4], &'a [u8])> {
    let kind = take(bytes, 4)?.try_into().ok()?;
    let len = u32::from_le_bytes(take(bytes, 4)?.try_into().ok()?) as usize;
    let payload = take(bytes, len)?;
    if len % 2 == 1 && !bytes.is_empty() {
        take(bytes, 1)?;
    }
    Some((kind, payload))
}

fn write(out: &mut Vec<u8>, kind: &[u8; 4], payload: &[u8]) -> Option<()> {
    out.extend(kind);
    out.extend(u32::try_from(payload.len()).ok()?.to_le_bytes());
    out.extend(payload);
    if payload.len() % 2 == 1 {
        out.push(0);
    }
    Some(())
}
