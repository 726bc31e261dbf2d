//! Evidence that somebody outside the team can check: a folder with files, and beside them what proves who recorded them, when,
//! and that nothing was altered since. docs/formats/evidence-folder.md specifies it; docs/evidence.md says how to check it by hand.
//!
//! - [`Proof`]: what stands in the folder's `evidence.json`; the ledger makes it (`ledger/proof.rs`).
//! - [`verify`]: how anybody checks it, without a home, a team or a passphrase.

mod name;
mod proof;
mod verify;

pub use proof::{PROOF_NAME, Proof, ProofError};
pub use verify::{FileVerdict, Signed, Verdict, judge, verify};

pub(crate) use name::folder_name;
pub(crate) use proof::{
    Exported, Hex, MAX_DISTANCE, Place, ProofChain, ProofEntry, ProofFile, ProofReceipt, ProofRun,
};
pub(crate) use verify::{Everybody, record_of};
