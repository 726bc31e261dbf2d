use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codes::code_list;
use crate::{CodeList, UnknownCode};

code_list!(
    /// Whether a warning is meant (CAP 1.2). A person chooses it; there is no default.
    AlertStatus, "alert.status" {
        Actual = "Actual", "Actual: everybody whom it reaches is to act on it";
        Exercise = "Exercise", "Exercise: only those who take part are to act on it";
        System = "System", "System: for the networks that carry warnings";
        Test = "Test", "Test: nobody is to act on it";
        Draft = "Draft", "Draft: not to be acted on as it stands";
    }
);
code_list!(
    /// What a message does (CAP 1.2).
    MsgType, "alert.msg_type" {
        Alert = "Alert", "A warning";
        Update = "Update", "Takes the place of earlier warnings";
        Cancel = "Cancel", "Calls earlier warnings off";
        Ack = "Ack", "That a message was received";
        Error = "Error", "That a message was refused";
    }
);
code_list!(
    /// Who may read a warning (CAP 1.2).
    AlertScope, "alert.scope" {
        Public = "Public", "Everybody";
        Restricted = "Restricted", "Those whom the restriction names";
        Private = "Private", "The addresses alone";
    }
);
code_list!(
    /// What a warning is about (CAP 1.2).
    AlertCategory, "alert.category" {
        Geo = "Geo", "The ground: earthquakes, landslides";
        Met = "Met", "The weather, floods included";
        Safety = "Safety", "General emergency, the safety of the public";
        Security = "Security", "Police, military, private and domestic security";
        Rescue = "Rescue", "Rescue and recovery";
        Fire = "Fire", "Fire: putting it out and getting people out";
        Health = "Health", "Medical and public health";
        Env = "Env", "The environment: pollution and the like";
        Transport = "Transport", "Public and private transport";
        Infra = "Infra", "Supply of power, water and communication";
        Cbrne = "CBRNE", "Chemical, biological, radiological, nuclear or explosive";
        Other = "Other", "Something else";
    }
);
code_list!(
    /// What people are asked to do (CAP 1.2).
    ResponseType, "alert.response_type" {
        Shelter = "Shelter", "Take shelter where you are";
        Evacuate = "Evacuate", "Go away from there";
        Prepare = "Prepare", "Make ready";
        Execute = "Execute", "Do what was planned";
        Avoid = "Avoid", "Keep away";
        Monitor = "Monitor", "Follow what is said";
        Assess = "Assess", "Judge what is said; not for public warnings";
        AllClear = "AllClear", "The danger is over";
        None = "None", "Nothing is asked";
    }
);
code_list!(
    /// What somebody says to a warning.
    AckKind, "acks.kind" {
        Received = "received", "It came";
        Read = "read", "They read it";
        WillAct = "will_act", "They will do what it asks";
        CannotAct = "cannot_act", "They cannot do what it asks";
        FalseAlarm = "false_alarm", "They say that it is a false alarm";
    }
);
code_list!(
    /// How a warning stands. Worked out, never stored.
    AlertStanding, "alert.standing" {
        Waiting = "waiting", "Waits for approval";
        InForce = "in_force", "In force";
        Expired = "expired", "Expired";
        Updated = "updated", "Replaced by an update";
        Cancelled = "cancelled", "Cancelled";
    }
);
code_list!(
    /// Whether a sign speaks for peace or for conflict.
    Polarity, "indicator.polarity" {
        Peace = "peace", "Peace";
        Conflict = "conflict", "Conflict";
    }
);
code_list!(
    /// The families of signs that CEWARN, the early warning network of IGAD, reports by.
    IndicatorFamily, "indicator.family" {
        AllianceFormation = "Alliance Formation", "Groups join together";
        ExchangeBehavior = "Exchange Behavior", "Trade, visits and gifts between groups";
        MitigatingBehavior = "Mitigating Behavior", "What eases tension";
        PeaceInitiatives = "Peace Initiatives", "People work for peace";
        ArmedIntervention = "Armed Intervention", "Armed people step in";
        AggravatingBehaviors = "Aggravating Behaviors", "What makes tension worse";
        ProvocativeBehavior = "Provocative Behavior", "What calls for revenge";
        EnvironmentalPressure = "Environmental Pressure", "Drought, lost harvests and the like";
    }
);
code_list!(
    /// On which side of its threshold a sign warns.
    Direction, "indicator.direction" {
        Above = "above", "At the threshold or above";
        Below = "below", "At the threshold or below";
    }
);

impl IndicatorFamily {
    /// Whether it speaks for peace or for conflict.
    #[must_use]
    pub const fn polarity(self) -> Polarity {
        match self {
            Self::AllianceFormation
            | Self::ExchangeBehavior
            | Self::MitigatingBehavior
            | Self::PeaceInitiatives => Polarity::Peace,
            Self::ArmedIntervention
            | Self::AggravatingBehaviors
            | Self::ProvocativeBehavior
            | Self::EnvironmentalPressure => Polarity::Conflict,
        }
    }
}

impl AlertStanding {
    /// Whether people are to act on it now.
    #[must_use]
    pub const fn is_current(self) -> bool {
        matches!(self, Self::InForce)
    }
}
