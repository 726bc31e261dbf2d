use firsthand_ids::{DeviceKey, EntryHash, OperationHash, PersonId, Position};

use crate::{Bind, ChainId, Entry, EntryKind, LogError, Signature, SignedHead, entry_hash, writer_id};

/// Where a chain stands as it is held here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// The last position.
    pub position: Position,
    /// The hash of the last entry.
    pub hash: EntryHash,
    /// The device the chain is bound to.
    pub device: DeviceKey,
    /// The person the device belongs to.
    pub person: PersonId,
    /// The membership heads in force at the last entry.
    pub membership: Vec<OperationHash>,
}

/// A run that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRun {
    /// Where the chain stands after it.
    pub tip: Tip,
    /// The hash of each entry, in order.
    pub hashes: Vec<EntryHash>,
}

impl VerifiedRun {
    /// The head of the run with its signature.
    #[must_use]
    pub const fn head(&self, signature: Signature) -> SignedHead {
        SignedHead { position: self.tip.position, hash: self.tip.hash, signature }
    }
}

/// Verifies that `entries` continue the chain held here up to `tip` (`None`: a chain not seen before, so the run must
/// begin with its binding) and that `signature` is the device's under the last of them.
///
/// # Errors
/// [`LogError::Gap`] where the run begins elsewhere, [`LogError::Entry`] where an entry does not hold together,
/// [`LogError::Binding`] where the chain is not bound to its device,
/// [`LogError::Signature`] where the head does not sign exactly these entries.
pub fn verify_run(
    chain: &ChainId,
    tip: Option<&Tip>,
    entries: &[Entry],
    signature: &Signature,
) -> Result<VerifiedRun, LogError> {
    let run = hash_run(chain, tip, entries)?;
    run.head(*signature).verify(chain, &run.tip.device)?;
    Ok(run)
}

/// The same without the signature: for a device's own new entries, which it signs afterwards.
///
/// # Errors
/// As [`verify_run`], but for the signature.
pub fn hash_run(chain: &ChainId, tip: Option<&Tip>, entries: &[Entry]) -> Result<VerifiedRun, LogError> {
    let mut tip = tip.cloned();
    let mut hashes = Vec::with_capacity(entries.len());
    for entry in entries {
        let held = tip.as_ref().map_or(Position::START, |tip| tip.position);
        if entry.position != held.next() {
            return Err(LogError::Gap { expected: held.next().0, found: entry.position.0 });
        }
        entry.check(chain)?;
        if (entry.header.kind == EntryKind::Bind) != tip.is_none() {
            return Err(LogError::Binding);
        }
        let previous = tip.as_ref().map_or(EntryHash::ZERO, |tip| tip.hash);
        let hash = entry_hash(chain, entry.position, &previous, &entry.header, entry.detached.as_ref());
        hashes.push(hash);
        let tip = match &mut tip {
            Some(tip) => tip,
            none => none.insert(bind(chain, entry)?),
        };
        tip.position = entry.position;
        tip.hash = hash;
        if let Some(heads) = &entry.header.membership {
            tip.membership.clone_from(heads);
        }
    }
    let tip = tip.ok_or(LogError::Binding)?;
    Ok(VerifiedRun { tip, hashes })
}

fn bind(chain: &ChainId, entry: &Entry) -> Result<Tip, LogError> {
    let bind = Bind::decode(&entry.body)?;
    let bound = writer_id(&chain.team, &chain.space, &bind.device, &bind.nonce) == chain.writer;
    // Later entries name their heads only where they change, so the first must name some.
    if !bound || entry.header.membership.is_none() {
        return Err(LogError::Binding);
    }
    Ok(Tip {
        position: Position::START,
        hash: EntryHash::ZERO,
        device: bind.device,
        person: bind.person,
        membership: Vec::new(),
    })
}
