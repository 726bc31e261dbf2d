use image::{ColorType, ImageFormat};

/// The bytes that the decoder of this format holds for each pixel at once, as measured: the picture and what it makes the
/// picture of.
pub(crate) fn bytes_of_pixel(format: ImageFormat, color: ColorType, shape: JpegShape) -> u64 {
    let picture = u64::from(color.bytes_per_pixel());
    match format {
        // Coefficients of two bytes for each value, all of them before the first pixel; up to four values where the file
        // is made for print.
        ImageFormat::Jpeg if shape == JpegShape::Whole => picture + 8,
        ImageFormat::Jpeg | ImageFormat::Png => picture,
        // A frame beside the picture; and for WebP the planes that it is made of.
        _ => 2 * picture.max(4),
    }
}

/// How much of a JPEG its decoder holds at once. For files of other kinds it says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JpegShape {
    /// Some lines.
    Lines,
    /// All of it.
    Whole,
}

impl JpegShape {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        if is_plain_jpeg(bytes) { Self::Lines } else { Self::Whole }
    }
}

/// Whether a JPEG is decoded line by line: one sequential frame, all of its components in the first scan. What cannot be
/// told is taken for the other.
fn is_plain_jpeg(bytes: &[u8]) -> bool {
    let (mut at, mut components) = (2, None);
    while let Some([0xff, marker, high, low]) = bytes.get(at..at + 4) {
        let payload = at + 4;
        match marker {
            0xff => {
                at += 1;
                continue;
            }
            // Two frames: which one counts is the decoder's business.
            0xc0 | 0xc1 if components.is_some() => return false,
            0xc0 | 0xc1 => components = bytes.get(payload + 5).copied(),
            0xc2..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => return false,
            0xda => return components.is_some() && bytes.get(payload).copied() == components,
            _ => {}
        }
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        if len < 2 {
            return false;
        }
        at += 2 + len;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(segments: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8];
        for (marker, payload) in segments {
            bytes.extend([0xff, *marker]);
            bytes.extend((payload.len() as u16 + 2).to_be_bytes());
            bytes.extend(*payload);
        }
        bytes
    }

    #[test]
    fn a_jpeg_that_needs_room_for_its_coefficients_is_told() {
        const FRAME: &[u8] = &[8, 0, 16, 0, 16, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];
        let app = [0xff, 0xc2, 0xff, 0xda, 0];
        assert!(is_plain_jpeg(&jpeg(&[(0xe1, &app), (0xc0, FRAME), (0xc4, &[0]), (0xda, &[3])])));
        assert!(is_plain_jpeg(&jpeg(&[(0xc1, FRAME), (0xda, &[3])])));
        for other in [
            jpeg(&[(0xc2, FRAME), (0xda, &[3])]),
            jpeg(&[(0xc0, FRAME), (0xc2, FRAME), (0xda, &[3])]),
            jpeg(&[(0xc0, FRAME), (0xc0, FRAME), (0xda, &[3])]),
            // One scan for each component.
            jpeg(&[(0xc0, FRAME), (0xda, &[1])]),
            jpeg(&[(0xda, &[3])]),
            jpeg(&[(0xc0, FRAME)]),
            vec![0xff, 0xd8, 0xff, 0xc0, 0, 0],
            Vec::new(),
        ] {
            assert!(!is_plain_jpeg(&other), "{other:?}");
        }
    }
}
