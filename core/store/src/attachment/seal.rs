use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use firsthand_ids::{ContentHash, sha256};
use rand_core::CryptoRng;
use ring::digest::{Context, SHA256};
use zeroize::{Zeroize, Zeroizing};

use super::cipher::{ChunkCipher, TAG_BYTES};
use super::file::HEADER;
use super::table::ChunkTable;
use super::{AttachmentSecret, CHUNK_BYTES, MAX_ATTACHMENT_BYTES, SEALING, SealedAttachment, file_name};
use crate::StoreError;
use crate::home::sync_dir;

/// Seals what `reader` gives into a file in `dir`: under a temporary name, then onto the disk, then under its own.
pub(super) fn seal(
    dir: &Path,
    reader: &mut dyn Read,
    progress: &mut dyn FnMut(u64),
    rng: &mut dyn CryptoRng,
) -> Result<SealedAttachment, StoreError> {
    let mut secret = AttachmentSecret { key: [0; 32], table: [0; 32] };
    rng.fill_bytes(&mut secret.key);
    let path = dir.join(file_name(&secret));
    let temporary = path.with_extension(SEALING);
    let sealed = write(&temporary, secret, reader, progress).and_then(|sealed| {
        fs::rename(&temporary, &path)?;
        sync_dir(dir)?;
        Ok(sealed)
    });
    if sealed.is_err() {
        // What is left has no key; opening the home sweeps it should this fail.
        let _ = fs::remove_file(&temporary);
    }
    sealed
}

fn write(
    path: &Path,
    mut secret: AttachmentSecret,
    reader: &mut dyn Read,
    progress: &mut dyn FnMut(u64),
) -> Result<SealedAttachment, StoreError> {
    let cipher = ChunkCipher::new(&secret)?;
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(&HEADER)?;
    let mut context = Context::new(&SHA256);
    let (mut byte_len, mut hashes) = (0u64, Vec::new());
    // One chunk ahead, because a chunk must know whether it is the last.
    let mut chunk = Zeroizing::new(Vec::with_capacity(CHUNK_BYTES + TAG_BYTES));
    let mut ahead = Zeroizing::new(Vec::with_capacity(CHUNK_BYTES + TAG_BYTES));
    fill(reader, &mut chunk)?;
    loop {
        byte_len += chunk.len() as u64;
        if byte_len > MAX_ATTACHMENT_BYTES {
            return Err(StoreError::AttachmentTooLarge { limit: MAX_ATTACHMENT_BYTES });
        }
        context.update(&chunk);
        if chunk.len() == CHUNK_BYTES {
            fill(reader, &mut ahead)?;
        }
        let is_last = ahead.is_empty();
        // The limit on the length keeps the number of chunks at 8,192.
        cipher.seal(hashes.len() as u32, is_last, &mut chunk)?;
        hashes.push(sha256(&chunk));
        out.write_all(&chunk)?;
        progress(byte_len);
        chunk.zeroize();
        if is_last {
            break;
        }
        std::mem::swap(&mut chunk, &mut ahead);
    }
    let table = ChunkTable::new(byte_len, hashes);
    secret.table = table.hash();
    out.write_all(&table.encode())?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    Ok(SealedAttachment { hash: ContentHash::new(hash), byte_len, secret })
}

/// Reads a whole chunk, or what is left.
fn fill(reader: &mut dyn Read, chunk: &mut Vec<u8>) -> Result<(), StoreError> {
    chunk.resize(CHUNK_BYTES, 0);
    let mut filled = 0;
    while filled < CHUNK_BYTES {
        match reader.read(&mut chunk[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    chunk.truncate(filled);
    Ok(())
}
