use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use firsthand_ids::{ContentHash, padme, sha256};
use rand_core::CryptoRng;
use ring::digest::{Context, SHA256};
use zeroize::{Zeroize, Zeroizing};

use super::cipher::{ChunkCipher, TAG_BYTES};
use super::file::HEADER;
use super::table::ChunkTable;
use super::{
    AttachmentSecret, CHUNK_BYTES, Done, MAX_ATTACHMENT_BYTES, SEALING, SealedAttachment, file_name,
};
use crate::StoreError;
use crate::home::sync_dir;

/// Seals what `reader` gives into a file in `dir` and onto the disk, under the name that it has until it is recorded.
pub(super) fn seal(
    dir: &Path,
    reader: &mut dyn Read,
    progress: Done<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<SealedAttachment, StoreError> {
    seal_up_to(MAX_ATTACHMENT_BYTES, dir, reader, progress, rng)
}

fn seal_up_to(
    limit: u64,
    dir: &Path,
    reader: &mut dyn Read,
    progress: Done<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<SealedAttachment, StoreError> {
    let mut secret = AttachmentSecret { key: [0; 32], table: [0; 32], root: [0; 32] };
    rng.fill_bytes(&mut secret.key);
    let temporary = dir.join(file_name(&secret)).with_extension(SEALING);
    let sealed = write(limit, &temporary, secret, reader, progress).and_then(|sealed| {
        // Its name is known only now.
        let named = dir.join(file_name(&sealed.secret)).with_extension(SEALING);
        fs::rename(&temporary, &named)?;
        if let Err(error) = sync_dir(dir) {
            let _ = fs::remove_file(named);
            return Err(error.into());
        }
        Ok(sealed)
    });
    if sealed.is_err() {
        // What is left has no key; opening the home sweeps it should this fail.
        let _ = fs::remove_file(&temporary);
    }
    sealed
}

fn write(
    limit: u64,
    path: &Path,
    mut secret: AttachmentSecret,
    reader: &mut dyn Read,
    progress: Done<'_>,
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
        if byte_len > limit {
            return Err(StoreError::AttachmentTooLarge { limit });
        }
        context.update(&chunk);
        if chunk.len() == CHUNK_BYTES {
            fill(reader, &mut ahead)?;
        }
        let is_last = ahead.is_empty();
        let padded = padme(chunk.len());
        chunk.resize(padded, 0);
        // The limit on the length keeps the number of chunks at 8,192.
        cipher.seal(hashes.len() as u32, is_last, &mut chunk)?;
        hashes.push(sha256(&chunk));
        out.write_all(&chunk)?;
        if !progress(byte_len) {
            return Err(StoreError::Stopped);
        }
        chunk.zeroize();
        if is_last {
            break;
        }
        std::mem::swap(&mut chunk, &mut ahead);
    }
    let table = ChunkTable::new(byte_len, hashes);
    secret.table = table.hash();
    secret.root = match table.chunk_hash(0) {
        Some(only) if table.chunks() == 1 => *only,
        _ => sha256(&table.root(&cipher)?),
    };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::rng;

    #[test]
    fn a_file_over_the_limit_is_refused_while_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let limit = 2 * CHUNK_BYTES as u64;
        let seal = |len: u64| {
            seal_up_to(limit, folder.path(), &mut io::repeat(7).take(len), &mut |_| true, &mut rng(1))
        };
        let endless = seal(u64::MAX);
        assert!(matches!(endless, Err(StoreError::AttachmentTooLarge { .. })));
        assert!(matches!(seal(limit + 1), Err(StoreError::AttachmentTooLarge { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(seal(limit).unwrap().byte_len, limit);
    }

    #[test]
    fn the_bytes_that_lie_at_relays_stay_what_they_are() {
        // A second implementation computed them.
        let folder = tempfile::tempdir().unwrap();
        let content = [vec![7; CHUNK_BYTES], vec![8; 1000]].concat();
        let secret = AttachmentSecret { key: [0x42; 32], table: [0; 32], root: [0; 32] };
        let path = folder.path().join("golden");
        let sealed = write(u64::MAX, &path, secret, &mut &content[..], &mut |_| true).unwrap();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut file = super::super::file::SealedFile::open(&path).unwrap();
        let last = file.checked_chunk(1).unwrap();
        assert_eq!(last.len(), 1024 + TAG_BYTES);
        assert_eq!(hex(&sha256(&last)), "c9691a87b35f7ca1173942caf6504e33436f3e9d9e9943e18595c8e38d63aa35");
        let secret = sealed.secret;
        let root = file.into_table().root(&ChunkCipher::new(&secret).unwrap()).unwrap();
        let golden = "12fc53c7c24137502bd19ded611b97d286cea644a448f9eb7f8cc5c17fe7b99fe5438ea965d9bfe166d14186193e82b7\
                      9f6023e5baf10c4247988aa9e46ed2852e11401efa3eed333f6597e1919b15ca6162d5d24af92c38";
        assert_eq!(hex(&root), golden);
        assert_eq!(hex(&secret.root), "31c13b251de91179bc44eac43fa18822d310c87efd99159d3d6c5efe4b3d00f6");
        assert_eq!(hex(&secret.table), "0745c8afc896e7fb74d9bc482ef501204d84f4933a2dffaa7743357792da30ee");
    }

    #[test]
    fn what_pads_the_end_of_a_file_is_zeros() {
        let folder = tempfile::tempdir().unwrap();
        let secret = AttachmentSecret { key: [1; 32], table: [0; 32], root: [0; 32] };
        let path = folder.path().join("file");
        let content = [3; 1000];
        let sealed = write(u64::MAX, &path, secret, &mut &content[..], &mut |_| true).unwrap();
        let mut out = Vec::new();
        let read = |path: &Path, out: &mut Vec<u8>| {
            let file = super::super::file::SealedFile::open(path);
            file.unwrap().unseal(&sealed.secret, &sealed.hash, out, &mut |_| true)
        };
        assert_eq!(read(&path, &mut out).unwrap(), 1000);
        assert_eq!(out, content);
        // Somebody who has the key seals the same content with something behind it.
        let mut chunk = content.to_vec();
        chunk.resize(1024, 0);
        chunk[1023] = 1;
        ChunkCipher::new(&sealed.secret).unwrap().seal(0, true, &mut chunk).unwrap();
        let table = ChunkTable::new(1000, vec![sha256(&chunk)]);
        fs::write(&path, [&HEADER[..], &chunk, &table.encode()].concat()).unwrap();
        assert!(matches!(read(&path, &mut Vec::new()), Err(StoreError::AttachmentMismatch)));
    }

    #[test]
    fn the_bytes_of_a_sealed_file_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = seal(folder.path(), &mut &b"golden"[..], &mut |_| true, &mut rng(1)).unwrap();
        let name = file_name(&sealed.secret);
        let bytes = fs::read(folder.path().join(&name).with_extension(SEALING)).unwrap();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (header, rest) = bytes.split_at(16);
        let (chunk, table) = rest.split_at(6 + TAG_BYTES);
        assert_eq!(
            hex(&sealed.secret.key),
            "b10da48cea4c09676b8e0efcd806941465060736032bb898420d0863dca72538"
        );
        assert_eq!(name, "cf084f056ccf82f3af7467e81ca7018b");
        assert_eq!(hex(header), "46486174746163680100000000000000");
        assert_eq!(hex(chunk), "0e2dc7f063173508fa6b836bbfc8cab98be2ce179d42");
        assert_eq!(
            hex(table),
            "b70f848f0d04042026bd1f8cffabbeec6bb2493c27cb8e350c00b13e7564d3050600000000000000"
        );
        assert_eq!(
            hex(&sealed.secret.table),
            "612dd7308bd058efe2e29ec71f242e266eeab3346e85e658d6a85dd75a107b7d"
        );
        // A short file is named at relays by its only chunk.
        assert_eq!(sealed.secret.root, sha256(chunk));
    }
}
