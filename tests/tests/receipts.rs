//! Devices that meet sign what they saw of each other's chains, and an evidence folder shows it to strangers.
#![allow(clippy::unwrap_used)]

use firsthand_ids::DocumentId;
use firsthand_node::Role;
use firsthand_node::evidence::{Proof, Verdict, judge};
use firsthand_record::Incident;
use firsthand_tests::{Crash, World};
use serde_json::{Value, json};

const LEAD: usize = 0;
const BRUNO: usize = 1;
const CAROL: usize = 2;

fn team(seed: u64) -> (World, DocumentId) {
    let mut world = World::new(seed);
    let lead = world.found("Harbour", "Amina");
    world.join(lead, "Bruno", Role::Responder);
    world.join(lead, "Carol", Role::ReadOnly);
    let draft = Incident { title: Some("At the gate".to_owned()), ..Incident::default() };
    let id = world.write(lead, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id;
    world
        .write(lead, |ledger, now, rng| {
            ledger.attach(id, &mut &b"what was seen"[..], "a.txt", "", now, rng, &mut |_| true)
        })
        .unwrap();
    (world, id)
}

fn add(world: &mut World, phone: usize, count: usize) {
    for number in 0..count {
        let draft = Incident { title: Some(format!("Later {number}")), ..Incident::default() };
        world.write(phone, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap();
    }
}

fn export(world: &mut World, phone: usize, incident: DocumentId) -> Value {
    let proof = world
        .write(phone, |ledger, now, _| {
            let files = ledger.evidence_files(&incident, &[])?;
            ledger.evidence_proof(incident, files.into_iter().map(|file| (file, None)).collect(), now)
        })
        .unwrap();
    serde_json::from_slice(&proof.to_json()).unwrap()
}

fn verdict(proof: &Value) -> Verdict {
    judge(&Proof::read(&serde_json::to_vec(proof).unwrap()).unwrap())
}

fn seen(proof: &Value) -> Vec<String> {
    verdict(proof).files[0].seen.iter().map(|by| by.name.clone()).collect()
}

#[test]
fn others_sign_that_they_have_seen_it_and_strangers_can_tell() {
    let (mut world, id) = team(1);
    assert_eq!(seen(&export(&mut world, LEAD, id)), [] as [&str; 0]);
    world.meet(BRUNO, LEAD);
    assert_eq!(seen(&export(&mut world, LEAD, id)), ["Bruno"]);
    // Much is written before the third sees it; more than one signature of the chain lies between.
    add(&mut world, LEAD, 40);
    world.pass(3_600_000);
    world.meet(CAROL, LEAD);
    let proof = export(&mut world, LEAD, id);
    assert!(verdict(&proof).holds());
    assert_eq!(seen(&proof), ["Bruno", "Carol"]);
    let at = |number: usize| verdict(&proof).files[0].seen[number].at.unwrap().millis().0;
    assert!(at(1) - at(0) >= 3_600_000, "each by its own clock, at the first time");
    // Another meeting says nothing new, and the first stays.
    world.pass(3_600_000);
    world.meet(BRUNO, LEAD);
    assert_eq!(verdict(&export(&mut world, LEAD, id)).files[0].seen, verdict(&proof).files[0].seen);
    // Who holds it from the recorder can say so itself.
    assert_eq!(seen(&export(&mut world, BRUNO, id)), ["Bruno"]);
    // It is on the disk.
    world.crash(LEAD, Crash::Dropped, false);
    world.restart(LEAD);
    assert_eq!(seen(&export(&mut world, LEAD, id)), ["Bruno", "Carol"]);
    for phone in [LEAD, BRUNO, CAROL] {
        let check = world.devices[phone].ledger().check(&mut |_, _| true).unwrap();
        assert_eq!(check.problems, Vec::<String>::new());
    }
}

#[test]
fn a_receipt_that_is_not_whole_counts_for_nothing() {
    let (mut world, id) = team(2);
    world.meet(BRUNO, LEAD);
    add(&mut world, LEAD, 3);
    world.meet(CAROL, LEAD);
    let proof = export(&mut world, LEAD, id);
    let receipts = proof["receipts"].as_array().unwrap();
    assert_eq!((receipts.len(), seen(&proof).len()), (2, 2));
    let carols = receipts.iter().position(|it| it["position"].as_u64() > receipts[0]["position"].as_u64());
    let later = carols.unwrap_or(0);
    let alter = |change: &dyn Fn(&mut Value)| {
        let mut altered = proof.clone();
        change(&mut altered);
        let verdict = verdict(&altered);
        assert!(!verdict.sealed, "the folder's own signature tells too");
        verdict.files[0].seen.len()
    };
    let recorder = verdict(&proof).files[0].recorded.as_ref().unwrap().device.to_string();
    for (name, value) in [
        ("position", json!(1)),
        ("position", json!(u64::MAX)),
        ("hash", json!("11".repeat(32))),
        ("device", json!(recorder)),
        ("local", json!([0, 0])),
        ("hybrid", json!([0, 0])),
        ("signature", json!("22".repeat(64))),
        ("writer", json!("33".repeat(16))),
    ] {
        let left = alter(&|proof| proof["receipts"][later][name] = value.clone());
        assert_eq!(left, 1, "{name}");
    }
    // What lies between the record and the receipt must be there.
    let runs =
        proof["chains"].as_array().unwrap().iter().map(|chain| chain["runs"].as_array().unwrap().len());
    assert!(runs.max().unwrap() >= 2, "several runs");
    let left = alter(&|proof| {
        for chain in proof["chains"].as_array_mut().unwrap() {
            let runs = chain["runs"].as_array_mut().unwrap();
            if runs.len() > 2 {
                let middle = runs.len() - 2;
                runs.remove(middle);
            }
        }
    });
    assert!(left < 2);
    // Without any, everything else holds.
    let left = alter(&|proof| {
        proof.as_object_mut().unwrap().remove("receipts");
    });
    assert_eq!(left, 0);
}
