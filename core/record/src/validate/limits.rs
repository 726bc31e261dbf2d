//! The limits that validation holds, each with its reason.

/// Characters of a title: what a list shows in two lines of a small phone.
pub const TITLE: usize = 120;

/// Characters of the headline of a warning: what CAP recommends, and one SMS in Latin letters.
pub const HEADLINE: usize = 160;

/// People whose approval a team can ask for. More than ten are not found in time.
pub const APPROVALS: u32 = 10;

/// Acknowledgements of one warning: several from each person of the largest team.
pub const ACKS: usize = 10_000;

/// Days of a sign's window: ten years, for droughts.
pub const WINDOW_DAYS: u32 = 3_660;

/// Kilometres of the radius of a warning: half the way around the Earth.
pub const RADIUS_KM: f64 = 20_040.0;

/// Characters of a narrative: about 60 pages. Text is split into changes below the guard's limits, so this bounds
/// the work of opening a record, not the size of a change.
pub const NARRATIVE: usize = 200_000;

/// Characters of the other running texts.
pub const TEXT: usize = 5_000;

/// Characters of a description inside a list item. An item travels as one value, so the sum of its texts stays far
/// below the 256 KiB of a change.
pub const DESCRIPTION: usize = 2_000;

/// Characters of a name, a label or a code.
pub const NAME: usize = 200;

/// Items of a list. Each is a map entry of its own; more than this is data for a spreadsheet.
pub const LIST_ITEMS: usize = 500;

/// Items of a checklist. The longest that observers use have some hundreds.
pub const ITEMS: usize = 2_000;

/// Languages of a checklist.
pub const LANGUAGES: usize = 50;

/// Choices of one item: more is a list to search in. As many as a document keeps as one value even where each is short.
pub const CHOICES: usize = 160;

/// How deep sections of a checklist may be nested.
pub const SECTIONS: usize = 8;

/// Bytes of one item of a checklist as JSON, in all its languages: what a document keeps as one value.
pub const ITEM_BYTES: usize = 96 * 1024;

/// Bytes of a checklist as JSON: it is read at once.
pub const TEMPLATE_BYTES: usize = 4 * 1024 * 1024;

/// The longest timer, in seconds: a day.
pub const TIMER_S: u32 = 24 * 60 * 60;

/// Patterns (`regex()`) of a checklist. To understand a hostile one takes some milliseconds, and real forms have few.
pub const PATTERNS: usize = 50;

/// Answers and ticks of one run, or entries of its timers: several for each item of the longest checklist.
pub const ANSWERS: usize = 10_000;

/// Flags of one actor.
pub const FLAGS: usize = 32;

/// Bytes, as JSON, of everything that an import kept aside: half of the 256 KiB of a change.
pub const IMPORTED_BYTES: usize = 128 * 1024;

/// The deepest administrative level in use; 0 is the country.
pub const ADMIN_LEVEL: u8 = 5;

/// Metres of accuracy beyond which a place is flagged.
pub const ACCURACY_M: f64 = 100.0;

/// Metres from the shift's area beyond which a place is flagged.
pub const SHIFT_DISTANCE_M: f64 = 50_000.0;

/// Milliseconds between a position and its record beyond which the position is flagged as old.
pub const FIX_AGE_MS: i64 = 5 * 60 * 1000;

/// Milliseconds ahead of the best clock beyond which a time is flagged as future.
pub const FUTURE_MS: i64 = 5 * 60 * 1000;

/// Milliseconds between the device's clock and a better one beyond which the clock is flagged.
pub const SKEW_MS: i64 = 10 * 60 * 1000;

/// Milliseconds between an incident and its record beyond which it is flagged as backdated.
pub const BACKDATED_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// How many characters a field of an incident or a warning may have; `None` for a field that is not text.
#[must_use]
pub fn characters(field: &str) -> Option<usize> {
    Some(match field {
        "title" => TITLE,
        "headline" => HEADLINE,
        "narrative" => NARRATIVE,
        "place_text" | "rumour_claim" => TEXT,
        "p_code" | "category" => NAME,
        _ => return None,
    })
}
