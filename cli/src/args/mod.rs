//! The command line: what can be typed, and the help that explains it.

mod alert;
mod archive;
mod attachments;
mod bundle;
mod care;
mod checklist;
mod evidence;
mod field_team;
mod fields;
mod incident;
mod listed;
mod network;
mod relay;
mod roster;
mod upkeep;

use std::path::PathBuf;

use firsthand_node::RecoveryKeys;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueHint};

pub(crate) use alert::{
    AckArgs, AlertCommand, AlertFields, AlertListArgs, CancelArgs, ExportAlertArgs, IndicatorAddArgs,
    IndicatorCommand, NewAlertArgs, ReadingArgs, UpdateArgs,
};
pub(crate) use archive::{ArchiveCommand, ClosePeriodArgs, RetentionArgs};
pub(crate) use attachments::{AttachmentsCommand, FormsArg, FreeArgs, PolicyArgs};
pub(crate) use bundle::{BundleCommand, BundleExportArgs, BundleImportArgs};
pub(crate) use care::{
    CareCommand, CareContactArgs, DebriefAddArgs, DebriefCommand, DebriefEditArgs, EmergencyArgs,
    EmergencyCommand, NoteArgs, SaidArgs,
};
pub(crate) use checklist::{
    AbandonArgs, AnswerArgs, ChecklistCommand, CompleteArgs, ImportChecklistArgs, LanguageArgs,
    ListChecklistsArgs, PublishArgs, RunArgs, RunsArgs, ShowChecklistArgs, TickArgs, TimerArgs, TimerWord,
    TrainedArgs,
};
pub(crate) use evidence::{DestroyEvidenceArgs, EvidenceCommand, ExportEvidenceArgs, VerifyEvidenceArgs};
pub(crate) use field_team::{FieldTeamAddArgs, FieldTeamCommand, FieldTeamEditArgs, FieldTeamFields};
pub(crate) use fields::FieldArgs;
pub(crate) use incident::{
    AddArgs, AttachArgs, CloseArgs, CopyFileArgs, DescribeFileArgs, EditArgs, FileSaidArgs, HideArgs,
    IncidentCommand, LinkArgs, ListArgs, MergeArgs, ReopenArgs, ResolveArgs, SaveFileArgs, SearchArgs,
    UnlinkArgs, VerifyFileArgs,
};
pub(crate) use network::{FoundNetworkArgs, NetworkCommand, NetworkHome, NetworkStatusArgs, ShareArgs};
pub(crate) use relay::{RelayAddArgs, RelayArgs, RelayCommand};
pub(crate) use roster::{
    AssignArgs, CheckInArgs, HandoffAnswerArgs, HandoffCommand, HandoffStartArgs, PersonAddArgs,
    PersonCommand, PersonEditArgs, PersonFields, ReadyArgs, ShiftAddArgs, ShiftCommand, ShiftEditArgs,
    ShiftFields, TrainArgs, UnassignArgs,
};
pub(crate) use upkeep::{ResolveRecordArgs, UpkeepCommand};

const EXAMPLES: &str = "\
Examples:
  firsthand demo                                       a field day in under a minute
  firsthand team create --team \"River watch\" --as Amina
  firsthand incident add --title \"Crowd at the bridge\" --severity Moderate --at 14:30
  firsthand import observations.geojson
  firsthand team invite                                on one laptop
  firsthand team join CODE --as Daniel                 on the other
  firsthand sync --listen 0.0.0.0:4700                 on one laptop, later
  firsthand sync --with 192.168.4.12:4700 --once       on the other

Exit status: 0 fine, 1 any other failure, 2 usage, 3 bad input, 4 locked or wrong passphrase, 5 damage found,
6 no peer, 7 home in use.

Standard output carries data only; progress, questions and errors go to standard error.";

/// The field log of a protection team: records incidents without a network, and exchanges them when devices meet.
#[derive(Debug, Parser)]
#[command(name = "firsthand", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The folder of the team's records on this device.
    ///
    /// Without it: `$XDG_DATA_HOME/firsthand` or `~/.local/share/firsthand` on Linux,
    /// `~/Library/Application Support/firsthand` on macOS, `%LOCALAPPDATA%\firsthand` on Windows.
    #[arg(long, global = true, env = "FIRSTHAND_HOME", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) home: Option<PathBuf>,

    /// A file whose first line is the passphrase.
    ///
    /// Without it the passphrase is taken from FIRSTHAND_PASSPHRASE, and else asked for on the terminal.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// Print data as JSON; errors become JSON on standard error.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a team, bring people in, see who belongs to it.
    #[command(subcommand)]
    Team(TeamCommand),
    /// Record incidents, read them, edit them, settle conflicts.
    #[command(subcommand, visible_alias = "i")]
    Incident(Box<IncidentCommand>),
    /// The board: who is on, with whom, how they are, and who has not been heard of for too long.
    Board {
        /// Only the shifts of this team in the field; alarms about people who are on no shift stay.
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
    },
    /// Say how you are, or how somebody else is.
    #[command(visible_alias = "c")]
    Checkin(CheckInArgs),
    /// Note teams in the field: where they work, how they talk, whom their shifts need.
    #[command(subcommand)]
    Fieldteam(FieldTeamCommand),
    /// Set up shifts, put people on them, move them on.
    #[command(subcommand)]
    Shift(ShiftCommand),
    /// Hand over what is open from one shift to the next, item by item.
    #[command(subcommand)]
    Handoff(HandoffCommand),
    /// Note people, what they can do and what they were trained in.
    #[command(subcommand)]
    Person(PersonCommand),
    /// Load protocols, publish them to the team, and work through them.
    #[command(subcommand)]
    Checklist(Box<ChecklistCommand>),
    /// Bring in a file from another program: CSV, Kobo CSV, GeoJSON, ODK Central JSON.
    Import(ImportArgs),
    /// Exchange records with other devices of the team, directly and over its relays.
    Sync(SyncArgs),
    /// Show who is on the same network or hotspot, and meet those of the team.
    #[command(
        after_help = "Who belongs to the team is known once both devices have shown their keys, so those are met, and what either lacks is \
                      exchanged."
    )]
    Nearby(NearbyArgs),
    /// The team's relays; without a command, run one. A relay carries what teams seal and can read none of it.
    Relay(Box<RelayArgs>),
    /// Carry records on a USB stick or any other medium, in one sealed file.
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Make what is old take less room, and let go of what need not be kept any longer.
    #[command(subcommand)]
    Archive(ArchiveCommand),
    /// Move to a new phone or laptop.
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Share incidents with other teams: coarsened copies in a space that both read.
    #[command(subcommand)]
    Network(NetworkCommand),
    /// Write down what the team learnt, and what should change.
    #[command(subcommand)]
    Debrief(DebriefCommand),
    /// Note signs that come before violence or peace, and what was read of them.
    #[command(subcommand)]
    Indicator(Box<IndicatorCommand>),
    /// Raise warnings, approve and acknowledge them, replace them and call them off.
    #[command(subcommand)]
    Alert(Box<AlertCommand>),
    /// Note how you are after a shift, for yourself and the one person whom you name.
    #[command(subcommand)]
    Care(CareCommand),
    /// Say whom to call when something happens to somebody.
    #[command(subcommand)]
    Emergency(EmergencyCommand),
    /// Say which files come, see what they take, and make room.
    #[command(subcommand)]
    Attachments(AttachmentsCommand),
    /// Write files with what proves them, and check what somebody else wrote.
    #[command(subcommand)]
    Evidence(EvidenceCommand),
    /// Check every chain, signature, hash and attachment, and compare the tables with the log.
    #[command(
        after_help = "Exit status 5 when damage was found. Nothing is repaired without --repair, and nothing is ever \
                      deleted."
    )]
    Check {
        /// Repair what is damaged: keep what verifies, set the damaged files aside, say what is lost.
        #[arg(long)]
        repair: bool,
    },
    /// End every program that has this home open: what is on the disk stays, locked.
    Lock,
    /// Destroy this home for good, the keys first. When the device is about to be taken.
    #[command(
        after_help = "Asks once. With --now it does not: make a shortcut of it where you may need one. Nothing brings back what was only on \
                      this device."
    )]
    Panic(PanicArgs),
    /// Print the state digest: two devices that hold the same print the same 64 digits.
    Digest,
    /// Change the passphrase of this home.
    #[command(subcommand)]
    Passphrase(PassphraseCommand),
    /// Play a field day: three devices, one team, a conflict, a crash, one digest.
    Demo(DemoArgs),
    /// Print a script that completes commands in a shell.
    #[command(
        after_help = "Example:\n  firsthand completions bash > ~/.local/share/bash-completion/completions/firsthand"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// `panic`.
#[derive(Debug, Args)]
pub(crate) struct PanicArgs {
    /// Without asking.
    #[arg(long)]
    pub(crate) now: bool,
}

/// Commands about the team.
#[derive(Debug, Subcommand)]
pub(crate) enum TeamCommand {
    /// Make a team, with you as its first lead, and a home for it on this device.
    #[command(after_help = "Example:\n  firsthand team create --team \"River watch\" --as Amina")]
    Create(CreateArgs),
    /// Make somebody the lead with recovery codes, when the last lead is lost or a lead's phone was taken.
    #[command(after_help = RECOVER_EXAMPLES)]
    Recover(RecoverArgs),
    /// Bring somebody in: prints a code, waits for them, and shows three words to compare.
    #[command(after_help = INVITE_EXAMPLES)]
    Invite(InviteArgs),
    /// Join a team with the code of a lead, or with the code that another device of yours shows; makes a home on this device.
    #[command(
        after_help = "Examples:\n  firsthand team join FH1ABC... --as Daniel\n  firsthand team join FHD1ABC...      as a further device of yours"
    )]
    Join(JoinArgs),
    /// Bring in another device of yours: prints a code for it, shows three words to compare, and a second code for a lead.
    #[command(after_help = ADD_DEVICE_EXAMPLES)]
    AddDevice(AddDeviceArgs),
    /// Add another device of somebody, with the code that their device shows. For leads.
    #[command(
        after_help = "Example:\n  firsthand team admit-device FHE1ABC...\n\nDo it only for somebody who stands before you, or whose voice you know:                       whoever holds the new device reads what the team reads."
    )]
    AdmitDevice {
        /// The code; `-` reads it from standard input.
        code: String,
        /// Do not ask whether it is really theirs. For scripts on machines you trust.
        #[arg(long)]
        yes: bool,
    },
    /// Show the team, its people, and what this device holds.
    Show,
    /// Show which entries are held back, whose they are and why, and what waits behind them or for something else.
    Quarantine,
    /// Show which roles there are and what each may do.
    Roles,
    /// Show the devices of the team, those that were removed, and the removals.
    Devices,
    /// Show which keys there are to seal with, who made them, who has them and which is in use. No key is shown.
    Epochs,
    /// Give somebody a role; somebody who was removed returns with it, on the same phone. For leads.
    #[command(
        after_help = "Examples:\n  firsthand team grant Daniel --role trainer\n  firsthand team grant 3f2a --role responder"
    )]
    Grant {
        /// A name, or the beginning of an id.
        who: String,
        /// The role.
        #[arg(long, value_parser = listed::roles())]
        role: String,
    },
    /// Take somebody, or one device, out of the team. For leads; everybody may take out themself and their own devices.
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke {
        /// A name, or the beginning of an id.
        #[arg(required_unless_present = "device", conflicts_with = "device")]
        who: Option<String>,
        /// One device alone, by the beginning of its key (`firsthand team devices`); its person stays.
        #[arg(long, value_name = "KEY")]
        device: Option<String>,
        /// Why. It is told to the team and changes nothing else.
        #[arg(long, value_parser = ["left", "lost", "seized", "removed"])]
        reason: String,
    },
    /// Stand behind a removal, so that an answer from the removed phone cannot undo it.
    Confirm {
        /// The removal, as `firsthand team devices` names it.
        removal: String,
    },
    /// Release one entry that is held back because its device was removed, with what it builds on. For leads.
    #[command(after_help = "Example:\n  firsthand team quarantine\n  firsthand team adopt 5c1d9e20 14")]
    Adopt {
        /// Its chain, as `firsthand team quarantine` names it.
        chain: String,
        /// Its number there.
        position: u64,
    },
}

const REVOKE_EXAMPLES: &str = "\
Examples:
  firsthand team revoke Daniel --reason left
  firsthand team revoke --device 3f2a91 --reason seized

What this device already holds of them stays. What they wrote since is held back on every device, until a lead releases it, entry by
entry (`firsthand team adopt`). What the removed phone already has, it has. Let a second person confirm the removal of a lead at once.";

const INVITE_EXAMPLES: &str = "\
Examples:
  firsthand team invite
  firsthand team invite --role lead --listen 0.0.0.0:4700 --address 203.0.113.7:4700

The code works once, for one person, and only while this command runs. It ends when that person has joined and holds
what the team holds.";

const TRANSFER_EXAMPLES: &str = "\
On the old device:    firsthand device transfer
On the new one:       firsthand device transfer --from FHD1...   (the first code)
A lead, on theirs:    firsthand team admit-device FHE1...        (the second code)

Your two screens show the same three words, or somebody is in between. Leads need no second code for their own devices. Only when the
new device holds everything, files included, does it take the old one out of the team. What is on the old one stays there until you destroy it
(firsthand panic). Drafts of checklists and the column mappings of imports are not handed over. For a second device beside the
first one: firsthand team add-device.";

const ADD_DEVICE_EXAMPLES: &str = "\
On the device you have:  firsthand team add-device
On the new one:          firsthand team join FHD1...       (the first code)
A lead, on theirs:       firsthand team admit-device FHE1... (the second code)

Your two screens show the same three words, or somebody is in between. Leads need no second code for their own devices. The new device
has to wait, with both programs running, until a lead has added it and this device has heard of it; a lead who reaches this device over
the network tells it at once. Each device has a passphrase of its own and is removed by itself (firsthand team revoke --device).";

/// `team add-device`.
#[derive(Debug, Args)]
pub(crate) struct AddDeviceArgs {
    /// Where to wait: an address with a port, or port 0 for any.
    #[arg(long, value_name = "ADDR", default_value = ANYWHERE)]
    pub(crate) listen: String,
    /// An address under which the others reach this device, if it is not the one of the local network.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) address: Vec<String>,
    /// Do not ask whether the words are the same. For scripts on machines you trust.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// `device`.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// Hand everything over to a new device, which then takes this one's place in the team. No server is needed.
    #[command(after_help = TRANSFER_EXAMPLES)]
    Transfer(TransferArgs),
}

/// `device transfer`.
#[derive(Debug, Args)]
pub(crate) struct TransferArgs {
    /// On the new device: the code that the old one shows; `-` reads it from standard input.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["listen", "address"])]
    pub(crate) from: Option<String>,
    #[command(flatten)]
    pub(crate) old: AddDeviceArgs,
}

/// `team create`.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// The team's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) team: String,
    /// Your name, as the team knows you.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: String,
    /// Make recovery codes, such as 3-of-5: any three of five people who keep one can together make a new lead. At most 9.
    #[arg(long, value_name = "N-of-M", value_parser = recovery)]
    pub(crate) recovery: Option<RecoveryKeys>,
}

/// Reads `3-of-5`.
fn recovery(text: &str) -> Result<RecoveryKeys, String> {
    let numbers =
        text.split_once("-of-").and_then(|(needed, keys)| needed.parse().ok().zip(keys.parse().ok()));
    match numbers {
        Some((needed @ 1.., keys @ 1..=9)) if needed <= keys => Ok(RecoveryKeys { needed, keys }),
        _ => Err("is not like 3-of-5, with at most 9 codes".to_owned()),
    }
}

/// `team recover`.
#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    /// Who is to lead: a name, or the beginning of an id. With every device that they ever had in the team.
    pub(crate) who: String,
    /// Take somebody out as well, before all other removals; on a device of whoever is to lead.
    #[arg(long, value_name = "WHO", requires = "reason")]
    pub(crate) remove: Option<String>,
    /// Why they are taken out.
    #[arg(long, value_parser = ["left", "lost", "seized", "removed"], requires = "remove")]
    pub(crate) reason: Option<String>,
}

const RECOVER_EXAMPLES: &str = "\
Examples:
  firsthand team recover Daniel
  firsthand team recover Daniel --remove Amina --reason seized

Asks for the codes that were handed out when the team was made, one after the other, until there are enough; or reads them from standard
input, one a line. The codes are kept nowhere. They can be used again.";

/// `team invite`.
#[derive(Debug, Args)]
pub(crate) struct InviteArgs {
    /// Where to wait: an address with a port, or port 0 for any.
    #[arg(long, value_name = "ADDR", default_value = ANYWHERE)]
    pub(crate) listen: String,
    /// An address under which the other device reaches this one, if it is not the one of the local network.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) address: Vec<String>,
    /// What the new person may do.
    #[arg(long, value_parser = listed::roles(), default_value = "responder")]
    pub(crate) role: String,
    /// Do not ask whether the words are the same. For scripts on machines you trust.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// `team join`.
#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// The code that the other screen shows; `-` reads it from standard input.
    pub(crate) code: String,
    /// Your name, as the team will know you. Not with the code of another device of yours: there you have one.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Do not ask whether the words are the same. For scripts on machines you trust.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// `import`.
#[derive(Debug, Args)]
#[command(after_help = IMPORT_EXAMPLES)]
pub(crate) struct ImportArgs {
    /// The file.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// What the file is, if that should not be found out: csv, kobo, xlsx, hxl, geojson, odk or comapeo.
    #[arg(long, value_name = "NAME", value_parser = listed::formats())]
    pub(crate) format: Option<String>,
    /// The encoding of its text, such as windows-1256, if that should not be found out.
    #[arg(long, value_name = "NAME")]
    pub(crate) encoding: Option<String>,
    /// The sheet of a workbook to read.
    #[arg(long, value_name = "NAME")]
    pub(crate) sheet: Option<String>,
    /// A JSON file that says which column is which field. It is kept for files with the same columns.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) map: Option<PathBuf>,
    /// Do not use the column map that was kept for files with these columns.
    #[arg(long)]
    pub(crate) no_saved_map: bool,
    /// A folder with the photos and recordings that the rows name; those found there are attached.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) media: Option<PathBuf>,
    /// Show how the columns are understood and the first rows as they would be, and save nothing.
    #[arg(long)]
    pub(crate) preview: bool,
    /// Bring in nothing at all if any row is bad.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Say what would happen, and save nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

const IMPORT_EXAMPLES: &str = "\
Examples:
  firsthand import observations.geojson
  firsthand import export.xlsx --preview
  firsthand import export.csv --map columns.json
  firsthand import export.csv --strict

Good rows come in; bad ones are named on standard error by file, row, column and reason. A second import of the same
file adds nothing. A row that changed since is named and not applied. Columns without a field are kept with the
incident, under `imported`. A map that was given once is used again for files with the same columns.";

/// `sync`.
#[derive(Debug, Args)]
#[command(after_help = SYNC_EXAMPLES)]
#[command(group = ArgGroup::new("way").args(["listen", "with"]))]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SyncArgs {
    #[command(subcommand)]
    pub(crate) command: Option<SyncCommand>,
    /// Find everybody of the team on the same network or hotspot, and meet them all, and whoever is at
    /// the address of --with.
    #[arg(long)]
    pub(crate) nearby: bool,
    /// Wait for other devices at this address; port 0 picks a free one. The address is printed.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = ANYWHERE)]
    pub(crate) listen: Option<String>,
    /// Meet the device at this address.
    #[arg(long, value_name = "ADDR")]
    pub(crate) with: Option<String>,
    /// End after one meeting, once the relays have nothing more either. With --nearby: once everybody who is here holds the same.
    #[arg(long)]
    pub(crate) once: bool,
    /// The way to the internet costs by the byte: over relays only those files travel that `attachments policy` lets through then.
    #[arg(long)]
    pub(crate) metered: bool,
}

/// What to do instead of exchanging.
#[derive(Debug, Subcommand)]
pub(crate) enum SyncCommand {
    /// Who has what: per device what it has, what it lacks, files it waits for, and when both last held the same.
    Status {
        /// Meet whoever is near, and show the table again whenever it changes, until interrupted.
        #[arg(long)]
        watch: bool,
    },
}

/// `nearby`.
#[derive(Debug, Args)]
pub(crate) struct NearbyArgs {
    /// End after so many seconds; without it, when interrupted.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: Option<u64>,
    /// Wait for others at this address; port 0 picks a free one.
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
}

const SYNC_EXAMPLES: &str = "\
Examples:
  firsthand sync --listen 0.0.0.0:4700
  firsthand sync --with 192.168.4.12:4700 --once
  firsthand sync --nearby                                        everybody on this network or hotspot
  firsthand sync status --watch
  firsthand sync --once                                          over the team's relays alone

Runs until interrupted (Ctrl-C) unless --once is given. Only members of the team are let in. \"Same\" is said when both
devices hold the same records and every attachment; until then the line says what each has and lacks.";

/// Any address of this device, any free port.
const ANYWHERE: &str = "0.0.0.0:0";

/// Commands about the passphrase.
#[derive(Debug, Subcommand)]
pub(crate) enum PassphraseCommand {
    /// Ask for the old passphrase and, twice, for the new one.
    Change {
        /// A file whose first line is the new passphrase; or set FIRSTHAND_NEW_PASSPHRASE.
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        new_passphrase_file: Option<PathBuf>,
    },
}

/// `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// An empty or new folder for the three homes; without it a temporary one, removed at the end.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
    /// Keep the temporary folder, and say where it is.
    #[arg(long)]
    pub(crate) keep: bool,
}
