//! The day's shift: who goes with whom, how they are, what the next shift takes over, and what was learnt.

use chrono::{Local, TimeDelta};
use firsthand_exchange::protocol;
use firsthand_node::RunStep;
use firsthand_node::ids::DocumentId;
use firsthand_record::checklist::{ItemType, RunContext, RunContextKind};
use firsthand_record::roster::{
    Assignment, CheckIn, CheckInRule, CheckInState, GoNoGo, Handoff, HandoffAnswer, RiskLevel, Shift,
    ShiftStatus,
};
use firsthand_record::{Care, Change, Debrief, Lesson, Moment};

use super::Narrator;
use super::day::{LEAD, SECOND, THIRD, record};
use super::device::{Device, Meeting, meet, wrong};
use crate::fail::Fail;

const TITLE: &str = "Market bridge, day";
const NIGHT: &str = "Market bridge, night";

fn hours_from_now(hours: i64) -> Result<Moment, Fail> {
    let time = Local::now().fixed_offset() + TimeDelta::hours(hours);
    Moment::from_chrono(time).ok_or_else(|| wrong("the clock shows no time of ours"))
}

fn shift(title: &str, from: i64, until: i64) -> Result<Shift, Fail> {
    Ok(Shift {
        title: Some(title.to_owned()),
        start: Some(hours_from_now(from)?),
        end: Some(hours_from_now(until)?),
        check_in_rule: Some(CheckInRule { every_min: 30, grace_min: 10 }),
        risk_level: Some(RiskLevel::Yellow),
        briefing: String::from("Two teams, one on each bank. Nobody crosses alone. Whistle: everybody back."),
        place_text: String::from("Under the tree at the east end"),
        ..Shift::default()
    })
}

/// The lead plans the shift; everybody says that they are ready.
pub(super) async fn plan(
    tell: Narrator,
    [lead, second, third]: [&Device; 3],
    meetings: &mut Vec<Meeting>,
) -> Result<DocumentId, Fail> {
    let saved = lead.node.add_shift(shift(TITLE, -1, 6)?).await?;
    let people = [(LEAD, "lead", SECOND), (SECOND, "east bank", THIRD), (THIRD, "west bank", SECOND)];
    for (name, role, buddy) in people {
        let person = lead.node.find_person(name.to_owned()).await?;
        let buddy = Some(lead.node.find_person(buddy.to_owned()).await?);
        let role = role.to_owned();
        let assignment = Assignment { key: String::new(), person, role, buddy, from: None, until: None };
        lead.node.assign(saved.id, assignment).await?;
    }
    lead.node.move_on(saved.id, ShiftStatus::Briefed).await?;
    tell.step(&format!(
        "{LEAD} plans \"{TITLE}\": three people, each with a buddy, a word every 30 minutes."
    ))?;
    for device in [second, third] {
        record(tell, meetings, meet(device, lead, "the shift").await?)?;
    }
    for device in [lead, second, third] {
        let person = device.node.find_person(device.name.to_owned()).await?;
        device.node.ready(saved.id, person, GoNoGo::Yes, String::new()).await?;
    }
    lead.node.move_on(saved.id, ShiftStatus::Active).await?;
    tell.step("Everybody says that they go, and the shift begins.")?;
    Ok(saved.id)
}

/// The lead publishes a protocol; two people work through one run of it while apart.
pub(super) async fn work_through(
    tell: Narrator,
    [lead, second, third]: [&Device; 3],
    day: DocumentId,
    meetings: &mut Vec<Meeting>,
) -> Result<(), Fail> {
    let shipped = protocol::shipped().iter().find(|it| it.template_id == "buddy-check");
    let template = shipped.ok_or_else(|| wrong("no protocol of that name"))?.load()?.into_template();
    let items: Vec<String> = template
        .content
        .items
        .iter()
        .filter(|item| item.item_type == ItemType::Check)
        .map(|item| item.item_id.clone())
        .collect();
    let [one, other, ..] = &items[..] else { return Err(wrong("a protocol with nothing to tick")) };
    let id = lead.node.publish_template(template).await?.id;
    let context = RunContext { kind: RunContextKind::Shift, document: Some(day) };
    let run = lead.node.start_run(id, Some(context)).await?.id;
    tell.step(&format!("{LEAD} publishes the protocol \"Buddy check\" and begins it for this shift."))?;
    for device in [second, third] {
        record(tell, meetings, meet(device, lead, "a protocol").await?)?;
    }
    second.node.enter(run, one, RunStep::Tick, "").await?;
    third.node.enter(run, other, RunStep::Tick, "").await?;
    record(tell, meetings, meet(second, third, "two ticks").await?)?;
    record(tell, meetings, meet(third, lead, "the same").await?)?;
    let answers = lead.node.checklist_run(run).await?.record.answers;
    if answers.len() != 2 {
        return Err(wrong(format!("{} ticks instead of 2", answers.len())));
    }
    tell.step(&format!(
        "{SECOND} and {THIRD} each tick a step, apart: both are there, with who ticked it and when."
    ))
}

async fn state(device: &Device, name: &str) -> Result<Option<CheckInState>, Fail> {
    let board = device.node.board().await?;
    let line = board.lines.iter().find(|line| line.name == name);
    Ok(line.ok_or_else(|| wrong(format!("{name} is not on {}'s board", device.name)))?.state)
}

fn says(state: CheckInState) -> CheckIn {
    CheckIn { state: Some(state), ..CheckIn::default() }
}

async fn must_be(device: &Device, name: &str, wanted: CheckInState) -> Result<(), Fail> {
    let found = state(device, name).await?;
    if found == Some(wanted) {
        return Ok(());
    }
    Err(wrong(format!("{}'s board shows {name} as {found:?}", device.name)))
}

/// Somebody is reported missing while they, apart, say that they are well.
pub(super) async fn missing(
    tell: Narrator,
    [lead, second, third]: [&Device; 3],
    meetings: &mut Vec<Meeting>,
) -> Result<(), Fail> {
    let person = lead.node.find_person(THIRD.to_owned()).await?;
    let note = Some(String::from("Not at the tree, no answer on the radio"));
    lead.node.check_in(CheckIn { person: Some(person), note, ..says(CheckInState::Missing) }).await?;
    tell.step(&format!("{LEAD} cannot reach {THIRD} and reports her missing."))?;
    third.node.check_in(says(CheckInState::Ok)).await?;
    tell.step(&format!("On the other bank, with no signal, {THIRD} checks in: OK."))?;
    record(tell, meetings, meet(third, second, "her word reaches her buddy").await?)?;
    record(tell, meetings, meet(second, lead, "and the lead").await?)?;
    must_be(lead, THIRD, CheckInState::Missing).await?;
    tell.step(
        "She is still shown as missing: who said OK had not heard of the alarm, whatever the clocks say.",
    )?;
    record(tell, meetings, meet(lead, third, "she is found").await?)?;
    must_be(third, THIRD, CheckInState::Missing).await?;
    third.node.check_in(says(CheckInState::Ok)).await?;
    record(tell, meetings, meet(third, lead, "she answers").await?)?;
    must_be(lead, THIRD, CheckInState::Ok).await?;
    tell.step(&format!(
        "{THIRD} sees the alarm about her, and says on her own phone that she is well. It is over."
    ))
}

/// The day's lead gives what is open to the lead of the night, who asks about one thing first.
pub(super) async fn hand_over(
    tell: Narrator,
    [lead, third]: [&Device; 2],
    day: DocumentId,
    meetings: &mut Vec<Meeting>,
) -> Result<(), Fail> {
    let night = lead.node.add_shift(shift(NIGHT, 6, 14)?).await?.id;
    let hazards = String::from("The west railing is loose.");
    let handoff = Handoff { from_shift: Some(day), to_shift: Some(night), hazards, ..Handoff::default() };
    let id = lead.node.start_handoff(handoff).await?.id;
    let given = lead.node.give_handoff(id).await?;
    let open = lead.node.handoff(id).await?.items.len();
    if !given.counts || open == 0 {
        return Err(wrong("the hand-off was not given"));
    }
    tell.step(&format!("{LEAD} gives {open} open incidents to the night shift, which {THIRD} leads."))?;
    record(tell, meetings, meet(third, lead, "the hand-off").await?)?;
    let items: Vec<String> = third.node.handoff(id).await?.items.into_iter().map(|item| item.key).collect();
    let (first, rest) = items.split_at(1);
    let why = String::from("Is the clinic informed?");
    third.node.answer_handoff(id, rest.to_vec(), HandoffAnswer::Accepted, String::new()).await?;
    third.node.answer_handoff(id, first.to_vec(), HandoffAnswer::Questioned, why).await?;
    third.node.take_handoff(id, String::new()).await?;
    record(tell, meetings, meet(third, lead, "one question").await?)?;
    if lead.node.handoff(id).await?.standing.complete() {
        return Err(wrong("a hand-off with a question counts as complete"));
    }
    tell.step(&format!("{THIRD} takes it over but for one question, so it stays open on both phones."))?;
    third.node.answer_handoff(id, first.to_vec(), HandoffAnswer::Accepted, String::new()).await?;
    record(tell, meetings, meet(third, lead, "the answer").await?)?;
    if !lead.node.handoff(id).await?.standing.complete() {
        return Err(wrong("the hand-off is not complete"));
    }
    tell.step("The question is answered: the hand-off is complete.")?;
    for status in [ShiftStatus::StandingDown, ShiftStatus::Debriefed] {
        lead.node.move_on(day, status).await?;
    }
    Ok(())
}

/// What was learnt is for everybody; how somebody is, is for them and the one they name.
pub(super) async fn learn(
    tell: Narrator,
    [lead, second, third]: [&Device; 3],
    day: DocumentId,
    meetings: &mut Vec<Meeting>,
) -> Result<(), Fail> {
    let text = |text: &str| Lesson { key: String::new(), text: text.to_owned() };
    let change = Change {
        key: String::new(),
        text: String::from("A second radio on the west bank"),
        owner: None,
        due: None,
    };
    let debrief = Debrief {
        shift: Some(day),
        what_went_well: vec![text("Both sides spoke with us")],
        to_change: vec![change],
        ..Debrief::default()
    };
    lead.node.add_debrief(debrief).await?;
    tell.step(&format!("{LEAD} writes down what went well, and what should change."))?;
    let contact = second.node.find_person(THIRD.to_owned()).await?;
    second.node.name_care_contact(Some(contact)).await?;
    let note = Some(String::from("My hands shook for an hour. I would like to talk."));
    second.node.add_care(Care { wellbeing: Some(3), note, ..Care::default() }).await?;
    record(tell, meetings, meet(second, third, "a private word").await?)?;
    record(tell, meetings, meet(second, lead, "what was learnt").await?)?;
    record(tell, meetings, meet(third, lead, "the same").await?)?;
    if third.node.care_checks().await?.len() != 1 || !lead.node.care_checks().await?.is_empty() {
        return Err(wrong("a care check is not with the one it was for, or with somebody else"));
    }
    tell.step(&format!(
        "{SECOND} notes how he is, for {THIRD} alone: she can read it, and {LEAD}'s phone never held it."
    ))
}
