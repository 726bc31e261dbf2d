//! Checklists: a template that a trainer publishes, and runs of it.
//!
//! A [`Template`] is written once; a new version is a new record. A [`Run`] is tied to one version. What it says is added
//! and never changed: [`Answer`]s and ticks by person, timers. [`Checklist::progress`] says where it stands. [`Localised`]
//! is a text in several languages.

mod codes;
mod localised;
pub(crate) mod logic;
mod progress;
mod run;
mod template;
mod text;
pub(crate) mod value;

pub use codes::{ItemType, RunContextKind, TemplateKind, TimerEvent};
pub use localised::{Localised, UNDETERMINED, base_language};
pub use progress::{Broken, Checklist, ItemState, Progress, Reader};
pub use run::{Answer, Completion, Run, RunContext, TimerEntry};
pub use template::{
    Choice, Section, Template, TemplateContent, TemplateItem, TemplateSource, UnreadTemplate,
};
pub use text::text_references;
pub use value::{WrongAnswer, answer_value, typed_answer};
