//! The quorum that was set when the team was founded, so that it does not end with its last lead.

use data_encoding::BASE32_NOPAD;
use firsthand_ids::{DeviceKey, sha256};
use firsthand_log::DeviceSecret;
use zeroize::Zeroizing;

use crate::{MAX_RECOVERY_KEYS, TeamError};

const PREFIX: &str = "FHR1";

/// Keys of which so many together can make a new lead, and decide between removals.
///
/// They are no devices' keys: a phone that is taken gives none of them away. Each is handed out as a code and kept on paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    /// How many have to sign.
    pub needed: u8,
    /// The public keys, rising.
    pub keys: Vec<DeviceKey>,
}

impl Quorum {
    pub(crate) fn is_sound(&self) -> bool {
        let rising = self.keys.windows(2).all(|pair| pair[0] < pair[1]);
        rising && self.keys.len() <= MAX_RECOVERY_KEYS && (1..=self.keys.len()).contains(&self.needed.into())
    }

    /// Makes a quorum of these seeds, of which `needed` must sign; and the code of each, in no order that says anything.
    ///
    /// # Errors
    /// [`TeamError::Recovery`] for no seeds or too many, or where `needed` is none or more than there are.
    pub fn of(needed: u8, seeds: &[[u8; 32]]) -> Result<(Self, Vec<Zeroizing<String>>), TeamError> {
        let secrets: Result<Vec<_>, _> = seeds.iter().map(|seed| DeviceSecret::from_seed(*seed)).collect();
        let mut keys: Vec<_> = secrets?.iter().map(DeviceSecret::key).collect();
        keys.sort_unstable();
        let quorum = Self { needed, keys };
        if !quorum.is_sound() {
            return Err(TeamError::Recovery);
        }
        Ok((quorum, seeds.iter().map(code).collect()))
    }

    /// Which of the keys a secret is.
    pub(crate) fn place(&self, secret: &DeviceSecret) -> Option<u8> {
        self.keys.iter().position(|key| *key == secret.key()).and_then(|at| u8::try_from(at).ok())
    }
}

fn code(seed: &[u8; 32]) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(seed.to_vec());
    bytes.extend_from_slice(&sha256(seed)[..4]);
    Zeroizing::new(format!("{PREFIX}{}", BASE32_NOPAD.encode(&bytes)))
}

/// Reads a recovery code as it was typed: lower case, spaces and hyphens are fine.
///
/// # Errors
/// [`TeamError::Recovery`] for anything else.
pub fn recovery_secret(code: &str) -> Result<DeviceSecret, TeamError> {
    if code.len() > 200 {
        return Err(TeamError::Recovery);
    }
    let code: Zeroizing<String> = Zeroizing::new(
        code.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect(),
    );
    let text = code.strip_prefix(PREFIX).ok_or(TeamError::Recovery)?;
    let bytes = BASE32_NOPAD.decode(text.as_bytes()).map_err(|_| TeamError::Recovery)?;
    let bytes = Zeroizing::new(bytes);
    let seed: [u8; 32] = bytes.get(..32).and_then(|seed| seed.try_into().ok()).ok_or(TeamError::Recovery)?;
    let seed = Zeroizing::new(seed);
    if bytes[32..] != sha256(seed.as_ref())[..4] {
        return Err(TeamError::Recovery);
    }
    Ok(DeviceSecret::from_seed(*seed)?)
}
