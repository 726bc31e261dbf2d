use std::collections::BTreeMap;

use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash, SpaceId, UnixMillis};
use firsthand_log::Vector;
use firsthand_sync::{Pending, Wanted};
use firsthand_team::{DeviceProposal, DeviceRequest, JoinRequest, Role, TeamError};

use crate::Seen;

/// What a link asks of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Who is this, and what is held here?
    Greet {
        /// The key the other side authenticated with.
        peer: ExchangeKey,
    },
    /// Something the session wants read or committed: any [`firsthand_sync::Effect`] that asks for an answer.
    Session {
        /// The key the other side authenticated with.
        peer: ExchangeKey,
        /// The effect.
        effect: firsthand_sync::Effect,
    },
    /// A meeting has ended in the middle: apply what it brought.
    Apply,
    /// Add the person who asked to join.
    Admit {
        /// The request.
        request: JoinRequest,
        /// The key the joiner authenticated with.
        exchange: ExchangeKey,
        /// The role the lead gives.
        role: Role,
    },
    /// Stand by a further device of this device's person, and add it where this person may.
    Endorse {
        /// The request.
        request: DeviceRequest,
        /// The key the new device authenticated with.
        exchange: ExchangeKey,
    },
    /// Both hold the same, or the meeting has ended: keep in mind how it stands.
    Note {
        /// The key the other side authenticated with.
        peer: ExchangeKey,
        /// How it stands.
        seen: Seen,
    },
    /// A lead has added the new device: everything that it needs to begin.
    Welcome,
}

/// The team's devices and the names of their people, by channel key.
pub type Members = BTreeMap<ExchangeKey, (DeviceKey, String)>;

/// What changed on this device because of a question or an own entry; every open session hears it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// What is now held of the spaces that grew.
    pub vectors: BTreeMap<SpaceId, Vector>,
    /// The membership heads, where the team changed, and its members.
    pub membership: Option<(Vec<OperationHash>, Members)>,
    /// What this device misses now; `None` where that did not change.
    pub missing: Option<(Pending, Vec<Wanted>)>,
}

/// The ledger's answer.
#[derive(Debug)]
pub enum Answer {
    /// To [`Question::Greet`].
    Greeted {
        /// The member; `None` where the key is nobody's.
        member: Option<(DeviceKey, String)>,
        /// The membership heads.
        heads: Vec<OperationHash>,
        /// What is missing.
        pending: Pending,
        /// The files wanted, each with the part wanted next.
        wanted: Vec<Wanted>,
        /// What this device's clock shows.
        clock: UnixMillis,
    },
    /// To [`Question::Session`].
    Session {
        /// What the session is told.
        input: firsthand_sync::Input,
        /// What changed for everybody else.
        change: Change,
        /// How many entries came in.
        entries: u64,
    },
    /// To [`Question::Apply`].
    Applied {
        /// What changed.
        change: Change,
    },
    /// To [`Question::Note`].
    Noted,
    /// To [`Question::Endorse`], where a lead has to add the device.
    Endorsed {
        /// What a lead is to be shown.
        result: Result<DeviceProposal, TeamError>,
    },
    /// To [`Question::Admit`] and [`Question::Welcome`], and to [`Question::Endorse`] where this person may add devices.
    Admitted {
        /// The name of the new member and all membership operations, parents first.
        result: Result<(String, Vec<Vec<u8>>), TeamError>,
        /// What changed.
        change: Change,
    },
}
