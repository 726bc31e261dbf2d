//! Figures of the store on this machine: `cargo run --release -p firsthand-store --example figures [INCIDENTS]`.
//!
//! Prints what one durable save costs beside writing and syncing the same bytes to a plain file, what a group commit
//! brings, and what lists, filters and searches cost. Compare figures of one run only: machines drift.

#![allow(clippy::unwrap_used, reason = "a failed step ends the run")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use firsthand_ids::{Metres, Position, UnixMillis};
use firsthand_log::Mark;
use firsthand_record::generate;
use firsthand_store::*;

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Folder, SPACE, Writer, raw, rng};

const SAVES: usize = 500;

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(10_000);
    let mut rng = rng(11);
    let folder = Folder::new();
    let mut store = folder.create();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    // The entries of this example do not end in changes that Automerge made, so documents stand in as JSON.
    let mut generator = generate::Generator::new(&mut rng);
    let incidents: Vec<_> = (0..count).map(|_| generator.incident()).collect();
    let rows: Vec<_> = incidents.iter().map(|incident| IncidentProjection::new(incident, 0, 0)).collect();
    let saved: Vec<_> = incidents.iter().map(|incident| serde_json::to_vec(incident).unwrap()).collect();

    let mut ids = Vec::new();
    let start = Instant::now();
    for at in (0..count).step_by(250) {
        let mut entries = Vec::new();
        let mut documents = Vec::new();
        for index in at..(at + 250).min(count) {
            let (id, entry) = writer.create(&saved[index][..600.min(saved[index].len())], None);
            documents.push(writer.update(
                id,
                entry.entry.position,
                saved[index].clone(),
                rows[index].clone(),
            ));
            ids.push((id, entry.entry.position));
            entries.push(entry);
        }
        let mut commit = writer.commit(entries);
        commit.documents = documents;
        store.commit(commit).unwrap();
    }
    report("import of incidents with rows, 250 a commit", start.elapsed(), count);
    let start = Instant::now();
    while store.index_pending(500).unwrap() > 0 {}
    report("full text of them, 500 a transaction", start.elapsed(), count);

    // Five edits of each, by two people in the field that would be; here by one, 250 a commit.
    let start = Instant::now();
    for round in 0..5 {
        for at in (0..count).step_by(250) {
            let mut entries = Vec::new();
            for (id, _) in &ids[at..(at + 250).min(count)] {
                entries.push(writer.change(*id, &saved[(at + round) % count][..200]));
            }
            store.commit(writer.commit(entries)).unwrap();
        }
    }
    report("entries alone, 250 a commit", start.elapsed(), 5 * count);
    let size = |store: &Store| std::fs::metadata(store.dir().join("store.db")).unwrap().len();
    drop(store);
    let start = Instant::now();
    let mut store = folder.open();
    store.incidents(&IncidentQuery { limit: 50, ..IncidentQuery::default() }).unwrap();
    println!("open with a raw key and the newest 50: {:?}", start.elapsed());
    println!("store.db: {} bytes, {} an incident of 6 entries", size(&store), size(&store) / count as u64);

    let start = Instant::now();
    let packed: usize =
        saved.iter().map(|it| firsthand_log::compress::compress_document(it).unwrap().len()).sum();
    report("compressing documents", start.elapsed(), count);
    println!("from {} to {packed} bytes", saved.iter().map(Vec::len).sum::<usize>());
    let floor = floor(&folder, 1000);
    println!("floor: 1,000 bytes to a file and fdatasync: {floor:?}");
    let times = (0..SAVES).map(|number| {
        let (id, created) = ids[(number * 7919) % count];
        let mut row = rows[(number * 7919) % count].clone();
        row.flags = number as u32;
        let entry = writer.change(id, &saved[number % count][..200]);
        let mut commit = writer.commit(vec![entry]);
        commit.documents = vec![writer.update(id, created, saved[number % count].clone(), row)];
        timed(|| store.commit(commit).unwrap())
    });
    ratio("one edit with its document and row", median(times.collect()), floor);
    let times = (0..SAVES).map(|number| {
        let (mut commit, _) = writer.incident(rows[(number * 31) % count].clone());
        commit.documents[0].saved = saved[number % count].clone();
        timed(|| store.commit(commit).unwrap())
    });
    ratio("one new incident with all indexes", median(times.collect()), floor);
    let times = (0..SAVES).map(|number| {
        let entry = writer.change(ids[number % count].0, &saved[number % count][..200]);
        let commit = writer.commit(vec![entry]);
        timed(|| store.commit(commit).unwrap())
    });
    ratio("one entry alone", median(times.collect()), floor);
    let times = (0..SAVES).map(|number| timed(|| store.set_setting("figure", &[number as u8; 64]).unwrap()));
    ratio("one setting", median(times.collect()), floor);
    while store.index_pending(500).unwrap() > 0 {}

    let all = IncidentQuery { limit: 50, ..IncidentQuery::default() };
    let place = rows.iter().find_map(|row| row.place).unwrap();
    let happened = rows.iter().find_map(|row| row.occurred_start).unwrap();
    let day = 24 * 3600 * 1000;
    for (name, query) in [
        ("newest 50", all.clone()),
        (
            "one category",
            IncidentQuery { categories: vec![rows[3].category.clone().unwrap_or_default()], ..all.clone() },
        ),
        ("one severity", IncidentQuery { severities: vec!["Extreme".into()], ..all.clone() }),
        ("a status that few have", IncidentQuery { statuses: vec!["merged_into".into()], ..all.clone() }),
        (
            "one day",
            IncidentQuery {
                happened: Window { from: Some(happened), until: Some(UnixMillis(happened.0 + day)) },
                ..all.clone()
            },
        ),
        (
            "within 2 km",
            IncidentQuery {
                near: Some(Near { lat: place.lat, lon: place.lon, radius: Metres(2000.0) }),
                ..all.clone()
            },
        ),
        ("one word", IncidentQuery { text: "checkpoint".into(), ..all.clone() }),
        ("two words", IncidentQuery { text: "police mark".into(), ..all.clone() }),
    ] {
        let mut found = 0;
        let times = (0..50).map(|_| timed(|| found = store.incidents(&query).unwrap().len()));
        println!("list, {name}: {:?} ({found} found)", median(times.collect()));
    }
    let mut found = 0;
    let times = (0..50).map(|_| timed(|| found = store.search("checkpoint", 20).unwrap().len()));
    println!("search, best 20: {:?} ({found} found)", median(times.collect()));

    let mut vector = store.vector(&SPACE);
    let held = vector.position(&writer.id());
    let behind = Position(held.0 - 100);
    let hash = store.entry_hash_at(&SPACE, &writer.id(), behind).unwrap().unwrap();
    vector.set(writer.id(), Mark::new(behind, &hash));
    let mut taken = 0;
    let times = (0..50).map(|_| {
        timed(|| {
            let batch = store.batch_for(&SPACE, &vector, BatchLimits::default(), &BTreeSet::new());
            taken = batch.unwrap().unwrap().entries.len();
        })
    });
    println!("batch of {taken} among {}: {:?}", held.0, median(times.collect()));
    let times = ids.iter().take(500).map(|(id, _)| timed(|| store.changes_of(id).unwrap()));
    println!("changes of a document: {:?}", median(times.collect()));
    let times = ids.iter().take(500).map(|(id, _)| timed(|| store.document(id).unwrap()));
    println!("a document: {:?}", median(times.collect()));
    println!("check: {:?}", timed(|| assert_eq!(store.check(&mut |_| {}).unwrap().damage, [])));
    let mut out = 0;
    let big = vec![7u8; 64 << 20];
    let mut rng = common::rng(5);
    let mut sealed = None;
    let took =
        timed(|| sealed = Some(store.attachments().seal(&mut &big[..], &mut |_| true, &mut rng).unwrap()));
    let sealed = sealed.unwrap();
    let read = timed(|| {
        out = store
            .attachments()
            .read(&sealed.secret, &sealed.hash, &mut std::io::sink(), &mut |_| true)
            .unwrap() as usize;
    });
    println!("attachment of 64 MiB: sealed in {took:?}, verified in {read:?}, {out} bytes");
    drop(store);
    sizes(&folder);
}

/// What takes the space.
fn sizes(folder: &Folder) {
    raw(folder, |database| {
        let sql = "SELECT name, sum(pgsize), sum(payload) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 16";
        let mut select = database.prepare(sql).unwrap();
        let mut rows = select.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (name, bytes, payload): (String, i64, i64) =
                (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
            println!("{name}: {bytes} bytes, {payload} of them payload");
        }
    });
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let _ = work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn floor(folder: &Folder, bytes: usize) -> Duration {
    let mut file = File::create(folder.home().join("floor")).unwrap();
    let bytes = vec![1u8; bytes];
    median(
        (0..SAVES)
            .map(|_| {
                timed(|| {
                    file.write_all(&bytes).unwrap();
                    file.sync_data().unwrap();
                })
            })
            .collect(),
    )
}

fn report(what: &str, took: Duration, count: usize) {
    println!("{what}: {count} in {took:?}, {:.0}/s", count as f64 / took.as_secs_f64());
}

fn ratio(what: &str, took: Duration, floor: Duration) {
    println!("{what}: {took:?}, {:.2} of the floor", took.as_secs_f64() / floor.as_secs_f64());
}
