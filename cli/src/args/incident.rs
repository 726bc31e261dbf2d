use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueHint};
use firsthand_record::{FollowUp, Relation, RumourStatus, Severity, Status, Verification};

use super::FieldArgs;
use super::listed::codes;

/// Commands about incidents.
#[derive(Debug, Subcommand)]
pub(crate) enum IncidentCommand {
    /// Record an incident.
    #[command(after_help = ADD_EXAMPLES)]
    Add(Box<AddArgs>),
    /// List incidents, newest first.
    #[command(visible_alias = "ls", after_help = LIST_EXAMPLES)]
    List(ListArgs),
    /// Show everything about one incident.
    Show(OneArgs),
    /// Change fields, add to the narrative, add counts, sources and actors.
    #[command(after_help = EDIT_EXAMPLES)]
    Edit(Box<EditArgs>),
    /// Attach a photo, a recording or a document.
    #[command(
        after_help = "Example:\n  firsthand incident attach K7-014 bridge.jpg --caption \"The bridge from the east\""
    )]
    Attach(Box<AttachArgs>),
    /// Say more about an attached file: what it shows, who can be seen, what they agreed to; or hide it.
    ///
    /// The file and what was signed when it was attached cannot be changed.
    #[command(
        after_help = "Examples:\n  firsthand incident describe-file K7-014 bridge.jpg --people identifiable\n  firsthand incident describe-file K7-014 bridge.jpg --withdraw-consent"
    )]
    DescribeFile(DescribeFileArgs),
    /// Read an attached file from end to end, compare it with its record, and note there that it verified.
    #[command(after_help = "Example:\n  firsthand incident verify-file K7-014 bridge.jpg")]
    VerifyFile(VerifyFileArgs),
    /// Make a copy of an attached photo that can be given away: without time, place, camera and comments. The original stays.
    #[command(after_help = "Example:\n  firsthand incident copy-file K7-014 bridge.jpg")]
    CopyFile(Box<CopyFileArgs>),
    /// Write an attached file to a file outside the home, in the clear.
    #[command(
        after_help = "Examples:\n  firsthand incident save-file K7-014 bridge.jpg --to /media/usb/bridge.jpg\n  firsthand incident save-file K7-014 bridge.jpg --clean --to /media/usb/for-the-press.jpg"
    )]
    SaveFile(SaveFileArgs),
    /// Show who changed what, when, and from which device.
    History(OneArgs),
    /// Show fields that people set to different values while apart.
    Conflicts {
        /// Only of this incident.
        #[arg(value_name = "CODE")]
        id: Option<String>,
    },
    /// Settle a conflict. Without a lead's right it is a proposal, and the conflict stays.
    #[command(after_help = RESOLVE_EXAMPLES)]
    Resolve(ResolveArgs),
    /// Find incidents by words of their texts.
    #[command(
        after_help = "Examples:\n  firsthand incident search bridge\n  firsthand incident search \"crowd brid\"   (beginnings of words are enough)"
    )]
    Search(SearchArgs),
    /// Close an incident. Without a lead's right it is a proposal.
    Close(CloseArgs),
    /// Open a closed incident again. Without a lead's right it is a proposal.
    Reopen(ReopenArgs),
    /// Say that an incident is the same as another one. Both are kept. Without a lead's right it is a proposal.
    #[command(
        after_help = "Example:\n  firsthand incident merge K7-015 --into K7-014 --note \"the same crowd\""
    )]
    Merge(MergeArgs),
    /// Link an incident to another one: perhaps a duplicate, the same event, caused by it, following it.
    #[command(after_help = "Example:\n  firsthand incident link K7-015 K7-014 --relation possible_duplicate")]
    Link(LinkArgs),
    /// Take the links between two incidents back. They stay readable.
    Unlink(UnlinkArgs),
    /// Leave an incident out of lists, and say why. Nothing of it is erased; `list --hidden` shows it.
    Hide(HideArgs),
    /// Show a hidden incident in lists again.
    Unhide(HideArgs),
}

const ADD_EXAMPLES: &str = "\
Examples:
  firsthand incident add --title \"Crowd at the bridge\" --severity Moderate --at 14:30 --place -1.2864,36.8172
  firsthand incident add --title \"Shots heard\" --at \"2026-11-21 02:00\" --precision hour --count injured=2:clinic
  firsthand incident add --narrative - < notes.txt

Codes: severity Extreme, Severe, Moderate, Minor, Unknown; urgency Immediate, Expected, Future, Past, Unknown;
certainty Observed, Likely, Possible, Unlikely, Unknown; status draft, open, monitoring; counts present, injured,
arrested, dead, displaced; sources direct_observation, victim, witness, key_group, media, social, rumour. A code that
does not exist is answered with its list.

What must not be saved (coordinates that cannot be, an end before the start) is refused with status 3. What a person
should look at again (exactly 0,0, a time in the future) is saved and marked.";

const LIST_EXAMPLES: &str = "\
Examples:
  firsthand incident list --since yesterday
  firsthand incident list --severity Severe --severity Extreme --status open
  firsthand incident list --near -1.2864,36.8172 --radius 2km
  firsthand incident list --within -1.40,36.60,-1.10,37.00
  firsthand incident list --rumour circulating --rumour checking
  firsthand incident list --flagged
  firsthand incident list --conflicts --json";

const EDIT_EXAMPLES: &str = "\
Examples:
  firsthand incident edit K7-014 --severity Severe
  firsthand incident edit K7-014 --append \"15:10 the crowd has left\" --count injured=2:clinic
  firsthand incident edit K7-014 --clear place

Only what differs from the narrative as it stands is written, so that two people can edit it while apart. --editor opens
$EDITOR on a file that exists in memory only, and is refused where there is no such place.";

const RESOLVE_EXAMPLES: &str = "\
Examples:
  firsthand incident conflicts
  firsthand incident resolve K7-014 severity --pick 2
  firsthand incident resolve K7-014 severity --value Severe --note \"agreed at the evening meeting\"";

/// `incident add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// A whole record as JSON, as `show --json` prints it under `record`; `-` reads standard input. Options win over it.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) json_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) fields: FieldArgs,
}

/// `incident list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// What happened at this time or later: `yesterday`, `2026-11-21`, `14:30`.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// What happened at this time or earlier; a day counts as a whole.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Only of this category; may be given several times.
    #[arg(long, value_name = "TEXT")]
    pub(crate) category: Vec<String>,
    /// Only of this severity; may be given several times.
    #[arg(long, value_name = "CODE", value_parser = codes::<Severity>())]
    pub(crate) severity: Vec<String>,
    /// Only with this status; may be given several times.
    #[arg(long, value_name = "CODE", value_parser = codes::<Status>())]
    pub(crate) status: Vec<String>,
    /// Only with this follow-up; may be given several times.
    #[arg(long, value_name = "CODE", value_parser = codes::<FollowUp>())]
    pub(crate) followup: Vec<String>,
    /// Only with this verification; may be given several times.
    #[arg(long, value_name = "CODE", value_parser = codes::<Verification>())]
    pub(crate) verification: Vec<String>,
    /// Only rumours of which this is known; may be given several times.
    #[arg(long, value_name = "CODE", value_parser = codes::<RumourStatus>())]
    pub(crate) rumour: Vec<String>,
    /// Only around this point.
    #[arg(long, value_name = "LAT,LON", requires = "radius", allow_hyphen_values = true)]
    pub(crate) near: Option<String>,
    /// How far around it: `500`, `500m`, `2km`.
    #[arg(long, value_name = "M", requires = "near", allow_hyphen_values = true)]
    pub(crate) radius: Option<String>,
    /// Only between these latitudes and longitudes; west above east crosses the 180th meridian.
    #[arg(long, value_name = "S,W,N,E", allow_hyphen_values = true)]
    pub(crate) within: Option<String>,
    /// Only where every word is found, or begins a word that is.
    #[arg(long, value_name = "WORDS")]
    pub(crate) text: Option<String>,
    /// Only with fields in conflict.
    #[arg(long)]
    pub(crate) conflicts: bool,
    /// Only those that a person should look at again, on themselves or on a file.
    #[arg(long)]
    pub(crate) flagged: bool,
    /// Also those that a mark hides.
    #[arg(long)]
    pub(crate) hidden: bool,
    /// At most so many.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// A command about one incident.
#[derive(Debug, Args)]
pub(crate) struct OneArgs {
    /// Its short code, such as K7-014, or the beginning of its id.
    #[arg(value_name = "CODE")]
    pub(crate) id: String,
}

/// Why something is decided as it is.
#[derive(Debug, Args)]
pub(crate) struct NoteArgs {
    /// Why.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub(crate) note: String,
}

/// Why something is taken back or hidden.
#[derive(Debug, Args)]
pub(crate) struct ReasonArgs {
    /// Why.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub(crate) reason: String,
}

/// `incident edit`.
#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    /// Its short code, such as K7-014, or the beginning of its id.
    #[arg(value_name = "CODE")]
    pub(crate) id: String,
    /// Add this as a new line at the end of the narrative.
    #[arg(long, value_name = "TEXT", conflicts_with = "narrative", allow_hyphen_values = true)]
    pub(crate) append: Option<String>,
    /// Edit the narrative in $VISUAL or $EDITOR.
    #[arg(long, conflicts_with_all = ["narrative", "append"])]
    pub(crate) editor: bool,
    /// Empty a field; may be given several times.
    #[arg(long, value_name = "FIELD")]
    pub(crate) clear: Vec<String>,
    /// Take back an item of a list, such as counts:2, as `show` numbers them, or by its key. It stays readable.
    #[arg(long, value_name = "LIST:N")]
    pub(crate) withdraw: Vec<String>,
    /// Exchange the least and the greatest number of an item, such as counts:2. What it said stays readable.
    #[arg(long, value_name = "LIST:N")]
    pub(crate) swap: Vec<String>,
    /// Judge a source, by its number, pseudonym or key: `1=B2`.
    #[arg(long, value_name = "SOURCE=GRADE")]
    pub(crate) grade: Vec<String>,
    /// A source takes back what it agreed to: its number, pseudonym or key.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) withdraw_consent: Vec<String>,
    /// Why the items are taken back.
    #[arg(long, value_name = "TEXT", default_value = "", requires = "withdraw", hide_default_value = true)]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) fields: FieldArgs,
}

/// `incident attach`.
#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    /// The incident's short code, or the beginning of its id.
    #[arg(value_name = "CODE")]
    pub(crate) id: String,
    /// The file. It is copied into the home, encrypted; the original stays where it is.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) said: FileSaidArgs,
    /// The attached file that this is a redacted copy of: its name, or the beginning of its hash. Both stay. What the copy says of
    /// itself (time, place, camera, comments) is taken out first; a file of which it cannot be taken out is refused.
    #[arg(long, value_name = "NAME")]
    pub(crate) redacted_copy_of: Option<String>,
    /// Keep what the redacted copy says of itself: for recordings and documents, of which nothing is taken out here.
    #[arg(long, requires = "redacted_copy_of")]
    pub(crate) as_it_is: bool,
}

/// `incident copy-file`.
#[derive(Debug, Args)]
pub(crate) struct CopyFileArgs {
    /// The incident's short code, or the beginning of its id.
    #[arg(value_name = "CODE")]
    pub(crate) id: String,
    /// The attached file's name, or the beginning of its hash.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What to call the copy; otherwise the file's name with `-shared` in it.
    #[arg(long, value_name = "NAME")]
    pub(crate) as_name: Option<String>,
    #[command(flatten)]
    pub(crate) said: FileSaidArgs,
}

/// What is said about a file that is attached.
#[derive(Debug, Args)]
pub(crate) struct FileSaidArgs {
    /// What it shows, in words.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub(crate) caption: String,
    /// When it was made.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) captured: Option<String>,
    /// Where it was made: latitude and longitude in degrees.
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true)]
    pub(crate) captured_at: Option<String>,
    /// What it was made with.
    #[arg(long, value_name = "MODEL")]
    pub(crate) device_model: Option<String>,
    /// Whether people can be recognised: none, crowd or identifiable.
    #[arg(long, value_name = "WHO")]
    pub(crate) people: Option<String>,
    /// What they agreed to: record, team, network, public, joined by +; or none.
    #[arg(long, value_name = "WHAT")]
    pub(crate) consent: Option<String>,
}

/// `incident describe-file`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("said").required(true).multiple(true)
    .args(["caption", "people", "consent", "withdraw_consent", "hide"]))]
pub(crate) struct DescribeFileArgs {
    /// What it is attached to: the incident's short code, or the beginning of the id of the incident or of the run.
    #[arg(value_name = "CODE")]
    pub(crate) id: String,
    /// The attached file's name, or the beginning of its hash.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What it shows, in words.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) caption: Option<String>,
    /// Whether people can be recognised: none, crowd or identifiable.
    #[arg(long, value_name = "WHO")]
    pub(crate) people: Option<String>,
    /// What they agreed to: record, team, network, public, joined by +; or none.
    #[arg(long, value_name = "WHAT")]
    pub(crate) consent: Option<String>,
    /// Somebody who can be seen took their agreement back.
    #[arg(long, conflicts_with = "consent")]
    pub(crate) withdraw_consent: bool,
    /// Leave it out of lists, and say why. File and record stay.
    #[arg(long, value_name = "REASON", allow_hyphen_values = true)]
    pub(crate) hide: Option<String>,
}

/// `incident verify-file`.
#[derive(Debug, Args)]
pub(crate) struct VerifyFileArgs {
    /// What it is attached to: the incident's short code, or the beginning of the id of the incident or of the run.
    #[arg(value_name = "CODE")]
    pub(crate) id: String,
    /// The attached file's name, or the beginning of its hash.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// `incident save-file`.
#[derive(Debug, Args)]
pub(crate) struct SaveFileArgs {
    /// What it is attached to: the incident's short code, or the beginning of the id of the incident or of the run.
    #[arg(value_name = "CODE")]
    pub(crate) id: String,
    /// The attached file's name, or the beginning of its hash.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Where to; it must not exist yet.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) to: PathBuf,
    /// Which form of a photo: thumb, preview or original. The smaller ones hold the picture alone, without its place, time
    /// and camera.
    #[arg(long, value_name = "FORM", default_value = "original")]
    pub(crate) variant: String,
    /// Without what the file says of itself: time, place, camera, comments, thumbnail. The picture loses nothing. A file of which
    /// it cannot be taken out is not written.
    #[arg(long, conflicts_with = "variant")]
    pub(crate) clean: bool,
}

/// `incident resolve`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["value", "pick"]))]
pub(crate) struct ResolveArgs {
    /// The incident's short code, or the beginning of its id.
    #[arg(value_name = "CODE")]
    pub(crate) id: String,
    /// The field in conflict.
    pub(crate) field: String,
    /// The value to stand; it need not be one of those in conflict.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(crate) value: Option<String>,
    /// The number of the value, as `conflicts` shows it.
    #[arg(long, value_name = "N")]
    pub(crate) pick: Option<usize>,
    #[command(flatten)]
    pub(crate) why: NoteArgs,
}

/// `incident search`.
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Words; every one must be found, or begin a word that is.
    #[arg(required = true, value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// At most so many.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// `incident close`.
#[derive(Debug, Args)]
pub(crate) struct CloseArgs {
    /// The incident's short code, or the beginning of its id.
    #[arg(value_name = "CODE")]
    pub(crate) id: String,
    /// The incident that this one turned out to be; both are kept.
    #[arg(long, value_name = "CODE")]
    pub(crate) merged_into: Option<String>,
    #[command(flatten)]
    pub(crate) why: NoteArgs,
}

/// `incident merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The duplicate: its short code, or the beginning of its id.
    #[arg(value_name = "DUPLICATE")]
    pub(crate) id: String,
    /// The incident that it is a duplicate of.
    #[arg(long, value_name = "CODE")]
    pub(crate) into: String,
    #[command(flatten)]
    pub(crate) why: NoteArgs,
}

/// `incident link`.
#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    /// The incident that gets the link: its short code, or the beginning of its id.
    #[arg(value_name = "CODE")]
    pub(crate) id: String,
    /// The incident that it leads to.
    #[arg(value_name = "OTHER")]
    pub(crate) other: String,
    /// How the other one relates to the first.
    #[arg(long, value_name = "CODE", value_parser = codes::<Relation>(), default_value = "possible_duplicate")]
    pub(crate) relation: String,
}

/// `incident unlink`.
#[derive(Debug, Args)]
pub(crate) struct UnlinkArgs {
    /// One incident: its short code, or the beginning of its id.
    #[arg(value_name = "CODE")]
    pub(crate) id: String,
    /// The other one.
    #[arg(value_name = "OTHER")]
    pub(crate) other: String,
    #[command(flatten)]
    pub(crate) why: ReasonArgs,
}

/// `incident hide` and `unhide`.
#[derive(Debug, Args)]
pub(crate) struct HideArgs {
    /// The incident's short code, or the beginning of its id.
    #[arg(value_name = "CODE")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) why: ReasonArgs,
}

/// `incident reopen`.
#[derive(Debug, Args)]
pub(crate) struct ReopenArgs {
    /// The incident's short code, or the beginning of its id.
    #[arg(value_name = "CODE")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) why: NoteArgs,
}
