//! Early warning: what is watched, what was read of it, and the warning that people raise.

mod alert;
mod codes;
mod indicator;
mod standing;

pub use alert::{
    Acknowledgement, Alert, AlertArea, AlertIncident, AlertReference, Approval, CategoryItem, EvidenceItem,
    ParameterItem, ResponseItem,
};
pub use codes::{
    AckKind, AlertCategory, AlertScope, AlertStanding, AlertStatus, Direction, IndicatorFamily, MsgType,
    Polarity, ResponseType,
};
pub use indicator::{Amount, Indicator, Reading, ReadingSource};
pub use standing::{Replaced, approvals_needed, standing};
