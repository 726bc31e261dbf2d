//! Code lists. A code is written in files and on the wire exactly as its list prints it; the label is for screens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that is not a code of the list it was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a code of the list {list}: {}", codes.join(", "))]
pub struct UnknownCode {
    /// The list's name.
    pub list: &'static str,
    /// The codes it has.
    pub codes: &'static [&'static str],
}

/// A fixed list of codes.
pub trait CodeList: Sized + Copy + 'static {
    /// The list's name, as in `severity`.
    const NAME: &'static str;
    /// Every value, in the order of the list.
    const ALL: &'static [Self];
    /// Every code, in the order of the list.
    const CODES: &'static [&'static str];

    /// The exact code.
    fn code(self) -> &'static str;

    /// Plain English for screens.
    fn label(self) -> &'static str;

    /// Reads what a person or another program wrote: code or label, in any case, with any punctuation.
    ///
    /// Stored records are read with [`FromStr`] and serde, which take the exact code only.
    fn from_loose(text: &str) -> Option<Self> {
        let wanted = letters(text);
        if wanted.is_empty() {
            return None;
        }
        let all = Self::ALL.iter().copied();
        all.clone()
            .find(|value| letters(value.code()) == wanted)
            .or_else(|| all.clone().find(|value| letters(value.label()) == wanted))
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

macro_rules! code_list {
    ($(#[$doc:meta])* $name:ident, $list:literal { $($variant:ident = $code:literal, $label:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
        pub enum $name {
            $(#[doc = $label] $variant,)+
        }

        impl $name {
            /// Every value, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The exact code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// Plain English for screens.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }
        }

        impl CodeList for $name {
            const NAME: &'static str = $list;
            const ALL: &'static [Self] = Self::ALL;
            const CODES: &'static [&'static str] = &[$($code),+];

            fn code(self) -> &'static str {
                self.code()
            }

            fn label(self) -> &'static str {
                self.label()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.code())
            }
        }

        impl FromStr for $name {
            type Err = UnknownCode;

            fn from_str(text: &str) -> Result<Self, UnknownCode> {
                match text {
                    $($code => Ok(Self::$variant),)+
                    _ => Err(UnknownCode { list: $list, codes: <Self as CodeList>::CODES }),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.code())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use code_list;

code_list!(
    /// How severe an incident is (CAP 1.2).
    Severity, "severity" {
        Extreme = "Extreme", "Extreme: extraordinary threat to life or property";
        Severe = "Severe", "Severe: significant threat to life or property";
        Moderate = "Moderate", "Moderate: possible threat to life or property";
        Minor = "Minor", "Minor: little or no known threat";
        Unknown = "Unknown", "Not known";
    }
);
code_list!(
    /// How soon a response is needed (CAP 1.2).
    Urgency, "urgency" {
        Immediate = "Immediate", "Act now";
        Expected = "Expected", "Act within the hour";
        Future = "Future", "Act in the near future";
        Past = "Past", "No longer needed";
        Unknown = "Unknown", "Not known";
    }
);
code_list!(
    /// How certain the observation is (CAP 1.2).
    Certainty, "certainty" {
        Observed = "Observed", "Observed: happened or is happening";
        Likely = "Likely", "Likely: more than even odds";
        Possible = "Possible", "Possible: less than even odds";
        Unlikely = "Unlikely", "Unlikely: not expected to occur";
        Unknown = "Unknown", "Not known";
    }
);
code_list!(
    /// Where an incident is heading.
    Trajectory, "trajectory" {
        Escalating = "escalating", "Getting worse";
        Stable = "stable", "Staying the same";
        DeEscalating = "de-escalating", "Calming down";
        Over = "over", "Over";
        Unknown = "unknown", "Not known";
    }
);
code_list!(
    /// Where an incident stands in the team's work.
    Status, "status" {
        Draft = "draft", "Draft";
        Open = "open", "Open";
        Monitoring = "monitoring", "Being watched";
        Closed = "closed", "Closed";
        MergedInto = "merged_into", "Merged into another incident";
    }
);
code_list!(
    /// Whether an incident has been verified (the list of Apollo, an election monitoring platform).
    Verification, "verification" {
        Unmarked = "Unmarked", "Not looked at";
        CitizenReport = "Citizen Report", "Reported by the public";
        Confirmed = "Confirmed", "Confirmed by the team";
        Rejected = "Rejected", "Found to be wrong";
    }
);
code_list!(
    /// Whether something must still be done (the list of Vote Monitor).
    FollowUp, "followup" {
        NotApplicable = "NotApplicable", "Nothing to do";
        NeedsFollowUp = "NeedsFollowUp", "Needs follow-up";
        Resolved = "Resolved", "Done";
    }
);
code_list!(
    /// How a mediation ended.
    MediationOutcome, "mediation_outcome" {
        Resolved = "resolved", "Settled without violence";
        ResolvedTemporarily = "resolved_temporarily", "Settled for now";
        Ongoing = "ongoing", "Still going on";
        NotResolvedViolenceFollowed = "not_resolved_violence_followed", "Not settled, violence followed";
        Unknown = "unknown", "Not known";
    }
);
code_list!(
    /// How likely somebody is to strike back.
    RetaliationRisk, "retaliation_risk" {
        None = "none", "None";
        Low = "low", "Low";
        Medium = "medium", "Medium";
        High = "high", "High";
        Unknown = "unknown", "Not known";
    }
);
code_list!(
    /// What is known of a rumour.
    RumourStatus, "rumour_status" {
        Circulating = "circulating", "Going around";
        Checking = "checking", "Being checked";
        Confirmed = "confirmed", "True";
        Refuted = "refuted", "False";
        Unresolved = "unresolved", "Could not be settled";
    }
);
code_list!(
    /// How exactly a time is known.
    Precision, "precision" {
        Exact = "exact", "Exact";
        Minute = "minute", "To the minute";
        Hour = "hour", "To the hour";
        PartOfDay = "part_of_day", "To the part of the day";
        Day = "day", "To the day";
        Week = "week", "To the week";
        Unknown = "unknown", "Not known how exactly";
    }
);
code_list!(
    /// How exactly a place is known (ACLED `geo_precision`).
    GeoPrecision, "geo_precision" {
        Town = "1", "Particular town";
        Area = "2", "Small part of region, general area or near a town";
        Region = "3", "Larger portion of region";
    }
);
code_list!(
    /// Where coordinates come from.
    PlaceSource, "place.source" {
        Gps = "gps", "Satellite fix";
        Network = "network", "Network fix";
        MapPin = "map_pin", "Pin on a map";
        Description = "description", "From a description";
        Import = "import", "From a file";
    }
);
code_list!(
    /// What an actor did in an incident.
    ActorRole, "actors.role" {
        Initiator = "initiator", "Started it";
        Target = "target", "Was its target";
        Both = "both", "Both sides";
        Bystander = "bystander", "Bystander";
        Authority = "authority", "Authority";
        Responder = "responder", "Responder";
    }
);
code_list!(
    /// The kind of an actor (ACLED `inter`).
    ActorKind, "actors.inter" {
        StateForces = "1", "State Forces";
        RebelGroups = "2", "Rebel Groups";
        PoliticalMilitias = "3", "Political Militias";
        IdentityMilitias = "4", "Identity Militias";
        Rioters = "5", "Rioters";
        Protesters = "6", "Protesters";
        Civilians = "7", "Civilians";
        External = "8", "External/Other Forces";
    }
);
code_list!(
    /// What a count counts.
    CountKind, "counts.what" {
        Present = "present", "People present";
        Injured = "injured", "Injured";
        Arrested = "arrested", "Arrested";
        Dead = "dead", "Dead";
        Displaced = "displaced", "Displaced";
    }
);
code_list!(
    /// How a weapon came into the incident.
    WeaponUse, "weapons_seen.use" {
        Displayed = "displayed", "Shown";
        Used = "used", "Used";
        Reported = "reported", "Reported by others";
    }
);
code_list!(
    /// Who told the team.
    SourceKind, "source.kind" {
        DirectObservation = "direct_observation", "We saw it ourselves";
        Victim = "victim", "Somebody harmed";
        Witness = "witness", "A witness";
        KeyGroup = "key_group", "A key group";
        Media = "media", "News media";
        Social = "social", "Social media";
        Rumour = "rumour", "A rumour";
    }
);
code_list!(
    /// How reliable a source is (Admiralty code).
    Reliability, "source.reliability" {
        A = "A", "Completely reliable";
        B = "B", "Usually reliable";
        C = "C", "Fairly reliable";
        D = "D", "Not usually reliable";
        E = "E", "Unreliable";
        F = "F", "Reliability cannot be judged";
    }
);
code_list!(
    /// How credible a piece of information is (Admiralty code).
    Credibility, "source.credibility" {
        Confirmed = "1", "Confirmed by other sources";
        ProbablyTrue = "2", "Probably true";
        PossiblyTrue = "3", "Possibly true";
        Doubtful = "4", "Doubtful";
        Improbable = "5", "Improbable";
        CannotBeJudged = "6", "Truth cannot be judged";
    }
);
code_list!(
    /// What kind of record a link leads to.
    LinkKind, "linked.kind" {
        Incident = "incident", "Incident";
        Alert = "alert", "Alert";
        Action = "action", "Action";
        Shift = "shift", "Shift";
        ChecklistRun = "checklist_run", "Checklist";
    }
);
code_list!(
    /// How a linked record relates to this one.
    Relation, "linked.relation" {
        SameEvent = "same_event", "The same event";
        PossibleDuplicate = "possible_duplicate", "Perhaps the same event";
        CausedBy = "caused_by", "Caused by it";
        Follows = "follows", "Follows it";
    }
);
code_list!(
    /// How widely a record may be shared.
    Sensitivity, "sensitivity" {
        Team = "team", "The team";
        Leads = "leads", "Leads only";
        Network = "network", "Teams of the network";
        Public = "public", "Everybody";
    }
);
code_list!(
    /// What backs a device's clock.
    ClockTrust, "clock_evidence.trust" {
        Gps = "gps", "Agrees with satellite time";
        Peer = "peer", "Agrees with other devices";
        DeviceOnly = "device_only", "Only this device";
        Suspect = "suspect", "Probably wrong";
    }
);
code_list!(
    /// How a file came into the app.
    CapturePath, "capture_path" {
        InApp = "in_app", "Taken in the app";
        Imported = "imported", "Brought in from elsewhere";
    }
);
code_list!(
    /// What a check of a file's content credentials (C2PA) said.
    C2paState, "c2pa_state" {
        None = "none", "No credentials";
        Valid = "valid", "Credentials valid";
        Invalid = "invalid", "Credentials invalid";
        Unknown = "unknown", "Not checked";
    }
);
code_list!(
    /// Whether people can be recognised in a picture.
    PeopleVisible, "people_visible" {
        None = "none", "Nobody";
        Crowd = "crowd", "A crowd";
        Identifiable = "identifiable", "People who can be recognised";
    }
);
code_list!(
    /// Which form of a file is meant.
    VariantKind, "variants.kind" {
        Thumb = "thumb", "Thumbnail";
        Preview = "preview", "Preview";
        Original = "original", "Original";
    }
);
code_list!(
    /// What happened to a file.
    CustodyKind, "custody_log.event" {
        Captured = "captured", "Captured";
        Received = "received", "Received";
        Viewed = "viewed", "Viewed";
        Exported = "exported", "Exported";
        Verified = "verified", "Verified";
        Quarantined = "quarantined", "Quarantined";
    }
);
