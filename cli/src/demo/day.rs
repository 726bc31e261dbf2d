//! The story of the day.

use std::path::Path;

use chrono::Local;
use firsthand_node::ids::DocumentId;
use firsthand_node::{ConflictView, Edit, ImportRow, IncidentQuery, Role};
use firsthand_record::{Count, CountKind, Incident, Place, PlaceSource, Severity};
use serde_json::json;

use super::device::{Device, Meeting, meet, wrong};
use super::{Conflict, Crash, DeviceLine, Narrator, Report, crash, photo, relay, shift};
use crate::command::incident::{conflict_table, items, render};
use crate::fail::Fail;
use crate::show::{table, text, value};

/// Who leads the team.
pub(super) const LEAD: &str = "Amina";
pub(super) const SECOND: &str = "Daniel";
pub(super) const THIRD: &str = "Chipo";
const TEAM: &str = "River watch";

/// Incidents of an election day, as another program exported them.
const FIELD_DAY: &str = include_str!("../../demo/field-day.csv");
const FIELD_DAY_NAME: &str = "field-day.csv";
/// The date in it, which the demo moves to yesterday: older records are marked as entered late.
const FIELD_DAY_DATE: &str = "2026-03-14";

/// The narrative that two people edit while apart.
const NARRATIVE: &str =
    "Two groups face each other on the market bridge. We stand between them and talk to both sides.";
const BEFORE: &str = "Seen from the east bank at 15:05. ";
const AFTER: &str = " By 15:40 the younger men have gone home.";

/// Plays the day from morning to evening.
pub(super) async fn play(tell: Narrator, dir: &Path) -> Result<Report, Fail> {
    tell.say("A field day: three devices, one team, no internet. Each device is a home of its own, encrypted under its own")?;
    tell.say(&format!("passphrase, in {}; they meet over sockets of this machine.", dir.display()))?;
    let mut meetings = Vec::new();

    tell.chapter("Morning: a team")?;
    let lead = Device::found(dir, TEAM, LEAD).await?;
    tell.step(&format!("{LEAD} founds the team \"{TEAM}\" and leads it."))?;
    let second = join(tell, &lead, dir, SECOND, Role::Responder, &mut meetings).await?;
    let third = join(tell, &lead, dir, THIRD, Role::Lead, &mut meetings).await?;

    tell.chapter("Before they go: a shift")?;
    let day = shift::plan(tell, [&lead, &second, &third], &mut meetings).await?;

    tell.chapter("What to do: a protocol")?;
    shift::work_through(tell, [&lead, &second, &third], day, &mut meetings).await?;

    tell.chapter("At the bridge: an incident, and a photo")?;
    let bridge = log_at_the_bridge(tell, &lead, dir).await?;
    for other in [&second, &third] {
        record(tell, &mut meetings, meet(other, &lead, "the incident and its photo").await?)?;
    }

    tell.chapter("Apart: two people edit the same incident, neither knows of the other")?;
    edit_apart(tell, &second, &third, bridge).await?;
    tell.chapter("They meet: nothing is lost, and what contradicts is shown")?;
    record(tell, &mut meetings, meet(&second, &third, "two edits of one incident").await?)?;
    record(tell, &mut meetings, meet(&third, &lead, "the lead hears of it").await?)?;
    let conflict = show_conflict(tell, &lead, bridge).await?;
    let conflict = settle(tell, &lead, conflict).await?;

    tell.chapter("Afternoon: a crash")?;
    import(tell, &lead).await?;
    let rumour = Incident {
        title: Some(String::from("إشاعة عن إغلاق الجسر")),
        narrative: String::from("سمعنا من سائقين أن الجسر مغلق. ذهبنا ورأينا أنه مفتوح."),
        severity: Some(Severity::Minor),
        ..Incident::default()
    };
    let saved = second.node.add_incident(rumour).await?;
    tell.step(&format!("{SECOND} logs {}, a rumour, in Arabic.", saved.short_code))?;
    let (third, crash) = crash(tell, dir, &lead, third, &mut meetings).await?;

    tell.chapter("Somebody is missing")?;
    shift::missing(tell, [&lead, &second, &third], &mut meetings).await?;
    tell.chapter("The next shift takes over")?;
    shift::hand_over(tell, [&lead, &third], day, &mut meetings).await?;
    tell.chapter("After the shift")?;
    shift::learn(tell, [&lead, &second, &third], day, &mut meetings).await?;

    tell.chapter("Far away: a relay that can read nothing")?;
    let carried = relay::carry(tell, dir, &lead).await?;

    tell.chapter("Evening: everybody has met")?;
    record(tell, &mut meetings, meet(&second, &lead, "the rest of the day").await?)?;
    record(tell, &mut meetings, meet(&second, &third, "what only one of them knew").await?)?;
    record(tell, &mut meetings, meet(&third, &lead, "nothing left to tell").await?)?;
    finish(tell, vec![lead, second, third], meetings, conflict, (crash, carried), bridge).await
}

pub(super) fn record(tell: Narrator, meetings: &mut Vec<Meeting>, meeting: Meeting) -> Result<(), Fail> {
    tell.step(&meeting.line())?;
    meetings.push(meeting);
    Ok(())
}

async fn join(
    tell: Narrator,
    lead: &Device,
    dir: &Path,
    name: &'static str,
    role: Role,
    meetings: &mut Vec<Meeting>,
) -> Result<Device, Fail> {
    let (device, words) = lead.bring_in(dir, name, role).await?;
    tell.step(&format!("{name} joins with a code. Both screens show the words: {words}."))?;
    record(tell, meetings, meet(&device, lead, "joining").await?)?;
    Ok(device)
}

async fn log_at_the_bridge(tell: Narrator, lead: &Device, dir: &Path) -> Result<DocumentId, Fail> {
    let mut place = Place::new(-12.34182, -26.78144, PlaceSource::Gps);
    place.accuracy_m = Some(firsthand_node::ids::Metres(8.0));
    let incident = Incident {
        title: Some(String::from("Two groups at the market bridge")),
        narrative: String::from(NARRATIVE),
        category: Some(String::from("Mob violence")),
        severity: Some(Severity::Minor),
        place: Some(place),
        counts: vec![Count::new(CountKind::Present, Some(40), Some(60))],
        ..Incident::default()
    };
    let saved = lead.node.add_incident(incident).await?;
    tell.step(&format!(
        "{LEAD} logs {}: \"Two groups at the market bridge\", severity Minor.",
        saved.short_code
    ))?;
    let file = dir.join("bridge.png");
    std::fs::write(&file, photo::png()).map_err(|error| wrong(format!("no photo: {}", error.kind())))?;
    let attached =
        lead.node.attach(saved.id, &file, "The bridge at dusk", std::sync::Arc::new(|_, _| true)).await?;
    tell.step(&format!("She attaches a photo ({}, {}).", attached.mime, text::bytes(attached.byte_len)))?;
    Ok(saved.id)
}

async fn edit_apart(tell: Narrator, second: &Device, third: &Device, bridge: DocumentId) -> Result<(), Fail> {
    let set = |severity: &str| Edit::Set { field: "severity".into(), value: json!(severity) };
    let write = |text: String| Edit::ReplaceText { field: "narrative".into(), text };
    let injured = |source: &str| Edit::Add {
        list: "counts".into(),
        value: json!({"what": "injured", "low": 2, "high": 2, "source": source}),
    };
    let edits = vec![write(format!("{BEFORE}{NARRATIVE}")), set("Moderate"), injured("clinic nurse")];
    second.node.edit(bridge, edits).await?;
    tell.step(&format!(
        "{SECOND} adds a sentence at the beginning, sets severity Moderate, counts 2 injured (clinic nurse)."
    ))?;
    let edits = vec![write(format!("{NARRATIVE}{AFTER}")), set("Severe"), injured("market trader")];
    third.node.edit(bridge, edits).await?;
    tell.step(&format!(
        "{THIRD} adds a sentence at the end, sets severity Severe, counts 2 injured (market trader)."
    ))
}

async fn show_conflict(tell: Narrator, lead: &Device, bridge: DocumentId) -> Result<ConflictView, Fail> {
    let view = lead.node.incident(bridge).await?;
    if view.record.narrative != format!("{BEFORE}{NARRATIVE}{AFTER}") {
        return Err(wrong("the narrative does not hold both sentences"));
    }
    let injured = view.record.counts.iter().filter(|count| count.what == CountKind::Injured).count();
    if injured != 2 {
        return Err(wrong(format!("{injured} counts of injured people instead of 2")));
    }
    tell.step("The narrative holds both sentences, and both counts of injured people are there.")?;
    let [conflict] = &view.conflicts[..] else {
        return Err(wrong(format!("{} conflicts instead of 1", view.conflicts.len())));
    };
    if conflict.shown != json!("Severe") {
        return Err(wrong("the more protective severity is not the one that is shown"));
    }
    tell.step(
        "Severity was set twice. Until somebody decides, the more protective value is shown and acted on:",
    )?;
    tell.step(&conflict_table(&view.conflicts))?;
    Ok(conflict.clone())
}

async fn settle(tell: Narrator, lead: &Device, conflict: ConflictView) -> Result<Conflict, Fail> {
    let settled = json!("Severe");
    let resolved =
        lead.node.resolve(conflict.id, &conflict.field, settled.clone(), "agreed with both by radio").await?;
    if !resolved.settled || !lead.node.conflicts().await?.is_empty() {
        return Err(wrong("the lead's choice did not settle the conflict"));
    }
    tell.step(&format!("{LEAD} leads, and settles it: Severe. The other value stays in the history."))?;
    Ok(Conflict {
        short_code: conflict.short_code,
        field: conflict.field,
        values: conflict.candidates.iter().map(|candidate| value::line(&candidate.value)).collect(),
        settled: value::line(&settled),
    })
}

async fn import(tell: Narrator, lead: &Device) -> Result<(), Fail> {
    let read = || -> Result<Vec<ImportRow>, Fail> {
        let yesterday = Local::now().date_naive().pred_opt().unwrap_or_default().to_string();
        let file = FIELD_DAY.replace(FIELD_DAY_DATE, &yesterday);
        let read = firsthand_exchange::read(file.as_bytes(), FIELD_DAY_NAME, None, None)?;
        if let Some(problem) = read.problems.first() {
            return Err(wrong(format!("row {} of {FIELD_DAY_NAME}: {}", problem.row, problem.reason)));
        }
        Ok(read.incidents.into_iter().map(|it| ImportRow { row: it.row, incident: it.incident }).collect())
    };
    let watch = || std::sync::Arc::new(|_, _| true);
    let first = lead.node.import(read()?, false, watch()).await?;
    let again = lead.node.import(read()?, false, watch()).await?;
    if first.added.is_empty() || !again.added.is_empty() || !first.rejected.is_empty() {
        return Err(wrong(format!("{FIELD_DAY_NAME} did not come in once and whole")));
    }
    let rows = first.added.len();
    tell.step(&format!(
        "{LEAD} imports {FIELD_DAY_NAME}, what observers noted yesterday: {rows} incidents. A second import adds {}.",
        again.added.len()
    ))
}

async fn crash(
    tell: Narrator,
    dir: &Path,
    lead: &Device,
    third: Device,
    meetings: &mut Vec<Meeting>,
) -> Result<(Device, Crash), Fail> {
    let incident = Incident {
        title: Some(String::from("Ambulance let through at the bridge")),
        narrative: String::from("After ten minutes of talking both sides open the road."),
        severity: Some(Severity::Moderate),
        ..Incident::default()
    };
    let saved = third.node.add_incident(incident).await?;
    tell.step(&format!("{THIRD} logs {} with no signal, then goes to meet {LEAD}.", saved.short_code))?;
    third.node.shutdown().await?;
    let killed = crash::kill_in_the_middle(dir, THIRD, lead.address).await?;
    tell.step(&format!(
        "After {} of the answer {THIRD}'s program is killed (kill -9).",
        text::bytes(killed.after_bytes as u64)
    ))?;

    let third = Device::open(dir, THIRD).await?;
    let check = third.node.check(std::sync::Arc::new(|_, _| true)).await?;
    if let Some(problem) = check.problems.first() {
        return Err(wrong(format!("the home is damaged after the crash: {problem}")));
    }
    third.node.incident(saved.id).await?;
    let after = third.node.team().await?.counts.incidents;
    let there = lead.node.team().await?.counts.incidents;
    if after >= there {
        return Err(wrong("the crash came too late: nothing was missing"));
    }
    tell.step(&format!(
        "Opened again: everything verifies, {} is there, {after} incidents. The rest was never said to be here.",
        saved.short_code
    ))?;
    record(tell, meetings, meet(&third, lead, "after the crash").await?)?;
    let end = third.node.team().await?.counts.incidents;
    Ok((third, Crash { killed, incidents_after_crash: after, incidents_at_the_end: end }))
}

async fn finish(
    tell: Narrator,
    devices: Vec<Device>,
    meetings: Vec<Meeting>,
    conflict: Conflict,
    (killed, relay): (Crash, relay::Carried),
    bridge: DocumentId,
) -> Result<Report, Fail> {
    let (mut lines, mut lists) = (Vec::new(), Vec::new());
    for device in &devices {
        let check = device.node.check(std::sync::Arc::new(|_, _| true)).await?;
        if let Some(problem) = check.problems.first() {
            return Err(wrong(format!("{}'s home is damaged: {problem}", device.name)));
        }
        let view = device.node.incident(bridge).await?;
        if !view.conflicts.is_empty() || view.record.severity != Some(Severity::Severe) {
            return Err(wrong(format!("{} does not show the conflict as settled", device.name)));
        }
        let rows = device.node.incidents(IncidentQuery::default()).await?;
        lists.push(items(&device.node, rows, None).await?);
        lines.push(DeviceLine { name: device.name, digest: device.node.digest().await?.to_string() });
        // The check has read the file and compared it; to export it would be noted in its record, on one device alone.
        let taken = firsthand_node::ids::sha256(&photo::png());
        let held = view.attachments.iter().any(|file| file.here && *file.hash.as_bytes() == taken);
        if !held {
            return Err(wrong(format!(
                "the photo on {}'s device is not the one that was taken",
                device.name
            )));
        }
    }
    tell.step("Every chain, signature and file verifies on every device, and the photo is on all three.")?;
    let list = lists.swap_remove(0);
    tell.say(&format!("\nThe list, {} incidents, newest first:", list.len()))?;
    tell.say(&render(&list))?;
    tell.say("\nWhat each meeting cost:")?;
    tell.say(&costs(&meetings))?;
    tell.say("\nState digest of each device:")?;
    for line in &lines {
        tell.say(&format!("  {:<8}{}", line.name, line.digest))?;
    }
    let same = lines.iter().all(|line| line.digest == lines[0].digest);
    if !same || lists.iter().any(|other| rendered(other) != rendered(&list)) {
        return Err(wrong("the devices do not hold the same"));
    }
    for device in devices {
        device.node.shutdown().await?;
    }
    Ok(Report {
        items: list,
        same,
        devices: lines,
        meetings,
        conflict,
        killed,
        relay,
        seconds: 0.0,
        home: None,
    })
}

/// A list without what depends on the moment it is shown.
fn rendered(items: &[crate::command::incident::Item]) -> Option<String> {
    serde_json::to_string(items).ok()
}

fn costs(meetings: &[Meeting]) -> String {
    let row = |meeting: &Meeting| {
        let [first, second] = meeting.between;
        let [to_first, to_second] = meeting.entries_received;
        vec![
            format!("{first}, {second}"),
            meeting.why.to_owned(),
            format!("{to_first} + {to_second}"),
            meeting.bytes.to_string(),
            meeting.round_trips.to_string(),
        ]
    };
    let headings = ["who", "why", "entries received", "bytes", "round trips"];
    table::render(&headings, meetings.iter().map(row).collect())
}
