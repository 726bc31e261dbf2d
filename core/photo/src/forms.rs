use std::io::Cursor;
use std::sync::{Mutex, PoisonError};

use firsthand_record::VariantKind;
use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use crate::caught::caught;
use crate::{MAX_DECODED_BYTES, MAX_FILE_BYTES, cost};

/// The longest thumbnail.
pub const THUMB_BYTES: u64 = most_bytes(VariantKind::Thumb);
/// The longest preview.
pub const PREVIEW_BYTES: u64 = most_bytes(VariantKind::Preview);

const fn most_bytes(form: VariantKind) -> u64 {
    match form.most_bytes() {
        Some(most) => most,
        None => 0,
    }
}

/// Longest side of a thumbnail in pixels: enough for a row of a list on a phone of three pixels to the point.
const THUMB_SIDE: u32 = 320;
/// Longest side of a preview in pixels: more than a phone's screen has.
const PREVIEW_SIDE: u32 = 1600;
/// A side that no camera of a phone exceeds, and that no buffer of one line makes large.
const MAX_SIDE: u32 = 16_384;
/// Tried in this order, before the picture is made smaller.
const QUALITIES: [u8; 3] = [80, 65, 50];

/// A smaller form of a photo: a JPEG without anything but the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmallForm {
    /// [`VariantKind::Thumb`] or [`VariantKind::Preview`].
    pub kind: VariantKind,
    /// The file.
    pub jpeg: Vec<u8>,
}

/// Why a file has no smaller forms although it is larger than they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoForms {
    /// It is no photo of a kind that can be read here.
    Kind,
    /// It has more bytes than [`MAX_FILE_BYTES`], or more pixels than fit [`MAX_DECODED_BYTES`].
    TooLarge,
    /// The file is broken.
    Broken,
}

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The decoder for a kind of file.
pub(crate) fn format(mime: &str) -> Option<ImageFormat> {
    match mime {
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/png" => Some(ImageFormat::Png),
        "image/webp" => Some(ImageFormat::WebP),
        "image/gif" => Some(ImageFormat::Gif),
        _ => None,
    }
}

/// Makes the smaller forms of a photo, thumbnail first. Only such as are smaller than the photo: one of 20,000 bytes has
/// none, one of 200,000 bytes no preview.
///
/// # Errors
/// [`NoForms`].
pub fn forms(mime: &str, bytes: Vec<u8>) -> Result<Vec<SmallForm>, NoForms> {
    let format = format(mime).ok_or(NoForms::Kind)?;
    let len = bytes.len() as u64;
    if len <= THUMB_BYTES {
        return Ok(Vec::new());
    }
    if bytes.len() > MAX_FILE_BYTES {
        return Err(NoForms::TooLarge);
    }
    // Whoever attaches many at once needs the memory of one.
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    caught(|| make(format, bytes, len)).unwrap_or(Err(NoForms::Broken))
}

/// Makes the forms that travel ahead of a file which is no photo, from a picture of it: a frame of a film, the shape of a sound. Of a
/// picture of at most 20,000 bytes only the thumbnail.
///
/// # Errors
/// [`NoForms`].
pub fn forms_of_picture(mime: &str, picture: Vec<u8>) -> Result<Vec<SmallForm>, NoForms> {
    let format = format(mime).ok_or(NoForms::Kind)?;
    if picture.len() > MAX_FILE_BYTES {
        return Err(NoForms::TooLarge);
    }
    // The file itself is longer than its forms, however short the picture.
    let len = if picture.len() as u64 <= THUMB_BYTES { THUMB_BYTES + 1 } else { u64::MAX };
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    caught(|| make(format, picture, len)).unwrap_or(Err(NoForms::Broken))
}

fn make(format: ImageFormat, bytes: Vec<u8>, len: u64) -> Result<Vec<SmallForm>, NoForms> {
    let large = decode(format, bytes)?;
    let mut forms = Vec::new();
    let preview = if len > PREVIEW_BYTES {
        let (preview, jpeg) = fit(large, PREVIEW_SIDE, PREVIEW_BYTES)?;
        forms.push(SmallForm { kind: VariantKind::Preview, jpeg });
        preview
    } else {
        large
    };
    let (_, jpeg) = fit(preview, THUMB_SIDE, THUMB_BYTES)?;
    forms.insert(0, SmallForm { kind: VariantKind::Thumb, jpeg });
    Ok(forms)
}

/// The picture, no larger than a preview, the right way up and without what lies under transparent places.
fn decode(format: ImageFormat, bytes: Vec<u8>) -> Result<RgbImage, NoForms> {
    let told = |error: image::ImageError| match error {
        image::ImageError::Limits(_) => NoForms::TooLarge,
        _ => NoForms::Broken,
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    // Before the bytes go to the decoder: how it works depends on more than their kind.
    let shape = cost::JpegShape::of(&bytes);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(told)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let fits = width <= MAX_SIDE
        && height <= MAX_SIDE
        && pixels * cost::bytes_of_pixel(format, decoder.color_type(), shape) <= MAX_DECODED_BYTES;
    if !fits {
        return Err(NoForms::TooLarge);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = shrink(DynamicImage::from_decoder(decoder).map_err(told)?, PREVIEW_SIDE);
    let mut picture = DynamicImage::ImageRgb8(opaque(&picture));
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

/// At most `side` pixels long and wide; one that is smaller stays as it is.
fn shrink(picture: DynamicImage, side: u32) -> DynamicImage {
    if picture.width().max(picture.height()) <= side { picture } else { picture.thumbnail(side, side) }
}

/// On white. Whoever covers something up by making it transparent has not removed it.
fn opaque(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let picture = picture.to_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0;
        let on_white = |value: u8| {
            let (value, alpha) = (u32::from(value), u32::from(alpha));
            // A mean of two bytes is one.
            ((value * alpha + 255 * (255 - alpha)) / 255) as u8
        };
        image::Rgb([on_white(red), on_white(green), on_white(blue)])
    })
}

/// The picture at the best quality and size that `most` bytes hold, and its file.
fn fit(picture: RgbImage, side: u32, most: u64) -> Result<(RgbImage, Vec<u8>), NoForms> {
    let mut picture = shrink(DynamicImage::ImageRgb8(picture), side).into_rgb8();
    loop {
        for quality in QUALITIES {
            let mut jpeg = Vec::new();
            let encoder = JpegEncoder::new_with_quality(&mut jpeg, quality);
            picture.write_with_encoder(encoder).map_err(|_| NoForms::Broken)?;
            if jpeg.len() as u64 <= most {
                return Ok((picture, jpeg));
            }
        }
        let longest = picture.width().max(picture.height());
        picture = shrink(DynamicImage::ImageRgb8(picture), longest * 4 / 5).into_rgb8();
    }
}
