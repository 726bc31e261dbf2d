use serde::{Deserialize, Serialize};

use crate::{ActorKind, ActorRole, WeaponUse};

/// A group that took part. By default no personal name stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Actor {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// What the group did.
    pub role: ActorRole,
    /// What kind of group it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub inter: Option<ActorKind>,
    /// The least number of people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub count_low: Option<u32>,
    /// The greatest number of people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub count_high: Option<u32>,
    /// What the group looked like or did, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub description: String,
    /// What the group is called.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub group_label: String,
    /// Who among them needs special care; an open list, [`crate::lists::VULNERABLE_FLAGS`] is where it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub vulnerable_flags: Vec<String>,
}

impl Actor {
    /// An actor of which only the role is known.
    #[must_use]
    pub fn new(role: ActorRole) -> Self {
        Self {
            key: String::new(),
            role,
            inter: None,
            count_low: None,
            count_high: None,
            description: String::new(),
            group_label: String::new(),
            vulnerable_flags: Vec::new(),
        }
    }
}

/// Police, army or another authority at the scene.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct AuthorityPresence {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Which agency.
    pub agency: String,
    /// What was written on uniforms and vehicles.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub unit_marking: String,
    /// The least number of people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub count_low: Option<u32>,
    /// The greatest number of people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub count_high: Option<u32>,
    /// What they did: cordon, dispersal, arrests.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub measures: String,
}

/// A kind of harm that people suffered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Harm {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Which harm; an open list, [`crate::lists::HARM_TYPES`] is where it starts.
    pub harm: String,
}

/// A method of protection that the team used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Tactic {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Which method; an open list, [`crate::lists::UCP_METHODS`] and [`crate::lists::DCPT_TACTICS`] are where it
    /// starts.
    pub tactic: String,
}

/// A weapon in the incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Weapon {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// What kind of weapon, in words.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it was shown, used, or only reported.
    #[serde(rename = "use")]
    pub usage: WeaponUse,
}
