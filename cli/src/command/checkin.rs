//! Check-ins.

use firsthand_record::roster::{CheckIn, CheckInState};
use serde::Serialize;

use super::incident::Mark;
use crate::args::CheckInArgs;
use crate::fail::Fail;
use crate::home::Session;
use crate::read;
use crate::show::text;

/// What was saved, in machine output. Covert distress reads `ok`: whoever looks over the shoulder reads this too.
#[derive(Serialize)]
struct Said {
    id: String,
    person: String,
    state: &'static str,
    findings: Vec<Mark>,
}

/// Saves a check-in.
pub(super) async fn check_in(session: &Session, args: &CheckInArgs) -> Result<(), Fail> {
    let state: CheckInState = read::code(&args.state).map_err(|reason| Fail::input("state", reason))?;
    let state = if args.covert { CheckInState::CovertDistress } else { state };
    if state == CheckInState::CovertDistress && args.person.is_some() {
        return Err(Fail::input(
            "state",
            "is only for yourself; for somebody else say missing or need-support",
        ));
    }
    let about = read::place::About::default();
    let place = args.place.as_deref().map(|typed| read::place::place(typed, &about));
    let place = place.transpose().map_err(|detail| Fail::input(&detail.field, detail.reason))?;
    session
        .with_node(async |node| {
            let typed = args.person.clone().unwrap_or_else(|| "me".to_owned());
            let person = node.find_person(typed).await?;
            let note = args.note.clone();
            let check_in =
                CheckIn { person: Some(person), state: Some(state), note, place, ..CheckIn::default() };
            let saved = node.check_in(check_in).await?;
            let people = node.people().await?;
            let found = people.iter().find(|it| it.person == person);
            let me = found.is_some_and(|it| it.me);
            let name = found.map_or_else(|| person.short(), |it| text::line(&it.name));
            let shown = Said {
                id: saved.id.to_string(),
                person: person.to_string(),
                state: state.overt().code(),
                findings: saved.findings.iter().map(Mark::from).collect(),
            };
            let line = if me {
                format!("Checked in: {}", state.overt().label())
            } else {
                format!("Noted for {name}: {}", state.overt().label())
            };
            session.out.data(&shown, |_| line)
        })
        .await
}
