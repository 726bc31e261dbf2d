//! How a warning stands: worked out from what is there, the same on every device that holds the same.

use firsthand_ids::UnixMillis;

use super::{Alert, AlertStanding, MsgType};

/// What a later warning that was approved did to an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replaced {
    /// An update took its place.
    Updated,
    /// A cancellation called it off.
    Cancelled,
}

impl Replaced {
    /// What an approved warning of this type does to those that it refers to.
    #[must_use]
    pub const fn by(msg_type: MsgType) -> Option<Self> {
        match msg_type {
            MsgType::Update => Some(Self::Updated),
            MsgType::Cancel => Some(Self::Cancelled),
            MsgType::Alert | MsgType::Ack | MsgType::Error => None,
        }
    }
}

/// How many people have to approve a warning: what it says, and never nobody. A data source proposes, and a person raises.
#[must_use]
pub fn approvals_needed(alert: &Alert) -> u32 {
    alert.approvals_required.unwrap_or(1).max(1)
}

/// How a warning stands at an instant, of which so many people approved.
///
/// `replaced` is what the approved warnings that refer to it did: a cancellation counts over an update. What was called off stays so,
/// what is past its end is expired whether it was ever approved or not, and only what is none of these waits or holds.
#[must_use]
pub fn standing(alert: &Alert, approved: u32, replaced: Option<Replaced>, now: UnixMillis) -> AlertStanding {
    let expired = alert.expires.is_none_or(|end| end.millis() <= now);
    match replaced {
        Some(Replaced::Cancelled) => AlertStanding::Cancelled,
        Some(Replaced::Updated) => AlertStanding::Updated,
        None if expired => AlertStanding::Expired,
        None if approved < approvals_needed(alert) => AlertStanding::Waiting,
        None => AlertStanding::InForce,
    }
}
