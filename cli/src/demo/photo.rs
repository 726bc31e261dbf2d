//! A photo for the demo, drawn by hand: a bridge at dusk, as a PNG of plain bytes.

const WIDTH: usize = 400;
const HEIGHT: usize = 300;

/// The picture as a PNG file, without compression: about 360 kB.
pub(super) fn png() -> Vec<u8> {
    let mut header = Vec::new();
    header.extend((WIDTH as u32).to_be_bytes());
    header.extend((HEIGHT as u32).to_be_bytes());
    // Eight bits a channel, red green blue, no interlacing.
    header.extend([8, 2, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut out, *b"IHDR", &header);
    chunk(&mut out, *b"IDAT", &stored(&pixels()));
    chunk(&mut out, *b"IEND", &[]);
    out
}

/// Rows of pixels, each begun by the number of its filter, which is none.
fn pixels() -> Vec<u8> {
    let mut out = Vec::with_capacity(HEIGHT * (WIDTH * 3 + 1));
    for y in 0..HEIGHT {
        out.push(0);
        for x in 0..WIDTH {
            out.extend(pixel(x as f64 / WIDTH as f64, y as f64 / HEIGHT as f64));
        }
    }
    out
}

fn pixel(x: f64, y: f64) -> [u8; 3] {
    let shade = |from: [f64; 3], to: [f64; 3], at: f64| {
        [0, 1, 2].map(|channel: usize| {
            (from[channel] + (to[channel] - from[channel]) * at).clamp(0.0, 255.0) as u8
        })
    };
    let sun = ((x - 0.72).powi(2) * 1.8 + (y - 0.34).powi(2)).sqrt();
    let arch = 0.62 + (x - 0.5).powi(2) * 0.9;
    let deck = (0.56..0.60).contains(&y);
    let pillar = y > arch && y < 0.78 && (x * 6.0).fract() < 0.14;
    let rail = (0.50..0.56).contains(&y) && (x * 40.0).fract() < 0.18;
    match () {
        () if deck || pillar || rail => [48, 40, 44],
        () if y > 0.70 => {
            shade([120.0, 92.0, 96.0], [24.0, 32.0, 48.0], (y - 0.70) / 0.30 + (x * 90.0).sin() * 0.05)
        }
        () if sun < 0.08 => [255, 226, 150],
        () => shade([70.0, 88.0, 132.0], [244.0, 164.0, 108.0], y / 0.70),
    }
}

/// The zlib format with blocks that are stored as they are (RFC 1950 and 1951).
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = data.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let len = block.len() as u16;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend(block);
    }
    let (mut a, mut b) = (1u32, 0u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    out.extend((b << 16 | a).to_be_bytes());
    out
}

fn chunk(out: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    out.extend((data.len() as u32).to_be_bytes());
    let start = out.len();
    out.extend(name);
    out.extend(data);
    let sum = crc32(&out[start..]);
    out.extend(sum.to_be_bytes());
}

fn crc32(data: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in data {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_formats() {
        // The check values that the definitions of CRC-32 and Adler-32 give.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(stored(b"Wikipedia")[16..], 0x11e6_0398u32.to_be_bytes());
    }

    #[test]
    fn the_photo_is_a_png() {
        let png = png();
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        assert!(png.len() > 300_000);
        assert_eq!(&png[png.len() - 8..png.len() - 4], b"IEND");
    }
}
