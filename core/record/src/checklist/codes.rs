use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codes::code_list;
use crate::{CodeList, UnknownCode};

code_list!(
    /// What an item of a checklist asks for.
    ItemType, "items.type" {
        Check = "check", "Tick it when it is done";
        Note = "note", "Only to read";
        SelectOne = "select_one", "One of several";
        SelectMultiple = "select_multiple", "Any of several";
        Integer = "integer", "A whole number";
        Decimal = "decimal", "A number";
        Text = "text", "Words";
        Date = "date", "A day";
        Time = "time", "A time of day";
        Geopoint = "geopoint", "A place";
        Image = "image", "A photo";
        Audio = "audio", "A recording";
        Timer = "timer", "Wait for a while";
    }
);
code_list!(
    /// What kind of file a template came from.
    TemplateKind, "source.kind" {
        XlsForm = "xlsform", "XLSForm";
        Markdown = "markdown", "Markdown";
        Json = "json", "JSON";
        Other = "other", "Another kind of file";
    }
);
code_list!(
    /// What a run belongs to.
    RunContextKind, "context.kind" {
        Incident = "incident", "An incident";
        Shift = "shift", "A shift";
        Training = "training", "A training";
    }
);
code_list!(
    /// What happened to a timer.
    TimerEvent, "timers.event" {
        Started = "started", "Started";
        Stopped = "stopped", "Stopped early";
        Finished = "finished", "Ran out";
    }
);

impl ItemType {
    /// Whether a person answers it with one or several of its choices.
    #[must_use]
    pub const fn has_choices(self) -> bool {
        matches!(self, Self::SelectOne | Self::SelectMultiple)
    }

    /// Whether its answer is a file: a photo or a recording.
    #[must_use]
    pub const fn is_file(self) -> bool {
        matches!(self, Self::Image | Self::Audio)
    }

    /// Whether a file of this kind, by what its first bytes say, can be its answer. Some programs put sound alone into a
    /// container for video.
    #[must_use]
    pub fn takes_file(self, mime: &str) -> bool {
        match self {
            Self::Image => mime.starts_with("image/"),
            Self::Audio => mime.starts_with("audio/") || mime.starts_with("video/"),
            _ => false,
        }
    }

    /// Whether there is something to do: everything but a note.
    #[must_use]
    pub const fn is_to_do(self) -> bool {
        !matches!(self, Self::Note)
    }
}
