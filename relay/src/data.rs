use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::BASE32_NOPAD;
use firsthand_channel::ExchangeSecret;
use firsthand_sync::relay::Token;
use rand_core::Rng;

use crate::{RelayError, SqliteStorage, SystemRandom};

/// A relay's folder: one file of data, and what SQLite keeps beside it.
#[derive(Debug, Clone)]
pub struct Data {
    folder: PathBuf,
}

impl Data {
    /// The folder, made if it is not there, closed to everybody else.
    ///
    /// # Errors
    /// [`RelayError::Io`].
    pub fn create(folder: PathBuf) -> Result<Self, RelayError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).map_err(RelayError::io("make the data folder"))?;
        Ok(Self { folder })
    }

    /// The file with everything.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.join("relay.db")
    }

    /// Opens storage and the relay's key, both made at the first start.
    ///
    /// # Errors
    /// Any [`RelayError`] of the file or the database.
    pub fn open(&self) -> Result<(SqliteStorage, ExchangeSecret), RelayError> {
        let file = self.file();
        if !file.exists() {
            create_private(&file)?;
        }
        let mut random = SystemRandom::new()?;
        let mut storage = SqliteStorage::open(&file)?;
        let secret = storage.key(|| ExchangeSecret::generate(&mut random))?;
        Ok((storage, secret))
    }
}

/// Makes an empty file that only its owner may read.
pub(crate) fn create_private(path: &Path) -> Result<(), RelayError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(RelayError::io("make a file"))
}

/// A new token, and how it is written down: 26 letters and digits.
#[must_use]
pub fn random_token(random: &mut SystemRandom) -> (Token, String) {
    let mut bytes = [0; 16];
    random.fill_bytes(&mut bytes);
    (Token::new(bytes), BASE32_NOPAD.encode(&bytes))
}

/// Reads a token as it is written down; `None` where it is none.
#[must_use]
pub fn read_token(written: &str) -> Option<Token> {
    let bytes = BASE32_NOPAD.decode(written.trim().to_ascii_uppercase().as_bytes()).ok()?;
    Some(Token::new(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let (token, written) = random_token(&mut SystemRandom::new().unwrap());
        assert_eq!(read_token(&written.to_lowercase()).unwrap(), token);
        assert!(read_token(&written[1..]).is_none() && read_token("").is_none());
    }
}
