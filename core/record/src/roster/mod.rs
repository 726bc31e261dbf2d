//! Who is where with whom: people, teams, shifts, check-ins, hand-offs.

mod check_in;
mod codes;
mod handoff;
mod person;
mod shift;
mod team;

pub use check_in::{CheckIn, PersonStanding, Said, standing, standing_on};
pub use codes::{ByWhom, CheckInState, GoNoGo, HandoffAnswer, PersonStatus, RiskLevel, ShiftStatus, Skill};
pub use handoff::{AcceptedStep, Equipment, GivenStep, Handoff, HandoffStanding, OpenItem};
pub use person::{EmergencyContact, HeldSkill, Person, SpokenLanguage, Training};
pub use shift::{Assignment, CheckInRule, GoNoGoStep, Shift, ShiftStep};
pub use team::{ApprovalRule, Area, Corner, FieldTeam, RoleNeed, RoleRequired, role_needs};
