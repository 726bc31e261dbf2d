//! Merges that people made while apart and that lead in a circle: the same on every phone, and nobody goes round.
#![allow(clippy::unwrap_used)]

use firsthand_ids::DocumentId;
use firsthand_node::{Edit, MergeView, NodeError, Role};
use firsthand_record::Incident;
use firsthand_tests::{Expected, World, verdict};

fn add(world: &mut World, phone: usize, title: &str) -> DocumentId {
    let draft = Incident { title: Some(title.to_owned()), ..Incident::default() };
    world.write(phone, |ledger, now, rng| ledger.add_incident(draft, now, rng)).unwrap().id
}

fn merge(world: &mut World, phone: usize, from: DocumentId, into: DocumentId) -> Result<(), NodeError> {
    let edit = Edit::Close { status: "merged_into".to_owned(), target: Some(into), note: String::new() };
    world.write(phone, |ledger, now, rng| ledger.edit(from, &[edit], now, rng)).map(drop)
}

fn merged(world: &mut World, phone: usize, id: DocumentId) -> MergeView {
    world.devices[phone].ledger().incident(id).unwrap().merged
}

#[test]
fn merges_made_apart_can_lead_in_a_circle_and_nobody_goes_round() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let leads = [world.found("Harbour", "Amina"), 1, 2];
        world.join(leads[0], "Bruno", Role::Lead);
        world.join(leads[0], "Chiara", Role::Lead);
        let all: Vec<DocumentId> = (0..4).map(|n| add(&mut world, leads[0], &format!("{n}"))).collect();
        let [first, second, third, outside] = all[..] else { panic!() };
        for phone in &leads[1..] {
            world.meet(*phone, leads[0]);
        }
        // Each for themselves is no circle; together they are one, and a fourth leads into it.
        merge(&mut world, leads[0], first, second).unwrap();
        merge(&mut world, leads[1], second, third).unwrap();
        merge(&mut world, leads[2], third, first).unwrap();
        merge(&mut world, leads[2], outside, third).unwrap();
        for phone in [1, 2, 1] {
            world.meet(leads[phone], leads[0]);
        }
        for phone in leads {
            for id in [first, second, third] {
                let view = merged(&mut world, phone, id);
                assert!(view.in_circle, "seed {seed}, phone {phone}");
                let main = view.main.map(|(main, _)| main);
                assert_eq!(main, (id != first).then_some(first), "the one entered first counts");
            }
            let view = merged(&mut world, phone, outside);
            assert!(!view.in_circle);
            assert_eq!(view.main.map(|(main, _)| main), Some(first));
            let mut into: Vec<_> =
                merged(&mut world, phone, third).duplicates.into_iter().map(|it| it.0).collect();
            into.sort_unstable();
            let mut expected = vec![second, outside];
            expected.sort_unstable();
            assert_eq!(into, expected);
        }
        // Here and now nobody makes one.
        let again = add(&mut world, leads[0], "again");
        merge(&mut world, leads[0], again, outside).unwrap();
        for from in [again, outside] {
            assert!(matches!(merge(&mut world, leads[0], from, again), Err(NodeError::MergeCircle)));
        }
        // A lead opens the one that counts again, and the circle is gone everywhere.
        let reopen = Edit::Reopen { note: String::new() };
        world.write(leads[1], |ledger, now, rng| ledger.edit(first, &[reopen], now, rng)).unwrap();
        for phone in [1, 2] {
            world.meet(leads[phone], leads[0]);
        }
        for phone in leads {
            let view = merged(&mut world, phone, second);
            assert!(!view.in_circle);
            assert_eq!(view.main.map(|(main, _)| main), Some(first));
        }
        verdict::same_everywhere(&mut world, &Expected::default());
    }
}
