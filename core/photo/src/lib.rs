//! What a photo says about itself, the smaller forms of it that travel ahead, and copies that say nothing.
//!
//! Everything here works on bytes that somebody else chose. Limits stand before the decoders, which are not ours, and what
//! makes one of them panic is a broken photo, not the end of the program. It reads no clock, no file and no random source.

#![warn(missing_docs)]

mod caught;
mod clean;
mod cost;
mod forms;
mod said;

pub use caught::catches_panics;
pub use clean::{MAX_CLEAN_BYTES, NotCleaned, clean};
pub use forms::{NoForms, PREVIEW_BYTES, SmallForm, THUMB_BYTES, forms, forms_of_picture};
pub use said::{SaidByFile, said};

/// The longest photo file that smaller forms are made of: 12 MiB. A phone's photo of 12 megapixels has 3 to 8 MB.
/// Together with [`MAX_DECODED_BYTES`] this keeps the work on a photo at 64 MiB.
pub const MAX_FILE_BYTES: usize = 12 * 1024 * 1024;

/// The most memory that the pixels of a photo may take while it is decoded: 48 MiB, which is 16 megapixels of an ordinary
/// JPEG.
pub const MAX_DECODED_BYTES: u64 = 48 * 1024 * 1024;

/// Whether a file of this kind may hold anything for this crate to read.
#[must_use]
pub fn is_photo(mime: &str) -> bool {
    forms::format(mime).is_some() || said::may_speak(mime)
}
