//! Codes that people scan or type: a prefix, and base 32 of bytes that end with a check.

use data_encoding::BASE32_NOPAD;
use firsthand_ids::sha256;
use firsthand_log::codec::{Reader, Writer};

use crate::TeamError;

const MAX_ADDRESSES: usize = 8;
const MAX_ADDRESS_BYTES: usize = 64;
const MAX_CODE_CHARS: usize = 1600;

/// The code of some bytes.
pub(crate) fn write_code(prefix: &str, out: Writer) -> String {
    let mut bytes = out.into_bytes();
    let check = sha256(&bytes);
    bytes.extend_from_slice(&check[..4]);
    format!("{prefix}{}", BASE32_NOPAD.encode(&bytes))
}

/// The bytes of a code as it was scanned or typed: lower case, spaces and hyphens are fine. `None` where it has another prefix or
/// its check is wrong.
pub(crate) fn read_code(prefix: &str, code: &str) -> Option<Vec<u8>> {
    if code.len() > MAX_CODE_CHARS {
        return None;
    }
    let typed = code.chars().filter(|c| !c.is_whitespace() && *c != '-');
    let code: String = typed.map(|c| c.to_ascii_uppercase()).collect();
    let mut bytes = BASE32_NOPAD.decode(code.strip_prefix(prefix)?.as_bytes()).ok()?;
    let (content, check) = bytes.split_last_chunk::<4>()?;
    if sha256(content)[..4] != *check {
        return None;
    }
    bytes.truncate(content.len());
    Some(bytes)
}

fn is_address(text: &str) -> bool {
    (1..=MAX_ADDRESS_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Writes where a device listens. Addresses that do not fit are left out.
pub(crate) fn write_addresses(out: &mut Writer, addresses: &[String]) {
    let addresses: Vec<_> = addresses.iter().filter(|it| is_address(it)).take(MAX_ADDRESSES).collect();
    out.number(addresses.len() as u64);
    for address in addresses {
        out.sized(address.as_bytes());
    }
}

/// Reads where a device listens.
pub(crate) fn read_addresses(reader: &mut Reader<'_>) -> Result<Vec<String>, TeamError> {
    let mut addresses = Vec::new();
    for _ in 0..reader.count(MAX_ADDRESSES, "addresses")? {
        let address = reader.text(MAX_ADDRESS_BYTES, "address")?;
        if !is_address(address) {
            return Err(TeamError::Invitation);
        }
        addresses.push(address.to_owned());
    }
    Ok(addresses)
}
