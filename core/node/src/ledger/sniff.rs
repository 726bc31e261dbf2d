//! What the bytes of a file say about it, while they stream by on their way to be sealed.

use std::io::{self, Read};

use firsthand_photo::{MAX_FILE_BYTES, is_photo};
use firsthand_record::C2paState;

/// How much of a file's beginning is looked at for its kind.
const START_BYTES: u64 = 8 * 1024;

/// The type that the description box of a C2PA manifest store carries (JUMBF, ISO 19566-5). It stands in the clear in
/// every kind of file that can hold one, so no format needs to be parsed.
const C2PA_STORE: [u8; 16] = *b"c2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71";

/// The kind of a file, from its first bytes: what the phone calls it may be wrong or a lie.
pub(super) fn mime(start: &[u8]) -> &'static str {
    infer::get(start).map_or("application/octet-stream", |kind| kind.mime_type())
}

/// Passes a file on and looks at it.
pub(super) struct Looking<'a> {
    file: &'a mut dyn Read,
    start: Vec<u8>,
    given: usize,
    /// The end of what was passed on last, where a mark may have begun.
    tail: Vec<u8>,
    c2pa: bool,
    kept: Option<Vec<u8>>,
    /// There is more than was kept.
    longer: bool,
}

impl<'a> Looking<'a> {
    pub(super) fn new(file: &'a mut dyn Read) -> io::Result<Self> {
        let mut start = Vec::new();
        file.take(START_BYTES).read_to_end(&mut start)?;
        let kept = is_photo(mime(&start)).then(Vec::new);
        Ok(Self { file, start, given: 0, tail: Vec::new(), c2pa: false, kept, longer: false })
    }

    pub(super) fn mime(&self) -> &'static str {
        mime(&self.start)
    }

    /// Whether content credentials were seen in what was read. They are not verified.
    pub(super) const fn c2pa(&self) -> C2paState {
        if self.c2pa { C2paState::Unknown } else { C2paState::None }
    }

    /// The beginning of a photo, and whether the photo goes on; `None` for other files.
    pub(super) fn into_photo(self) -> Option<(Vec<u8>, bool)> {
        self.kept.map(|kept| (kept, self.longer))
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Some(kept) = &mut self.kept {
            let room = MAX_FILE_BYTES - kept.len();
            self.longer |= bytes.len() > room;
            kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    fn look(&mut self, bytes: &[u8]) {
        if self.c2pa {
            return;
        }
        let seam = self.tail.len();
        self.tail.extend_from_slice(&bytes[..bytes.len().min(C2PA_STORE.len() - 1)]);
        self.c2pa = contains(&self.tail) || contains(bytes);
        if bytes.len() < C2PA_STORE.len() {
            let keep = self.tail.len().saturating_sub(C2PA_STORE.len() - 1);
            self.tail.drain(..keep);
        } else {
            debug_assert!(seam < C2PA_STORE.len());
            self.tail.clear();
            self.tail.extend_from_slice(&bytes[bytes.len() - (C2PA_STORE.len() - 1)..]);
        }
    }
}

fn contains(bytes: &[u8]) -> bool {
    bytes.windows(C2PA_STORE.len()).any(|window| window == C2PA_STORE)
}

impl Read for Looking<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = match self.start.get(self.given..).filter(|left| !left.is_empty()) {
            Some(mut left) => {
                let read = left.read(out)?;
                self.given += read;
                read
            }
            None => self.file.read(out)?,
        };
        self.look(&out[..read]);
        self.keep(&out[..read]);
        Ok(read)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Gives `step` bytes at a time.
    struct Steps<'a>(&'a [u8], usize);

    impl Read for Steps<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let len = out.len().min(self.1);
            self.0.read(&mut out[..len])
        }
    }

    fn look(bytes: &[u8], step: usize) -> (C2paState, Vec<u8>) {
        let mut file = bytes;
        let mut looking = Looking::new(&mut file).unwrap();
        let mut out = Vec::new();
        let mut steps = vec![0; step];
        loop {
            match looking.read(&mut steps).unwrap() {
                0 => break,
                read => out.extend_from_slice(&steps[..read]),
            }
        }
        let mut trickle = Steps(bytes, step);
        let mut again = Looking::new(&mut trickle).unwrap();
        io::copy(&mut again, &mut io::sink()).unwrap();
        assert_eq!(looking.c2pa(), again.c2pa());
        (looking.c2pa(), out)
    }

    #[test]
    fn credentials_are_seen_wherever_they_stand_and_however_the_file_comes() {
        for step in [1, 2, 15, 16, 17, 31, 1000, 8192, 100_000] {
            for at in [0, 1, 500, START_BYTES as usize - 8, START_BYTES as usize, 20_000 - 16] {
                let mut bytes = vec![b'c'; 20_000];
                assert_eq!(look(&bytes, step).0, C2paState::None);
                bytes[at..at + 16].copy_from_slice(&C2PA_STORE);
                assert_eq!(look(&bytes, step), (C2paState::Unknown, bytes.clone()), "{step} {at}");
                bytes[at + 7] ^= 1;
                assert_eq!(look(&bytes, step).0, C2paState::None);
            }
        }
    }

    #[test]
    fn the_kind_is_found_from_the_bytes() {
        for (start, kind) in [
            (&b"\xff\xd8\xff\xe0"[..], "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n", "image/png"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heif"),
            (b"OggS", "audio/ogg"),
            (b"RIFF\0\0\0\0WAVEfmt ", "audio/x-wav"),
            (b"%PDF-1.7", "application/pdf"),
            (b"", "application/octet-stream"),
            (b"just words", "application/octet-stream"),
        ] {
            assert_eq!(mime(start), kind);
        }
    }
}
