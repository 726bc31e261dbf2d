//! Benchmark 9: from a closed, encrypted home to the first board.

use std::path::Path;

use firsthand_ids::{LocalTime, PersonId, UnixMillis};
use firsthand_node::BoardView;
use firsthand_record::Moment;
use firsthand_record::roster::{Assignment, CheckIn, CheckInRule, CheckInState, Person, Shift, ShiftStatus};

use crate::Outcome;
use crate::arguments::Arguments;
use crate::data::{LATER, workplace};
use crate::device::{Device, Installation, at, copy_home};
use crate::report::{Quantity, Report};
use crate::timing::{median, timed};

const PEOPLE: usize = 200;
const SHIFTS: usize = 50;
/// What was said of each person before.
const CHECK_INS: usize = 5;
/// The board is looked at all the time, and nobody should notice that it is worked out.
const TARGET_S: f64 = 0.020;

const MINUTE: i64 = 60_000;
const HERE: Installation = Installation(9);

pub(crate) fn run(arguments: &Arguments, folder: &Path, report: &mut Report) -> Outcome<()> {
    report.heading(format!("{PEOPLE} people on {SHIFTS} shifts, {CHECK_INS} check-ins each, encrypted"));
    let work = workplace(folder)?;
    let built = work.path().join("built");
    build(&built)?;
    let (mut opened, mut first, mut again) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..arguments.runs.max(9) {
        let home = work.path().join(format!("home-{run}"));
        copy_home(&built, &home)?;
        let now = moment(110);
        let (mut device, opening) = timed(|| Device::open(&home, HERE))?;
        let (board, reading) = timed(|| Ok(device.ledger.board(now)?))?;
        let (same, once_more) = timed(|| Ok(device.ledger.board(now)?))?;
        whole(&board)?;
        whole(&same)?;
        opened.push(opening + reading);
        first.push(reading);
        again.push(once_more);
    }
    report.limit("open and the first board", Quantity::time(median(opened)), TARGET_S);
    report.figure("   of it the board", Quantity::time(median(first)));
    report.figure("the board once more", Quantity::time(median(again)));
    report.note("Files are in the system's cache. No document is loaded: all of it is read from rows.");
    Ok(())
}

/// That nobody is missing on a board, and some are overdue.
fn whole(board: &BoardView) -> Outcome<()> {
    let overdue =
        board.lines.iter().filter(|line| matches!(line.due, firsthand_node::Due::Overdue(_))).count();
    if (board.lines.len(), board.shifts.len()) != (PEOPLE, SHIFTS) || overdue == 0 {
        let (lines, shifts) = (board.lines.len(), board.shifts.len());
        return Err(format!("see the whole board: {lines} people, {shifts} shifts, {overdue} overdue").into());
    }
    Ok(())
}

/// So many minutes after the shifts began.
const fn moment(minutes: i64) -> LocalTime {
    at(UnixMillis(LATER.0 + minutes * MINUTE))
}

fn build(dir: &Path) -> Outcome<()> {
    let mut device = Device::found(dir, HERE)?;
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let display_name = Some(format!("Person {number}"));
        let person = Person { display_name, callsign: Some(format!("C{number}")), ..Person::default() };
        let saved = device.ledger.add_person(person, moment(-60), &mut device.rng)?;
        people.push(PersonId::new(*saved.id.as_bytes()));
    }
    let each = PEOPLE / SHIFTS;
    for (number, on) in people.chunks(each).enumerate() {
        let assigned = |place: usize| Assignment {
            key: String::new(),
            person: on[place],
            role: "Observer".to_owned(),
            buddy: on.get(place ^ 1).copied(),
            from: None,
            until: None,
        };
        let shift = Shift {
            title: Some(format!("Shift {number}")),
            start: Moment::from_local(moment(0)),
            end: Moment::from_local(moment(480)),
            check_in_rule: Some(CheckInRule { every_min: 60, grace_min: 15 }),
            assignments: (0..on.len()).map(assigned).collect(),
            ..Shift::default()
        };
        let id = device.ledger.add_shift(&shift, moment(-30), &mut device.rng)?.id;
        device.ledger.move_on(id, ShiftStatus::Active, moment(0), &mut device.rng)?;
    }
    for round in 0..CHECK_INS {
        for (number, person) in people.iter().enumerate() {
            // One in twenty needs support, and every third is not heard of again.
            let state = if number % 20 == 0 { CheckInState::NeedSupport } else { CheckInState::Ok };
            if round + 1 < CHECK_INS || number % 3 > 0 {
                let check_in = CheckIn { person: Some(*person), state: Some(state), ..CheckIn::default() };
                device.ledger.check_in(check_in, moment(round as i64 * 10), &mut device.rng)?;
            }
        }
    }
    device.close()
}
