//! Copies of photos that are made to be given away: the same picture, and nothing that the file says besides.
//!
//! Each kind of file is written anew from the parts that make the picture. What is not known to be one of them is left out,
//! so that a maker's own block, a note, a second picture behind the first or a film behind both stays behind.

mod gif;
mod jpeg;
mod png;
mod webp;

/// The longest file that is cleaned: 32 MiB. The largest photos of phones have some 25 MB; it is held in memory twice.
pub const MAX_CLEAN_BYTES: usize = 32 * 1024 * 1024;

/// Why no copy without metadata can be made of a file. Messages complete "failed to ...".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCleaned {
    /// Files of its kind are not taken apart here.
    #[error("take out what the file says of itself: that is known only of JPEG, PNG, WebP and GIF")]
    Kind,
    /// It has more bytes than [`MAX_CLEAN_BYTES`].
    #[error("take out what the file says of itself: it has more than {} MiB", MAX_CLEAN_BYTES / (1024 * 1024))]
    TooLarge,
    /// Its parts do not follow the rules of its kind, so nobody can say what it holds.
    #[error("take out what the file says of itself: the file is broken")]
    Broken,
}

/// The same picture without anything else: no time, place, camera, comment, profile, thumbnail or second picture. The picture
/// is not encoded again and loses nothing. Of a JPEG that is stored turned, which way is up is kept, in a block made here.
///
/// What can be seen in the picture stays, of course; and from its noise an expert may tell one camera from another.
///
/// # Errors
/// [`NotCleaned`].
pub fn clean(mime: &str, bytes: &[u8]) -> Result<Vec<u8>, NotCleaned> {
    let write = match mime {
        "image/jpeg" => jpeg::clean,
        "image/png" => png::clean,
        "image/webp" => webp::clean,
        "image/gif" => gif::clean,
        _ => return Err(NotCleaned::Kind),
    };
    if bytes.len() > MAX_CLEAN_BYTES {
        return Err(NotCleaned::TooLarge);
    }
    write(bytes).ok_or(NotCleaned::Broken)
}

/// The next `len` bytes, which are passed.
fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(taken)
}
