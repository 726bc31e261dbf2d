//! Who belongs to a team.
//!
//! Membership is a graph of signed [operations](Operation): each names the operations its author had seen. It is no
//! document that anybody may edit; every replica [folds](Membership::roster) the same operations to the same
//! [`Roster`], and an operation counts only if its author had the right to it in its own past. Log entries name the
//! membership heads they were written under, so what a person was allowed to do is judged the same everywhere,
//! however late an entry arrives.

mod body;
mod code;
mod cut;
mod device;
mod epoch;
mod error;
mod fold;
mod invitation;
mod judge;
mod membership;
mod operation;
mod past;
mod recovery;
mod relay;
mod roster;
mod sign;
mod space;

pub use body::{Body, Cut, Decision, MAX_CUTS, MAX_RECOVERY_KEYS, Reason, Target};
pub use cut::{ChainCut, Removal};
pub use device::{DeviceProposal, DeviceRequest};
pub use epoch::{EpochBoxes, KeyBox, MAX_BOXES, MAX_EARLIER, NewEpoch, SealedKey};
pub use error::TeamError;
pub use invitation::{Invitation, JoinRequest, exchange_key_hash};
pub use membership::{EpochOperation, Inserted, Membership, PlacedBoxes, PlacedEpoch};
pub use operation::{MAX_NAME_BYTES, MAX_OPERATION_BYTES, Operation, person_id};
pub use recovery::{Quorum, recovery_secret};
pub use relay::{MAX_RELAYS, RelayAddress, TeamRelay};
pub use roster::{Device, Member, Rights, Role, Roster};
pub use space::{Space, leads_space, team_space};
