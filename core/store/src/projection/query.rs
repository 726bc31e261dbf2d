use firsthand_ids::{EntryHash, HybridTime, Metres, SpaceId, UnixMillis};

use crate::IncidentRow;

/// Which incidents a list shows: those that pass every filter that is set, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentQuery {
    /// Only of these spaces; empty for all.
    pub spaces: Vec<SpaceId>,
    /// When it happened: its beginning, else when it was reported, else when it was entered.
    pub happened: Window,
    /// When it was entered, by the hybrid clock.
    pub entered: Window,
    /// Only of these categories; empty for all.
    pub categories: Vec<String>,
    /// Only of these severities; empty for all.
    pub severities: Vec<String>,
    /// Only of these statuses; empty for all.
    pub statuses: Vec<String>,
    /// Only with these follow-ups; empty for all.
    pub followups: Vec<String>,
    /// Only with these verifications; empty for all.
    pub verifications: Vec<String>,
    /// Only rumours of which this is known; empty for all.
    pub rumours: Vec<String>,
    /// Only around a point.
    pub near: Option<Near>,
    /// Only inside an area.
    pub within: Option<Area>,
    /// Only where every word is found, or begins a word that is; empty for all.
    pub text: String,
    /// Only with fields in conflict.
    pub in_conflict: bool,
    /// Only those that a finding marks, on themselves or on a file.
    pub flagged: bool,
    /// Also those that a mark hides.
    pub hidden: bool,
    /// At most so many.
    pub limit: usize,
    /// Only what follows this place in the list.
    pub after: Option<Cursor>,
}

impl Default for IncidentQuery {
    fn default() -> Self {
        Self {
            spaces: Vec::new(),
            happened: Window::ALL,
            entered: Window::ALL,
            categories: Vec::new(),
            severities: Vec::new(),
            statuses: Vec::new(),
            followups: Vec::new(),
            verifications: Vec::new(),
            rumours: Vec::new(),
            near: None,
            within: None,
            text: String::new(),
            in_conflict: false,
            flagged: false,
            hidden: false,
            limit: usize::MAX,
            after: None,
        }
    }
}

/// A stretch of time: from the first instant, until before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first instant inside.
    pub from: Option<UnixMillis>,
    /// The first instant after it.
    pub until: Option<UnixMillis>,
}

impl Window {
    /// All of time.
    pub const ALL: Self = Self { from: None, until: None };
}

/// Around a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// How far away at most, along the ground.
    pub radius: Metres,
}

/// A part of the map.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Area {
    /// Between two parallels and two meridians; `west > east` crosses the 180th meridian.
    Box {
        /// Degrees north of the southern edge.
        south: f64,
        /// Degrees east of the western edge.
        west: f64,
        /// Degrees north of the northern edge.
        north: f64,
        /// Degrees east of the eastern edge.
        east: f64,
    },
    /// Inside a ring of (lat, lon) corners, which closes by itself. Edges are straight lines of degrees, as on the
    /// map. A ring that crosses the 180th meridian continues past 180 or -180 degrees.
    Polygon(Vec<(f64, f64)>),
}

/// A place in the list: after the row with this time and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Effective time of the last row seen.
    pub effective: HybridTime,
    /// Its entry's hash.
    pub entry: EntryHash,
}

impl IncidentRow {
    /// The place after this row.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        Cursor { effective: self.effective, entry: self.entry }
    }
}
