use super::take;

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

/// The chunks that make the picture, or its frames, each with the most bytes that it may have.
fn most_bytes(kind: &[u8]) -> Option<usize> {
    Some(match kind {
        b"IHDR" => 13,
        b"IEND" => 0,
        b"PLTE" => 768,
        b"IDAT" | b"fdAT" => usize::MAX,
        // Which colours are meant, and what is seen through.
        b"tRNS" => 512,
        b"gAMA" => 4,
        b"cHRM" => 32,
        b"sRGB" => 1,
        b"sBIT" => 4,
        b"bKGD" => 6,
        b"acTL" => 8,
        b"fcTL" => 26,
        _ => return None,
    })
}

/// Those chunks, as they stand. What follows the last belongs to no picture.
pub(super) fn clean(file: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = file;
    let mut out = Vec::with_capacity(file.len());
    if take(&mut bytes, 8)? != SIGNATURE {
        return None;
    }
    out.extend(SIGNATURE);
    let mut first = true;
    loop {
        let chunk = bytes;
        let len = u32::from_be_bytes(take(&mut bytes, 4)?.try_into().ok()?) as usize;
        let kind = take(&mut bytes, 4)?;
        take(&mut bytes, len)?;
        take(&mut bytes, 4)?;
        if first != (kind == b"IHDR") {
            return None;
        }
        first = false;
        match most_bytes(kind) {
            Some(most) if len <= most => out.extend(&chunk[..len + 12]),
            // Without it the picture would be another; with it, it would say more than a picture.
            Some(_) => return None,
            None if kind[0].is_ascii_uppercase() => return None,
            None => {}
        }
        if kind == b"IEND" {
            return Some(out);
        }
    }
}
