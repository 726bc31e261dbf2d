//! Which incidents a list shows, page by page.

use firsthand_node::ids::{EntryHash, HybridTime};
use firsthand_node::{Cursor, IncidentQuery, Near, Window};
use firsthand_record::uniffi_types::{Metres, UnixMillis};
use firsthand_record::{FollowUp, Severity, Status};

use crate::{ApiError, IncidentItem, lift};

/// Which incidents a list shows: those that pass every filter that is set, newest first.
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
pub struct IncidentFilter {
    /// Only what happened at or after this.
    #[uniffi(default)]
    pub happened_from: Option<UnixMillis>,
    /// Only what happened before this.
    #[uniffi(default)]
    pub happened_until: Option<UnixMillis>,
    /// Only of these categories; empty for all.
    #[uniffi(default)]
    pub categories: Vec<String>,
    /// Only of these severities; empty for all.
    #[uniffi(default)]
    pub severities: Vec<Severity>,
    /// Only of these statuses; empty for all.
    #[uniffi(default)]
    pub statuses: Vec<Status>,
    /// Only with these follow-ups; empty for all.
    #[uniffi(default)]
    pub followups: Vec<FollowUp>,
    /// Only where every word is found; empty for all.
    #[uniffi(default)]
    pub text: String,
    /// Only around this point: degrees north, WGS 84.
    #[uniffi(default)]
    pub near_lat: Option<f64>,
    /// Degrees east of it.
    #[uniffi(default)]
    pub near_lon: Option<f64>,
    /// How far away at most.
    #[uniffi(default)]
    pub near_radius: Option<Metres>,
    /// Only with fields in conflict.
    #[uniffi(default = false)]
    pub in_conflict: bool,
    /// Only those that a finding marks.
    #[uniffi(default = false)]
    pub flagged: bool,
    /// Also those that a mark hides.
    #[uniffi(default = false)]
    pub hidden: bool,
}

impl IncidentFilter {
    /// The query for a page.
    pub(crate) fn query(&self, limit: u32, after: Option<Cursor>) -> IncidentQuery {
        let near = match (self.near_lat, self.near_lon, self.near_radius) {
            (Some(lat), Some(lon), Some(radius)) => Some(Near { lat, lon, radius }),
            _ => None,
        };
        IncidentQuery {
            happened: Window { from: self.happened_from, until: self.happened_until },
            categories: self.categories.clone(),
            severities: self.severities.iter().map(|it| it.code().to_owned()).collect(),
            statuses: self.statuses.iter().map(|it| it.code().to_owned()).collect(),
            followups: self.followups.iter().map(|it| it.code().to_owned()).collect(),
            near,
            text: self.text.clone(),
            in_conflict: self.in_conflict,
            flagged: self.flagged,
            hidden: self.hidden,
            limit: limit as usize,
            after,
            ..IncidentQuery::default()
        }
    }
}

/// A page of the list.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct IncidentPage {
    /// Its lines.
    pub rows: Vec<IncidentItem>,
    /// Where the next page begins; `null` where this is the last one.
    pub next: Option<String>,
}

/// A place in the list as text that a shell keeps and hands back.
pub(crate) fn cursor_text(cursor: Cursor) -> String {
    format!("{}.{}", cursor.effective.packed(), cursor.entry)
}

/// Reads it.
pub(crate) fn cursor(text: &str) -> Result<Cursor, ApiError> {
    let (effective, entry) = text.split_once('.').unwrap_or_default();
    let effective: u64 = lift::id("after", effective)?;
    let entry: EntryHash = lift::id("after", entry)?;
    Ok(Cursor { effective: HybridTime::from_packed(effective), entry })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_list_reads_back() {
        let place = Cursor { effective: HybridTime::new(UnixMillis(77), 3), entry: EntryHash::new([7; 32]) };
        assert_eq!(cursor(&cursor_text(place)).unwrap(), place);
        for bad in ["", ".", "1", "1.", "x.00", "1.zz"] {
            assert!(matches!(cursor(bad), Err(ApiError::Invalid { .. })), "{bad}");
        }
    }
}
