//! What is wrong is refused, says why, and leaves everything as it was.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use firsthand_channel::ExchangeSecret;
use firsthand_exchange::read;
use firsthand_node::{
    Edit, EndReason, Event, Identity, ImportRow, IncidentQuery, Ledger, Meetings, NodeError, Opening, Role,
};
use firsthand_record::{Incident, Moment, Occurred, Place, PlaceSource, Precision};
use firsthand_store::{Home, SlotOptions, StoreError, Unlock};
use firsthand_tests::{Dice, Running, State, TestVault, World, copy_folder, folder, verdict};
use serde_json::json;

const VAULT: TestVault = TestVault([1; 16]);

fn opening(home: Home, passphrase: &str) -> Opening<'_> {
    let unlock = Unlock::Passphrase(passphrase);
    Opening { home, unlock, vault: &VAULT, slot: SlotOptions::FLOOR }
}

fn store_error(result: Result<Ledger, NodeError>) -> StoreError {
    match result {
        Err(NodeError::Store(error)) => error,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it opened"),
    }
}

fn titled(title: &str) -> Incident {
    Incident { title: Some(title.to_owned()), ..Incident::default() }
}

/// A world with one device that holds some incidents.
fn one_device() -> (World, usize) {
    let mut world = World::new(1);
    let lead = world.found("Harbour", "Amina");
    for number in 0..30 {
        let incident = titled(&format!("Incident {number}"));
        world.write(lead, |ledger, now, rng| ledger.add_incident(incident, now, rng)).unwrap();
    }
    (world, lead)
}

#[test]
fn a_wrong_passphrase_opens_nothing_and_ten_are_enough() {
    let dir = folder();
    let home = dir.path().join("home");
    let mut dice = Dice::new(1, 30);
    let create = opening(Home::create(&home).unwrap(), "the river is high");
    drop(Ledger::create_team(create, "Harbour", "Amina", dice.rng()).unwrap());
    let open = |passphrase: &str| Ledger::open(opening(Home::open(&home).unwrap(), passphrase));

    for left in [9, 8] {
        let error = store_error(open("the river is low"));
        assert!(matches!(error, StoreError::WrongPassphrase { tries_left } if tries_left == left), "{error}");
    }
    // The right one gives all tries back.
    drop(open("the river is high").unwrap());
    for left in (0..10).rev() {
        let error = store_error(open("the river is low"));
        assert!(matches!(error, StoreError::WrongPassphrase { tries_left } if tries_left == left), "{error}");
    }
    let before = fs::read(home.join("store.db")).unwrap();
    for passphrase in ["the river is low", "the river is high", ""] {
        assert!(matches!(store_error(open(passphrase)), StoreError::NoTriesLeft));
    }
    assert!(fs::read(home.join("store.db")).unwrap() == before, "nothing is deleted");
}

#[test]
fn a_damaged_home_says_so_and_is_never_taken_for_a_new_one() {
    let (mut world, lead) = one_device();
    let digest = world.devices[lead].ledger().digest().unwrap();
    let State::Up(running) = std::mem::replace(&mut world.devices[lead].state, State::Down) else { panic!() };
    running.ledger.lock().unwrap();
    let sound = world.devices[lead].home.clone();
    let len = fs::metadata(sound.join("store.db")).unwrap().len();
    let mut dice = Dice::new(1, 31);

    let mut cuts: Vec<u64> = vec![0, 1, 100, 4095, 4096, 16384, len - 4096, len - 1];
    cuts.extend((0..12).map(|_| dice.below(len as usize) as u64));
    for (number, cut) in cuts.into_iter().enumerate() {
        let home = copy(&world, &sound, number);
        let database = fs::OpenOptions::new().write(true).open(home.join("store.db")).unwrap();
        database.set_len(cut).unwrap();
        drop(database);
        refused_or_found(&mut world, lead, &home, &format!("cut to {cut} of {len}"));
        let after = fs::metadata(home.join("store.db")).unwrap().len();
        assert!(after >= cut, "cut to {cut}: nothing is deleted");
    }

    for (missing, what) in [("store.db", "database"), ("slots", "slots")] {
        let home = copy(&world, &sound, 100);
        fs::remove_file(home.join(missing)).unwrap();
        world.devices[lead].home.clone_from(&home);
        let error = store_error(world.devices[lead].try_open());
        assert!(matches!(error, StoreError::Damaged { .. }) && error.to_string().contains(what), "{error}");
        assert!(!home.join(missing).exists());
        // Nor does anybody make a new home over what is left.
        let opening = |home| Opening {
            home,
            unlock: Unlock::RawKey(&[1; 32]),
            vault: &VAULT,
            slot: SlotOptions::FLOOR,
        };
        let made = Home::create(&home).map_err(NodeError::from);
        let made = made.and_then(|home| Ledger::create_team(opening(home), "Other", "Eve", dice.rng()));
        assert!(matches!(store_error(made), StoreError::HomeExists));
        fs::remove_dir_all(&home).unwrap();
    }

    let home = copy(&world, &sound, 101);
    let mut slots = fs::read(home.join("slots")).unwrap();
    slots[8] += 1;
    fs::write(home.join("slots"), &slots).unwrap();
    world.devices[lead].home.clone_from(&home);
    let error = store_error(world.devices[lead].try_open());
    assert!(matches!(error, StoreError::Newer { .. }), "{error}");
    assert_eq!(fs::read(home.join("slots")).unwrap(), slots);

    world.devices[lead].home = sound;
    assert_eq!(world.devices[lead].try_open().unwrap().digest().unwrap(), digest);
}

fn copy(world: &World, sound: &Path, number: usize) -> PathBuf {
    let home = world.devices[0].beside(&format!("copy-{number}"));
    copy_folder(sound, &home);
    home
}

/// A damaged home is refused when it is opened, or opens and the check finds the damage.
fn refused_or_found(world: &mut World, lead: usize, home: &Path, what: &str) {
    world.devices[lead].home = home.to_owned();
    match world.devices[lead].try_open() {
        Err(NodeError::Store(StoreError::Damaged { .. })) => {}
        Err(error) => panic!("{what}: {error}"),
        Ok(mut ledger) => match ledger.check(&mut |_, _| true) {
            Ok(check) => assert!(!check.problems.is_empty(), "{what}: nothing found"),
            Err(NodeError::Store(StoreError::Damaged { .. })) => {}
            Err(error) => panic!("{what}: {error}"),
        },
    }
}

#[test]
fn a_peer_of_another_team_learns_nothing() {
    let (mut world, lead) = one_device();
    let stranger = world.found("Hillside", "Eve");
    let before = world.devices[lead].ledger().digest().unwrap();
    for (from, to) in [(stranger, lead), (lead, stranger)] {
        world.capturing = true;
        world.captured.clear();
        let link = world.dial(from, to, true).unwrap();
        world.cables.get_mut(&link).unwrap().taint.stranger = true;
        world.settle(1000);
        assert_eq!(world.devices[to].ends.get(&link), Some(&EndReason::Channel));
        // The one who was dialled says nothing at all; the other shows neither of its keys.
        let keys = [from, to].map(|number| {
            let identity = world.devices[number].ledger().identity();
            (identity.exchange.public().unwrap(), world.devices[number].ledger().team().unwrap().device)
        });
        for (exchange, device) in keys {
            assert!(
                !holds(&world.captured, exchange.as_bytes()) && !holds(&world.captured, device.as_bytes())
            );
        }
        assert!(world.captured.len() < 100, "one message of a handshake: {} bytes", world.captured.len());
        assert_eq!(world.sent[&link][1], 0);
    }
    assert_eq!(world.devices[lead].ledger().digest().unwrap(), before);
    let met = world.heard.iter().any(|(_, event)| matches!(event, Event::Met { .. }));
    assert!(!met);
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Somebody who was shown the team's secret but is no member.
#[test]
fn an_unknown_device_with_the_right_secret_gets_no_entry() {
    for claims_heads in [true, false] {
        for dials in [true, false] {
            let (mut world, lead) = one_device();
            let stranger = world.found("Hillside", "Eve");
            let team = world.devices[lead].ledger().identity();
            let mut secret = Dice::new(7, 32);
            let heads = if claims_heads { team.heads.clone() } else { Vec::new() };
            let identity = Identity {
                team: team.team,
                discovery_secret: team.discovery_secret,
                exchange: ExchangeSecret::generate(secret.rng()),
                heads,
            };
            let State::Up(running) = std::mem::replace(&mut world.devices[stranger].state, State::Down)
            else {
                panic!()
            };
            let ledger = running.ledger;
            world.devices[stranger].state =
                State::Up(Box::new(Running { meetings: Meetings::new(identity), ..*Running::new(ledger) }));
            let before = world.devices[lead].ledger().digest().unwrap();

            let (from, to) = if dials { (stranger, lead) } else { (lead, stranger) };
            let link = world.dial(from, to, false).unwrap();
            world.cables.get_mut(&link).unwrap().taint.stranger = true;
            world.capturing = true;
            world.settle(10_000);
            while world.cables.contains_key(&link) && world.wait() {
                world.settle(10_000);
            }
            assert_ne!(world.devices[lead].ends[&link], EndReason::Done);
            assert_eq!(world.devices[lead].ledger().digest().unwrap(), before);
            let entries = world.heard.iter().find_map(|(device, event)| match event {
                Event::Ended { summary, .. } if *device == lead => {
                    Some((summary.entries_sent, summary.entries_received))
                }
                _ => None,
            });
            assert_eq!(entries, Some((0, 0)));
            let met = world.heard.iter().any(|(_, event)| matches!(event, Event::Met { .. }));
            assert!(!met);
        }
    }
}

#[test]
fn what_a_responder_types_is_judged_before_it_is_saved() {
    let (mut world, lead) = one_device();
    let before = world.devices[lead].ledger().digest().unwrap();
    let at = |hour: i64| Occurred {
        time: Moment::new(firsthand_ids::UnixMillis(1_795_000_000_000 + hour * 3_600_000), 0).unwrap(),
        precision: Precision::Exact,
    };
    let place = |lat, lon| Some(Place::new(lat, lon, PlaceSource::MapPin));
    let drafts = [
        Incident { place: place(90.1, 0.0), ..titled("latitude") },
        Incident { place: place(0.0, -180.1), ..titled("longitude") },
        Incident { place: place(f64::NAN, 1.0), ..titled("no number") },
        Incident { place: place(1.0, f64::INFINITY), ..titled("no number") },
        Incident { place: place(120.0, 30.0), ..titled("swapped") },
        Incident { occurred_start: Some(at(2)), occurred_end: Some(at(1)), ..titled("backwards") },
        titled(&"long ".repeat(100)),
        titled("a bell \u{7} rings"),
    ];
    for draft in drafts {
        let title = draft.title.clone();
        let result = world.write(lead, |ledger, now, rng| ledger.add_incident(draft, now, rng));
        let Err(NodeError::Rejected(findings)) = result else { panic!("{title:?} was saved") };
        assert!(findings.iter().all(|finding| !finding.to_string().is_empty()));
    }
    let rows = world.devices[lead].ledger().incidents(&IncidentQuery::default()).unwrap();
    let id = rows[0].id;
    let set = |field: &str, value| Edit::Set { field: field.to_owned(), value };
    for edits in [
        vec![set("place", json!({ "lat": 91.0, "lon": 0.0, "source": "map_pin" }))],
        vec![set("title", json!("two\nlines"))],
        vec![
            set("occurred_start", serde_json::to_value(at(2)).unwrap()),
            set("occurred_end", serde_json::to_value(at(1)).unwrap()),
        ],
        vec![set("short_code", json!("A1-001"))],
        vec![set("narrative", json!("all new"))],
        vec![set("no_such_field", json!(1))],
        vec![Edit::Splice { field: "narrative".to_owned(), at: 5, delete: 1, insert: String::new() }],
        vec![Edit::Withdraw { key: "nobody|1".to_owned(), reason: String::new() }],
        // A good edit does not go through beside a bad one.
        vec![set("urgency", json!("Immediate")), set("title", json!("bell \u{7}"))],
    ] {
        let shown = format!("{edits:?}");
        let result = world.write(lead, |ledger, now, rng| ledger.edit(id, &edits, now, rng));
        assert!(
            matches!(result, Err(NodeError::Rejected(_) | NodeError::Document(_))),
            "{shown}: {result:?}"
        );
    }
    assert_eq!(world.devices[lead].ledger().digest().unwrap(), before);
    // And the device goes on working.
    let result =
        world.write(lead, |ledger, now, rng| ledger.edit(id, &[set("urgency", json!("Past"))], now, rng));
    result.unwrap();
    assert_ne!(world.devices[lead].ledger().digest().unwrap(), before);
    verdict::sound(world.devices[lead].ledger(), lead);
}

/// Reads a file and saves what can be saved; gives how many rows were read, saved and refused.
fn import(world: &mut World, lead: usize, name: &str, bytes: &[u8]) -> Result<[usize; 3], String> {
    let import = read(bytes, name, None, None).map_err(|error| error.to_string())?;
    let rows = import.incidents.into_iter();
    let rows: Vec<_> = rows.map(|it| ImportRow { row: it.row, incident: it.incident }).collect();
    let count = rows.len();
    let report =
        world.write(lead, |ledger, now, rng| ledger.import(rows, false, now, rng, &mut |_, _| true)).unwrap();
    let refused: BTreeSet<_> = import.problems.iter().map(|problem| problem.row).collect();
    Ok([count, report.added.len(), report.rejected.len() + refused.len()])
}

/// Everything in the lists is where the earth is.
fn all_places_are_places(ledger: &mut Ledger) -> usize {
    let rows = ledger.incidents(&IncidentQuery { hidden: true, ..IncidentQuery::default() }).unwrap();
    for row in &rows {
        let view = ledger.incident(row.id).unwrap();
        if let Some(place) = view.record.place {
            assert!((-90.0..=90.0).contains(&place.lat.0) && (-180.0..=180.0).contains(&place.lon.0));
        }
    }
    rows.len()
}

#[test]
fn files_bring_in_what_is_right_and_nothing_else() {
    let mut world = World::new(1);
    let lead = world.found("Harbour", "Amina");
    let mut saved = 0;
    let header = "title,lat,lon,occurred_start,occurred_end\n";
    for (name, text, wanted) in [
        ("empty.csv", String::new(), None),
        ("blank.csv", "  \n\n".to_owned(), None),
        ("header.csv", header.to_owned(), Some([0, 0, 0])),
        ("range.csv", format!("{header}a,90.5,1,,\nb,1,180.5,,\nc,89,179,,\n"), Some([1, 1, 2])),
        ("nan.csv", format!("{header}a,NaN,1,,\nb,1,nan,,\nc,inf,0,,\nd,1,-Infinity,,\n"), Some([0, 0, 4])),
        ("text.csv", format!("{header}a,north,east,,\nb,12 N,3,,\n"), Some([0, 0, 2])),
        ("swapped.csv", format!("{header}a,120.5,30.1,,\n"), Some([0, 0, 1])),
        ("half.csv", format!("{header}a,12.5,,,\n"), Some([0, 0, 1])),
        (
            "backwards.csv",
            format!("{header}a,1,2,2026-03-14T10:00:00Z,2026-03-14T09:00:00Z\n"),
            Some([0, 0, 1]),
        ),
        ("missing.csv", format!("{header}a,,,,\n"), Some([1, 1, 0])),
        ("nan.geojson", r#"{"type":"Point","coordinates":[NaN,1]}"#.to_owned(), None),
        ("huge.geojson", r#"{"type":"Point","coordinates":[1e999,1]}"#.to_owned(), None),
        ("far.geojson", r#"{"type":"Point","coordinates":[200,1]}"#.to_owned(), Some([0, 0, 1])),
        ("cut.geojson", r#"{"type":"FeatureCollection","features":[{"type":"#.to_owned(), None),
        ("binary.csv", "title,lat\n\0\u{1},2".to_owned(), None),
    ] {
        let result = import(&mut world, lead, name, text.as_bytes());
        match wanted {
            None => assert!(result.is_err() || result == Ok([0, 0, 1]), "{name}: {result:?}"),
            Some(wanted) => assert_eq!(result, Ok(wanted), "{name}"),
        }
        saved += result.map_or(0, |[_, added, _]| added);
        assert_eq!(all_places_are_places(world.devices[lead].ledger()), saved, "{name}");
    }
    let Some(samples) = samples() else { return };
    let mut seen = 0;
    for file in fs::read_dir(samples.join("geojson/bad")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let result = import(&mut world, lead, &name, &fs::read(&path).unwrap());
        // One of them holds a good feature beside the bad one.
        let good = usize::from(name == "stringcoord.geojson");
        match result {
            Ok([_, added, refused]) => assert!(added == good && refused > 0, "{name}: {result:?}"),
            Err(reason) => assert!(good == 0 && !reason.is_empty(), "{name}: {reason}"),
        }
        saved += good;
        assert_eq!(all_places_are_places(world.devices[lead].ledger()), saved, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 10);
    verdict::sound(world.devices[lead].ledger(), lead);
}

/// The folder with files that people really have.
fn samples() -> Option<PathBuf> {
    let named = std::env::var_os("FIRSTHAND_SAMPLES").filter(|value| !value.is_empty()).map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples");
    named.or_else(|| beside.is_dir().then_some(beside))
}

#[test]
fn who_may_not_invite_invites_nobody() {
    let (mut world, lead) = one_device();
    let other = world.join(lead, "Bruno", Role::Responder);
    assert!(!world.devices[other].ledger().rights().add);
    // The device is asked to all the same.
    let invitation = world.invite(other, Role::Lead);
    let third = world.add_device("Chidi");
    world.apply(third, other, invitation).unwrap();
    world.settle(10_000);
    assert!(matches!(world.devices[third].state, State::Outside));
    assert_eq!(world.devices[other].ledger().team().unwrap().members.len(), 2);
}

#[test]
fn an_invitation_serves_one_person_who_has_it() {
    let (mut world, lead) = one_device();
    let invitation = world.invite(lead, Role::Responder);
    let [wrong, first, second] = ["Wrong", "Bruno", "Chidi"].map(|name| world.add_device(name));

    let mut guessed = invitation.clone();
    guessed.secret[3] ^= 1;
    let link = world.apply(wrong, lead, guessed).unwrap();
    world.settle(10_000);
    assert!(matches!(world.devices[wrong].state, State::Outside));
    assert_eq!(world.sent[&link][1], 0, "a wrong code is not answered");
    // A code that names another inviter: the joiner does not speak with this one.
    let mut other = invitation.clone();
    other.inviter[0] ^= 1;
    world.apply(wrong, lead, other).unwrap();
    world.settle(10_000);
    assert!(matches!(world.devices[wrong].state, State::Outside));

    let again = world.invite(lead, Role::Responder);
    for (number, invitation) in [(wrong, invitation), (first, again.clone()), (second, again)] {
        world.apply(number, lead, invitation).unwrap();
        world.settle(10_000);
    }
    assert!(matches!(world.devices[wrong].state, State::Outside), "an invitation that was replaced");
    assert!(world.devices[first].is_up());
    assert!(matches!(world.devices[second].state, State::Outside), "an invitation that was used");
    let team = world.devices[lead].ledger().team().unwrap();
    assert_eq!(
        team.members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>(),
        ["Amina", "Bruno"]
    );
}
