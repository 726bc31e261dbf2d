use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codes::code_list;
use crate::{CodeList, UnknownCode};

code_list!(
    /// What somebody is trained or able to do.
    Skill, "skills.skill" {
        DeEscalation = "de_escalation", "De-escalation";
        InterpositionTrained = "interposition_trained", "Interposition";
        Medic = "medic", "Medic";
        LegalObserver = "legal_observer", "Legal observer";
        MentalHealthFirstAid = "mental_health_first_aid", "Mental health first aid";
        Language = "language", "Interpreting";
    }
);
code_list!(
    /// Whether somebody can be put on a shift.
    PersonStatus, "person.status" {
        Active = "active", "Active";
        Paused = "paused", "Paused";
        Left = "left", "Left";
    }
);
code_list!(
    /// ISO 22324's levels of danger.
    RiskLevel, "shift.risk_level" {
        Green = "green", "Safe";
        Yellow = "yellow", "Caution";
        Red = "red", "Danger";
    }
);
code_list!(
    /// How far a shift has come. The furthest that anybody noted counts.
    ShiftStatus, "shift.status" {
        Planned = "planned", "Planned";
        Briefed = "briefed", "Briefed";
        Active = "active", "Active";
        StandingDown = "standing_down", "Standing down";
        Debriefed = "debriefed", "Debriefed";
    }
);
code_list!(
    /// Whether somebody is ready to go.
    GoNoGo, "go_no_go.answer" {
        Yes = "yes", "Go";
        No = "no", "No go";
    }
);
code_list!(
    /// How somebody is.
    CheckInState, "check_in.state" {
        Ok = "ok", "OK";
        NeedSupport = "need_support", "Needs support";
        Moving = "moving", "On the move";
        OffSite = "off_site", "Off site";
        Missing = "missing", "Missing";
        CovertDistress = "covert_distress", "In distress";
    }
);
code_list!(
    /// Who says how somebody is.
    ByWhom, "check_in.by_whom" {
        Own = "self", "Themselves";
        Buddy = "buddy", "Their buddy";
        Lead = "lead", "A lead";
    }
);
code_list!(
    /// What became of an item of a hand-off.
    HandoffAnswer, "answers.answer" {
        Accepted = "accepted", "Accepted";
        Questioned = "questioned", "Questioned";
        Declined = "declined", "Declined";
        Closed = "closed", "Closed";
    }
);

impl CheckInState {
    /// Whether it says that somebody may need help, so that it stands until it is cleared.
    #[must_use]
    pub const fn is_alarm(self) -> bool {
        matches!(self, Self::NeedSupport | Self::Missing | Self::CovertDistress)
    }

    /// The more protective is the smaller: what is shown and acted on where several stand.
    #[must_use]
    pub const fn protective(self) -> u8 {
        match self {
            Self::CovertDistress => 0,
            Self::Missing => 1,
            Self::NeedSupport => 2,
            Self::Moving => 3,
            Self::OffSite => 4,
            Self::Ok => 5,
        }
    }

    /// What the device of the person who is in distress shows.
    #[must_use]
    pub const fn overt(self) -> Self {
        match self {
            Self::CovertDistress => Self::Ok,
            other => other,
        }
    }
}
