//! One file from several devices at once: nothing twice, nothing corrupt, and whoever lies, stands still or goes costs only
//! themselves.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU64, Ordering};

use firsthand_ids::DocumentId;
use firsthand_node::{EndReason, FilePolicy, Forms, LinkId, Role};
use firsthand_record::Incident;
use firsthand_store::CHUNK_BYTES;
use firsthand_tests::{Crash, Dice, Tamper, World, seeds};

const TEAMS: u64 = 16;
/// Those who have everything, and who has the words only.
const PEERS: [usize; 3] = [0, 1, 2];
const LATE: usize = 3;
/// What a link costs besides the parts of files: the handshake, vectors, and asking.
const LINK_BYTES: usize = 16 * 1024;

/// What is done to one of the peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    /// Every part it sends is another than the one asked for.
    Lies,
    /// It was asked, and sends nothing more.
    StandsStill,
    Cut,
    Crashes,
}

#[derive(Default)]
struct Tally {
    files: AtomicU64,
    payload: AtomicU64,
    sent: AtomicU64,
    /// Bytes of teams in which nothing went wrong.
    calm_payload: AtomicU64,
    calm_sent: AtomicU64,
    liars: AtomicU64,
    still: AtomicU64,
    gone: AtomicU64,
}

struct Team {
    world: World,
    incident: DocumentId,
    files: Vec<(String, Vec<u8>)>,
}

impl Team {
    fn new(seed: u64, dice: &mut Dice) -> Self {
        let mut world = World::new(seed);
        world.hostile = true;
        let lead = world.found("Harbour", "Amina");
        for name in ["Bruno", "Chioma", "Dalia"] {
            world.join(lead, name, Role::Responder);
        }
        let draft = Incident { title: Some("At the gate".to_owned()), ..Incident::default() };
        let incident = world.write(lead, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id;
        let mut files = Vec::new();
        for number in 0..12 {
            let len = match number {
                0 => 9 * CHUNK_BYTES + 17,
                1 => dice.below(6) * CHUNK_BYTES + 5_000,
                _ => 1 + dice.below(60_000),
            };
            let (name, content) = (format!("{number}.bin"), dice.fill(len));
            let mut rest = content.as_slice();
            let attached = world.write(lead, |ledger, now, rng| {
                ledger.attach(incident, &mut rest, &name, "", now, rng, &mut |_| true)
            });
            attached.unwrap();
            files.push((name, content));
        }
        for other in [1, 2] {
            world.meet(other, lead);
        }
        // The words alone, and then the two are complete: what nobody asked for is not missed.
        let none = FilePolicy { nearby: Forms::Nothing, ..FilePolicy::default() };
        world.write(LATE, |ledger, _, _| ledger.set_file_policy(none)).unwrap();
        world.meet(LATE, lead);
        let ledger = world.devices[LATE].ledger();
        assert!(ledger.incident(incident).unwrap().attachments.iter().all(|file| !file.here));
        ledger.set_file_policy(FilePolicy::default()).unwrap();
        Self { world, incident, files }
    }

    fn is_complete(&mut self) -> bool {
        let view = self.world.devices[LATE].ledger().incident(self.incident).unwrap();
        view.attachments.iter().all(|file| file.here)
    }

    fn come(&self, link: LinkId) -> usize {
        let gone = self.world.sent.get(&link);
        gone.copied()
            .or_else(|| self.world.cables.get(&link).map(|cable| cable.sent))
            .map_or(0, |sent| sent[1])
    }
}

fn run(seed: u64, tally: &Tally) {
    let mut dice = Dice::new(seed, 67);
    let mut team = Team::new(seed, &mut dice);
    let trouble =
        dice.pick(&[Trouble::None, Trouble::Lies, Trouble::StandsStill, Trouble::Cut, Trouble::Crashes]);
    let troubled = dice.pick(&PEERS);
    if trouble == Trouble::Lies {
        team.world.devices[troubled].tamper = Some(Tamper::Parts(1));
    }
    let links = PEERS.map(|peer| team.world.dial(LATE, peer, false).unwrap());
    let payload: usize = team.files.iter().map(|(_, content)| content.len()).sum();
    let at = dice.below(payload / 4);
    let mut done = matches!(trouble, Trouble::None | Trouble::Lies);
    while !team.is_complete() {
        assert!(team.world.step() || team.world.wait(), "{trouble:?}: the files do not come");
        if !done && team.come(links[troubled]) > at {
            done = true;
            match trouble {
                Trouble::Cut => team.world.cut(links[troubled]),
                Trouble::Crashes => team.world.crash(troubled, Crash::Dropped, true),
                _ => {
                    let cable = team.world.cables.get_mut(&links[troubled]).unwrap();
                    (cable.stalled, cable.taint.stalled) = (true, true);
                }
            }
        }
    }
    for (name, content) in &team.files {
        let mut out = Vec::new();
        team.world.devices[LATE].ledger().read_attachment(&team.incident, name, &mut out).unwrap();
        assert!(out == *content, "{name} is another");
    }
    let come: Vec<usize> = links.iter().map(|link| team.come(*link)).collect();
    let sent: usize = come.iter().sum();
    if trouble == Trouble::None {
        assert!(come.iter().all(|come| *come > LINK_BYTES), "{come:?}: one of them brought nothing");
        let most = payload + payload / 50 + PEERS.len() * LINK_BYTES;
        assert!(sent <= most, "{sent} bytes for {payload}");
        Tally::add(&tally.calm_payload, payload);
        Tally::add(&tally.calm_sent, sent);
    } else {
        // What was on the way from the one in trouble comes again from another.
        assert!(
            sent <= payload + payload / 50 + 2 * 1024 * 1024 + PEERS.len() * LINK_BYTES,
            "{sent} for {payload}"
        );
    }
    for (peer, link) in PEERS.iter().zip(links) {
        let ended = team.world.devices[LATE].ends.get(&link).copied();
        match trouble {
            Trouble::Lies if *peer == troubled => assert_eq!(ended, Some(EndReason::Misbehaved)),
            _ if *peer == troubled => {}
            _ => assert_eq!(ended, None, "{trouble:?} of {troubled} ended the link with {peer}"),
        }
    }
    Tally::add(&tally.files, team.files.len());
    Tally::add(&tally.payload, payload);
    Tally::add(&tally.sent, sent);
    Tally::add(&tally.liars, usize::from(trouble == Trouble::Lies));
    Tally::add(&tally.still, usize::from(trouble == Trouble::StandsStill));
    Tally::add(&tally.gone, usize::from(matches!(trouble, Trouble::Cut | Trouble::Crashes)));
}

impl Tally {
    fn add(count: &AtomicU64, more: usize) {
        count.fetch_add(more as u64, Ordering::Relaxed);
    }
}

#[test]
fn several_devices_bring_one_file_together() {
    let tally = Tally::default();
    seeds::each("teams of which three devices bring files to a fourth at once", TEAMS, |seed| {
        run(seed, &tally);
    });
    let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let percent = |sent: u64, payload: u64| sent * 1000 / payload.max(1);
    let (calm, all) = (
        percent(get(&tally.calm_sent), get(&tally.calm_payload)),
        percent(get(&tally.sent), get(&tally.payload)),
    );
    seeds::figure(&format!(
        "files from three devices at once: {} arrived, 0 corrupt; {}.{} % of their bytes went over the links where nothing went wrong, \
         {}.{} % over all, with {} liars, {} that stood still, {} that went",
        get(&tally.files),
        calm / 10,
        calm % 10,
        all / 10,
        all % 10,
        get(&tally.liars),
        get(&tally.still),
        get(&tally.gone),
    ));
}

/// Two are met at once, each for one exchange, and one of them alone has a file: it comes, whichever of them was asked first.
#[test]
fn who_is_asked_in_vain_keeps_nobody_else_from_being_asked() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let lead = world.found("Harbour", "Amina");
        for name in ["Bruno", "Chioma"] {
            world.join(lead, name, Role::Responder);
        }
        let (bruno, chioma) = (1, 2);
        let draft = Incident { title: Some("At the gate".to_owned()), ..Incident::default() };
        let incident = world.write(lead, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id;
        world
            .write(lead, |ledger, now, rng| {
                ledger.attach(incident, &mut &[7; 900][..], "gate.bin", "", now, rng, &mut |_| true)
            })
            .unwrap();
        // Bruno has the words and not the file.
        let none = FilePolicy { nearby: Forms::Nothing, ..FilePolicy::default() };
        world.write(bruno, |ledger, _, _| ledger.set_file_policy(none)).unwrap();
        world.meet(bruno, lead);
        for peer in [lead, bruno] {
            world.dial(peer, chioma, true);
        }
        world.settle(100_000);
        let view = world.devices[chioma].ledger().incident(incident).unwrap();
        assert!(view.attachments[0].here, "seed {seed}");
    }
}
