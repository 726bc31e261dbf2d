use clap::Args;
use firsthand_record::{
    Certainty, FollowUp, GeoPrecision, MediationOutcome, PlaceSource, Precision, RetaliationRisk,
    RumourStatus, Sensitivity, Severity, Status, Trajectory, Urgency, Verification,
};

use super::listed::codes;

/// The fields of an incident, as options.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Fields")]
pub(crate) struct FieldArgs {
    /// One line, at most 120 characters.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) title: Option<String>,
    /// What happened, in as many words as it takes; `-` reads standard input.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) narrative: Option<String>,
    /// How severe it is.
    #[arg(long, value_name = "CODE", value_parser = codes::<Severity>(), hide_possible_values = true)]
    pub(crate) severity: Option<String>,
    /// How soon a response is needed.
    #[arg(long, value_name = "CODE", value_parser = codes::<Urgency>(), hide_possible_values = true)]
    pub(crate) urgency: Option<String>,
    /// How certain it is.
    #[arg(long, value_name = "CODE", value_parser = codes::<Certainty>(), hide_possible_values = true)]
    pub(crate) certainty: Option<String>,
    /// Where it is heading.
    #[arg(long, value_name = "CODE", value_parser = codes::<Trajectory>(), hide_possible_values = true)]
    pub(crate) trajectory: Option<String>,
    /// What kind of incident: a code of the team's list, by default an ACLED sub-event type such as "Mob violence".
    #[arg(long, value_name = "TEXT")]
    pub(crate) category: Option<String>,
    /// Where it stands; `closed` has its own command.
    #[arg(long, value_name = "CODE", value_parser = codes::<Status>(), hide_possible_values = true)]
    pub(crate) status: Option<String>,
    /// Whether it has been verified and, after a colon, how the team knows: `Confirmed:two witnesses`. Each step is kept.
    #[arg(long, value_name = "CODE[:NOTE]", value_parser = codes::<Verification>(), hide_possible_values = true)]
    pub(crate) verification: Option<String>,
    /// Whether something must still be done.
    #[arg(long, value_name = "CODE", value_parser = codes::<FollowUp>(), hide_possible_values = true)]
    pub(crate) followup: Option<String>,
    /// How widely it may be shared.
    #[arg(long, value_name = "CODE", value_parser = codes::<Sensitivity>(), hide_possible_values = true)]
    pub(crate) sensitivity: Option<String>,
    /// How likely somebody is to strike back.
    #[arg(long, value_name = "CODE", value_parser = codes::<RetaliationRisk>(), hide_possible_values = true)]
    pub(crate) retaliation_risk: Option<String>,
    /// How a mediation ended.
    #[arg(long, value_name = "CODE", value_parser = codes::<MediationOutcome>(), hide_possible_values = true)]
    pub(crate) mediation_outcome: Option<String>,

    /// When it began: `14:30`, `2026-11-21`, `2026-11-21 14:30`, `yesterday 14:30` or RFC 3339.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// When it ended.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// How exactly these times are known; without it, as exactly as they are written.
    #[arg(long, value_name = "CODE", value_parser = codes::<Precision>(), hide_possible_values = true)]
    pub(crate) precision: Option<String>,
    /// How exactly the end is known, if that differs.
    #[arg(long, value_name = "CODE", requires = "until", value_parser = codes::<Precision>(), hide_possible_values = true)]
    pub(crate) until_precision: Option<String>,
    /// When the team was told.
    #[arg(long, value_name = "TIME")]
    pub(crate) reported: Option<String>,

    /// Latitude and longitude in degrees (WGS 84), such as `-1.2864,36.8172`.
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true)]
    pub(crate) place: Option<String>,
    /// Radius within which the place lies, in metres.
    #[arg(long, value_name = "M", requires = "place", allow_hyphen_values = true)]
    pub(crate) accuracy: Option<String>,
    /// Height above the ellipsoid, in metres.
    #[arg(long, value_name = "M", requires = "place", allow_hyphen_values = true)]
    pub(crate) altitude: Option<String>,
    /// Where the coordinates come from; without it, a pin on a map.
    #[arg(long, value_name = "CODE", requires = "place", value_parser = codes::<PlaceSource>(), hide_possible_values = true)]
    pub(crate) place_source: Option<String>,
    /// The phone says that an app made the position up.
    #[arg(long, requires = "place")]
    pub(crate) mocked: bool,
    /// When the position was fixed.
    #[arg(long, value_name = "TIME", requires = "place")]
    pub(crate) fix_time: Option<String>,
    /// Where it happened, in words.
    #[arg(long, value_name = "TEXT")]
    pub(crate) place_text: Option<String>,
    /// The official code of the area.
    #[arg(long, value_name = "CODE")]
    pub(crate) p_code: Option<String>,
    /// The level of that area, 0 (the country) to 5.
    #[arg(long, value_name = "N")]
    pub(crate) admin_level: Option<String>,
    /// How exactly the place is known: 1 a town, 2 near a town, 3 a region.
    #[arg(long, value_name = "CODE", value_parser = codes::<GeoPrecision>(), hide_possible_values = true)]
    pub(crate) geo_precision: Option<String>,

    /// People counted: `injured=2`, `present=40-60`, `present=40+`, `injured=2:Red Cross` (after the colon, who says so).
    #[arg(long, value_name = "KIND=LOW[-HIGH][:SOURCE]", allow_hyphen_values = true)]
    pub(crate) count: Vec<String>,
    /// A group that took part: `initiator,inter=5,low=20,high=30,label=men on motorbikes`.
    #[arg(long, value_name = "ROLE[,NAME=VALUE..]")]
    pub(crate) actor: Vec<String>,
    /// Where the team knows it from: `witness,grade=B2,pseudonym=Rose,consent=record+team`.
    #[arg(long, value_name = "KIND[,NAME=VALUE..]")]
    pub(crate) source: Vec<String>,
    /// A kind of harm, such as injury, threat or displacement.
    #[arg(long, value_name = "HARM")]
    pub(crate) harm: Vec<String>,
    /// What the team did to protect, such as protective_presence.
    #[arg(long, value_name = "TACTIC")]
    pub(crate) tactic: Vec<String>,
    /// A weapon, and whether it was displayed, used or reported: `stones:used`.
    #[arg(long, value_name = "TYPE:USE")]
    pub(crate) weapon: Vec<String>,
    /// An authority at the scene: `police,marking=unit 7,low=10,measures=cordon`.
    #[arg(long, value_name = "AGENCY[,NAME=VALUE..]")]
    pub(crate) authority: Vec<String>,
    /// Another incident it has to do with, `same_event=K7-014`, or another record by its id: `caused_by=action:ID`.
    #[arg(long, value_name = "RELATION=CODE")]
    pub(crate) link: Vec<String>,

    /// What a rumour says.
    #[arg(long, value_name = "TEXT")]
    pub(crate) rumour: Option<String>,
    /// What is known of the rumour.
    #[arg(long, value_name = "CODE", value_parser = codes::<RumourStatus>(), hide_possible_values = true)]
    pub(crate) rumour_status: Option<String>,
    /// The prepared message that answers the rumour, by its id.
    #[arg(long, value_name = "ID")]
    pub(crate) rumour_answer: Option<String>,
    /// Who of the team looks after it: a name, `me`, or the beginning of an id.
    #[arg(long, value_name = "PERSON")]
    pub(crate) owner: Option<String>,
    /// The day after which it is to be destroyed.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) retention_until: Option<String>,
}
