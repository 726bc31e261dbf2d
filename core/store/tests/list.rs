//! Lists, filters and searches against the same questions asked of plain values.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use std::collections::BTreeMap;

use common::{Folder, SPACE, Writer, rng, titled};
use firsthand_ids::{ContentHash, DocumentId, Metres, PersonId, Position, SpaceId, UnixMillis};
use firsthand_record::{Place, PlaceSource};
use firsthand_store::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

const LEADS: SpaceId = SpaceId::new([2; 16]);
const WORDS: [&str; 8] = ["puente", "Marché", "حاجز", "polisi", "bridge", "don't", "K7-014", "مُحتجّون"];

struct World {
    rng: ChaCha8Rng,
    folder: Folder,
    store: Store,
    writers: [Writer; 2],
    /// Each with the position that created it and the time of that entry.
    held: BTreeMap<DocumentId, (usize, Position, i64, IncidentProjection)>,
}

impl World {
    fn new(seed: u64) -> Self {
        let folder = Folder::new();
        let mut store = folder.create();
        let mut writers = [Writer::new(SPACE, 1), Writer::new(LEADS, 2)];
        for writer in &mut writers {
            writer.join(&mut store);
        }
        Self { rng: rng(seed), folder, store, writers, held: BTreeMap::new() }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.rng.next_u64() as usize % limit
    }

    fn degrees(&mut self, span: f64) -> f64 {
        (self.rng.next_u64() as f64 / u64::MAX as f64 - 0.5) * 2.0 * span
    }

    fn pick(&mut self, codes: &[&str]) -> Option<String> {
        let at = self.below(codes.len() + 1);
        codes.get(at).map(|code| (*code).to_owned())
    }

    fn row(&mut self) -> IncidentProjection {
        let words: Vec<_> = (0..1 + self.below(4)).map(|_| WORDS[self.below(WORDS.len())]).collect();
        let near_fiji = self.below(3) == 0;
        let place = (self.below(5) > 0).then(|| {
            let (lat, lon) = if near_fiji {
                let lon = 180.0 + self.degrees(0.5);
                (-17.0 + self.degrees(0.5), if lon > 180.0 { lon - 360.0 } else { lon })
            } else {
                (self.degrees(90.0), self.degrees(180.0))
            };
            ProjectedPlace { lat, lon, accuracy: None }
        });
        let time = |world: &mut Self| {
            (world.below(3) > 0).then(|| UnixMillis(1_699_999_000_000 + world.below(2_000_000) as i64))
        };
        IncidentProjection {
            short_code: (self.below(4) > 0)
                .then(|| (["K7QX", "K7QY", "M3PP"][self.below(3)].to_owned(), self.below(30) as u32)),
            title: words.join(" "),
            category: self.pick(&["Protest", "Looting", "Arrest"]),
            severity: self.pick(&["Extreme", "Severe", "Minor"]),
            urgency: self.pick(&["Immediate"]),
            certainty: self.pick(&["Observed"]),
            status: self.pick(&["open", "closed"]),
            followup: self.pick(&["NeedsFollowUp"]),
            verification: self.pick(&["Confirmed", "Rejected"]),
            rumour: self.pick(&["circulating"]),
            occurred_start: time(self),
            occurred_end: None,
            reported: time(self),
            place,
            conflicts: self.below(3) as u32,
            flags: self.below(3) as u32,
            marks: (0..self.below(3)).map(|number| format!("Rule{number}")).collect(),
            merged_into: (self.below(6) == 0).then(|| DocumentId::new([self.below(3) as u8; 16])),
            hidden: self.below(8) == 0,
            origin: None,
            text: (0..self.below(6)).map(|_| WORDS[self.below(WORDS.len())]).collect::<Vec<_>>().join(" "),
        }
    }

    fn add(&mut self) {
        let row = self.row();
        let which = self.below(2);
        let writer = &mut self.writers[which];
        let position = writer.next();
        let (commit, id) = writer.incident(row.clone());
        let local = writer.clock;
        self.store.commit(commit).unwrap();
        self.held.insert(id, (which, position, local, row));
    }

    fn edit(&mut self) {
        let at = self.below(self.held.len());
        let (id, (which, position, ..)) = self.held.iter().nth(at).map(|(id, it)| (*id, it.clone())).unwrap();
        let row = self.row();
        let writer = &mut self.writers[which];
        let entry = writer.change(id, b"edit");
        let mut commit = writer.commit(vec![entry]);
        commit.documents = vec![writer.update(id, position, b"edited".to_vec(), row.clone())];
        self.store.commit(commit).unwrap();
        self.held.get_mut(&id).unwrap().3 = row;
    }

    fn query(&mut self) -> IncidentQuery {
        let any = |world: &mut Self, codes: &[&str]| -> Vec<String> {
            if world.below(3) > 0 { Vec::new() } else { world.pick(codes).into_iter().collect() }
        };
        let window = |world: &mut Self| {
            let bound = |world: &mut Self| {
                (world.below(4) == 0).then(|| UnixMillis(1_699_999_000_000 + world.below(2_000_000) as i64))
            };
            Window { from: bound(world), until: bound(world) }
        };
        let mut query = IncidentQuery {
            spaces: if self.below(3) == 0 { vec![LEADS] } else { Vec::new() },
            happened: window(self),
            entered: window(self),
            categories: any(self, &["Protest", "Looting", "no such"]),
            severities: any(self, &["Extreme", "Severe"]),
            statuses: any(self, &["open", "closed"]),
            followups: any(self, &["NeedsFollowUp"]),
            verifications: any(self, &["Confirmed", "Rejected"]),
            rumours: any(self, &["circulating"]),
            flagged: self.below(5) == 0,
            in_conflict: self.below(5) == 0,
            hidden: self.below(2) == 0,
            ..IncidentQuery::default()
        };
        match self.below(6) {
            0 => query.near = Some(Near { lat: -17.0, lon: 179.9, radius: Metres(60_000.0) }),
            1 => {
                let (lat, lon) = (self.degrees(90.0), self.degrees(180.0));
                query.near = Some(Near { lat, lon, radius: Metres(self.below(8_000_000) as f64) });
            }
            2 => query.within = Some(Area::Box { south: -18.0, west: 179.7, north: -16.8, east: -179.8 }),
            3 => {
                let ring = vec![(-60.0, -150.0), (70.0, -20.0), (10.0, 160.0)];
                query.within = Some(Area::Polygon(ring));
            }
            _ => {}
        }
        query
    }

    /// The same question asked of every value.
    fn expected(&self, query: &IncidentQuery) -> Vec<DocumentId> {
        let within = |window: &Window, at: UnixMillis| {
            window.from.is_none_or(|from| from <= at) && window.until.is_none_or(|until| at < until)
        };
        let one_of = |codes: &[String], code: &Option<String>| {
            codes.is_empty() || code.as_ref().is_some_and(|code| codes.contains(code))
        };
        let mut found: Vec<_> =
            self.store.incidents(&IncidentQuery { hidden: true, ..Default::default() }).unwrap();
        found.retain(|shown| {
            let (which, _, local, row) = &self.held[&shown.id];
            let at = row.occurred_start.or(row.reported).unwrap_or(UnixMillis(*local));
            let in_place = |place: &ProjectedPlace| {
                let near = query.near.is_none_or(|near| {
                    let place = Place::new(place.lat, place.lon, PlaceSource::MapPin);
                    Place::new(near.lat, near.lon, PlaceSource::MapPin).distance(&place).0 <= near.radius.0
                });
                near && match &query.within {
                    None => true,
                    Some(Area::Box { south, west, north, east }) => {
                        let lon = if place.lon < *west { place.lon + 360.0 } else { place.lon };
                        let east = if east < west { east + 360.0 } else { *east };
                        *south <= place.lat && place.lat <= *north && *west <= lon && lon <= east
                    }
                    // This triangle is west to east, so its edges are two functions of the longitude.
                    Some(_) => {
                        let line = |a: (f64, f64), b: (f64, f64)| {
                            a.0 + (place.lon - a.1) / (b.1 - a.1) * (b.0 - a.0)
                        };
                        let (a, b, c) = ((-60.0, -150.0), (70.0, -20.0), (10.0, 160.0));
                        let top = if place.lon < b.1 { line(a, b) } else { line(b, c) };
                        a.1 <= place.lon && place.lon < c.1 && line(a, c) <= place.lat && place.lat < top
                    }
                }
            };
            let anywhere = query.near.is_none() && query.within.is_none();
            (query.spaces.is_empty() || query.spaces.contains(&[SPACE, LEADS][*which]))
                && within(&query.happened, at)
                && within(&query.entered, UnixMillis(*local))
                && one_of(&query.categories, &row.category)
                && one_of(&query.severities, &row.severity)
                && one_of(&query.statuses, &row.status)
                && one_of(&query.followups, &row.followup)
                && one_of(&query.verifications, &row.verification)
                && one_of(&query.rumours, &row.rumour)
                && (!query.flagged || row.flags > 0)
                && (query.hidden || !row.hidden)
                && (!query.in_conflict || row.conflicts > 0)
                && (anywhere || row.place.as_ref().is_some_and(in_place))
        });
        found.iter().map(|row| row.id).collect()
    }
}

#[test]
fn lists_show_what_the_filters_say_in_pages_of_any_size() {
    for seed in 0..4 {
        let mut world = World::new(seed);
        for step in 0..150 {
            world.add();
            if step % 3 == 0 {
                world.edit();
            }
        }
        let all = world.store.incidents(&IncidentQuery { hidden: true, ..Default::default() }).unwrap();
        assert_eq!(all.len(), world.held.len());
        assert!(all.is_sorted_by(|a, b| (a.effective, a.entry) > (b.effective, b.entry)));
        for shown in &all {
            let (which, position, _, row) = &world.held[&shown.id];
            assert_eq!(shown.incident, IncidentProjection { text: String::new(), ..row.clone() });
            assert_eq!(shown.space, [SPACE, LEADS][*which]);
            assert_eq!(
                (shown.writer, shown.author),
                (world.writers[*which].id(), world.writers[*which].person)
            );
            let entry = world.store.entry(&shown.writer, *position).unwrap().unwrap();
            assert_eq!((shown.entry, shown.effective), (entry.info.hash, entry.info.effective));
            assert_eq!(world.store.incident(&shown.id).unwrap().as_ref(), Some(shown));
        }
        let mut hits = 0;
        for _ in 0..300 {
            let mut query = world.query();
            let expected = world.expected(&query);
            hits += expected.len();
            query.limit = 1 + world.below(40);
            let mut found = Vec::new();
            loop {
                let page = world.store.incidents(&query).unwrap();
                assert!(page.len() <= query.limit);
                query.after = page.last().map(IncidentRow::cursor);
                found.extend(page.iter().map(|row| row.id));
                if page.len() < query.limit {
                    break;
                }
            }
            assert_eq!(found, expected, "seed {seed}: {query:?}");
        }
        assert!(hits > 500, "the questions must find something: {hits}");
    }
}

#[test]
fn words_are_found_as_people_type_them() {
    let folder = Folder::new();
    let mut store = folder.create();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    let mut log = |title: &str, text: &str| {
        let mut row = titled(title);
        row.text = text.to_owned();
        row.short_code = Some(("K7QX".to_owned(), 14));
        writer.log(&mut store, row)
    };
    let market = log("Barricade near the market", "Stones were thrown at the MARCHÉ central.");
    let arabic = log("حاجز عند الجسر", "مُحتَجّونَ أمام المبنى");
    let both = log("Marche pacifique", "Watu wengi, \"quoted\" words; don't AND OR NOT NEAR(x) * ^ : -");
    assert_eq!(store.search("market", 10).unwrap(), [], "found before it was indexed");
    assert_eq!(store.counts().unwrap().text_pending, 3);
    assert_eq!(store.index_pending(2).unwrap(), 1);
    assert_eq!(store.index_pending(2).unwrap(), 0);
    let find = |text: &str| -> Vec<DocumentId> {
        let query = IncidentQuery { text: text.to_owned(), ..Default::default() };
        let mut listed: Vec<_> = store.incidents(&query).unwrap().iter().map(|row| row.id).collect();
        let mut found: Vec<_> = store.search(text, 10).unwrap().iter().map(|row| row.id).collect();
        listed.sort();
        found.sort();
        if !text.trim().is_empty() {
            assert_eq!(listed, found, "{text}");
        }
        found
    };
    let sorted = |mut ids: Vec<DocumentId>| {
        ids.sort();
        ids
    };
    assert_eq!(find("market"), [market]);
    assert_eq!(find("mark"), [market]);
    assert_eq!(find("marche"), sorted(vec![market, both]));
    assert_eq!(find("MARCHÉ"), sorted(vec![market, both]));
    assert_eq!(find("marche central"), [market]);
    assert_eq!(find("marche nowhere"), []);
    // With and without vowel marks, with and without hamza.
    assert_eq!(find("محتجون"), [arabic]);
    assert_eq!(find("امام"), [arabic]);
    assert_eq!(find("الجسر حاجز"), [arabic]);
    assert_eq!(find("K7QX-014"), sorted(vec![market, arabic, both]));
    // Nothing that is typed is syntax.
    for odd in ["don't", "\"quoted\"", "don't AND", "quoted NOT", "NEAR(x)"] {
        assert_eq!(find(odd), [both], "{odd}");
    }
    for nothing in ["*", "^", "\"", "\"\"", ":", "- -", "\0", "' OR 1=1 --", "title:"] {
        assert_eq!(find(nothing), [], "{nothing:?}");
    }
    assert_eq!(find("  ").len(), 0);
    find(&"very ".repeat(10_000));
    find(&"x".repeat(100_000));
}

#[test]
fn an_edit_replaces_the_words_of_a_record() {
    let folder = Folder::new();
    let mut store = folder.create();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    let position = writer.next();
    let id = writer.log(&mut store, titled("bridge"));
    store.index_pending(100).unwrap();
    let entry = writer.change(id, b"edit");
    let mut commit = writer.commit(vec![entry]);
    commit.documents = vec![writer.update(id, position, b"s".to_vec(), titled("tunnel"))];
    store.commit(commit).unwrap();
    // Queued with the edit, so it is still there after a crash.
    let pulled = folder.pulled();
    let mut store = pulled.open();
    assert_eq!(store.counts().unwrap().text_pending, 1);
    store.index_pending(100).unwrap();
    assert_eq!(store.search("bridge", 10).unwrap(), []);
    assert_eq!(store.search("tunnel", 10).unwrap().len(), 1);
    assert_eq!(store.check(&mut |_| {}).unwrap().damage, []);
}

#[test]
fn incidents_are_found_by_code_and_by_id() {
    let folder = Folder::new();
    let mut store = folder.create();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    let mut log = |prefix: &str, number: u32| {
        let row = IncidentProjection { short_code: Some((prefix.to_owned(), number)), ..titled("x") };
        writer.log(&mut store, row)
    };
    let (first, second, other) = (log("K7QX", 14), log("K7QY", 14), log("K7QX", 15));
    let find = |typed: &str| -> Vec<DocumentId> {
        store.find_incident(typed).unwrap().iter().map(|row| row.id).collect()
    };
    assert_eq!(find("K7-014"), [second, first]);
    assert_eq!(find(" k7-14 "), [second, first]);
    assert_eq!(find("K7QX-014"), [first]);
    assert_eq!(find("15"), [other]);
    assert_eq!(find("K7-016"), []);
    assert_eq!(find("M7-014"), []);
    for id in [first, second, other] {
        let digits = id.to_string();
        assert_eq!(find(&digits), [id]);
        assert!(find(&digits[..7]).contains(&id));
        assert_eq!(
            find(&digits[..3]).contains(&id),
            digits[..3].parse() == Ok(14) || digits[..3].parse() == Ok(15)
        );
    }
    assert_eq!(find(""), []);
    assert_eq!(find("zzzz"), []);
    assert_eq!(find(&"0".repeat(40)), []);
}

#[test]
fn attachments_are_counted_and_listed() {
    let folder = Folder::new();
    let mut store = folder.create();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    let incident = DocumentId::new([8; 16]);
    let mut attach = |store: &mut Store, incident: DocumentId, name: &str, hidden: bool| {
        let (id, entry) = writer.create(name.as_bytes(), None);
        let row = EvidenceProjection {
            incident,
            hash: ContentHash::new([4; 32]),
            byte_len: 3_000_000_000,
            mime: "image/jpeg".to_owned(),
            name: name.to_owned(),
            caption: "caption".to_owned(),
            flags: 0,
            hidden,
            destroyed: false,
            forms: Vec::new(),
        };
        let mut commit = writer.commit(vec![entry.clone()]);
        commit.documents = vec![writer.update(id, entry.entry.position, vec![1], row.clone())];
        store.commit(commit).unwrap();
        (id, row)
    };
    // Evidence may arrive before the incident it belongs to, and the incident never.
    attach(&mut store, incident, "lonely", false);
    let id = {
        let mut author = Writer::new(SPACE, 3);
        author.join(&mut store);
        author.log(&mut store, titled("with photos"))
    };
    let kept: Vec<_> = [("one", false), ("two", true), ("three", false)]
        .into_iter()
        .map(|(name, hidden)| attach(&mut store, id, name, hidden))
        .collect();
    assert_eq!(store.incident(&id).unwrap().unwrap().attachments, 2);
    let rows = store.evidence_of(&id).unwrap();
    assert_eq!(rows.iter().map(|row| (row.id, row.evidence.clone())).collect::<Vec<_>>(), kept);
    assert!(rows.iter().all(|row| row.author == PersonId::new([1; 16]) && row.space == SPACE));
    assert_eq!(store.evidence_of(&incident).unwrap().len(), 1);
    assert_eq!(store.evidence(&kept[0].0).unwrap().unwrap().evidence, kept[0].1);
}

#[test]
fn rows_made_anew_are_the_rows_there_were() {
    let mut world = World::new(9);
    for step in 0..60 {
        world.add();
        if step % 2 == 0 {
            world.edit();
        }
    }
    let digest = world.store.projection_digest().unwrap();
    let held = world.held.clone();
    let ids = world.writers.each_ref().map(Writer::id);
    let derive = |_: &Store, id: &DocumentId, changes: Vec<StoredChange>| -> Result<_, StoreError> {
        let (which, position, _, row) = &held[id];
        assert_eq!(changes[0].info.position, *position);
        Ok(Some(DocumentUpdate {
            id: *id,
            kind: "incident".to_owned(),
            creator: (ids[*which], *position),
            saved: b"anew".to_vec(),
            row: Some(row.clone().into()),
        }))
    };
    let rebuilt = world.store.rebuild(Rebuild::Compare, derive).unwrap();
    assert_eq!(rebuilt, Rebuilt { before: digest, after: digest, different: Vec::new() });
    let first = *held.keys().next().unwrap();
    assert_ne!(world.store.document(&first).unwrap().unwrap().saved, b"anew");

    // A row that differs is named, and replaced when asked.
    let wrong = |store: &Store, id: &DocumentId, changes: Vec<StoredChange>| -> Result<_, StoreError> {
        let mut update = derive(store, id, changes)?;
        if let Some(DocumentUpdate { row: Some(ProjectedRow::Incident(row)), .. }) = &mut update
            && *id == first
        {
            row.title = "otherwise".to_owned();
            row.category = Some("a new code".to_owned());
        }
        Ok(update)
    };
    let rebuilt = world.store.rebuild(Rebuild::Compare, wrong).unwrap();
    assert_eq!(rebuilt.different, [first]);
    assert_eq!(world.store.projection_digest().unwrap(), digest);
    let rebuilt = world.store.rebuild(Rebuild::Replace, wrong).unwrap();
    assert_eq!((rebuilt.different, rebuilt.before), (vec![first], digest));
    assert_eq!(world.store.projection_digest().unwrap(), rebuilt.after);
    assert_eq!(world.store.document(&first).unwrap().unwrap().saved, b"anew");
    let query =
        IncidentQuery { categories: vec!["a new code".to_owned()], hidden: true, ..Default::default() };
    assert_eq!(world.store.incidents(&query).unwrap().len(), 1);

    // An error leaves everything as it was.
    let fails = |_: &Store, _: &DocumentId, _: Vec<StoredChange>| Err(StoreError::Full);
    assert!(world.store.rebuild(Rebuild::Replace, fails).is_err());
    assert_eq!(world.store.projection_digest().unwrap(), rebuilt.after);
    world.store.index_pending(1000).unwrap();
    assert_eq!(world.store.check(&mut |_| {}).unwrap().damage, []);
    drop(world.store);
    assert_eq!(world.folder.open().projection_digest().unwrap(), rebuilt.after);
}

#[test]
fn two_stores_with_the_same_rows_have_one_digest() {
    let mut digests = Vec::new();
    for order in [[0, 1], [1, 0]] {
        let folder = Folder::new();
        let mut store = folder.create();
        let mut writers = [Writer::new(SPACE, 1), Writer::new(SPACE, 2)];
        for which in order {
            writers[which].join(&mut store);
            for title in ["a", "b"] {
                let row = IncidentProjection { category: Some(format!("{which}{title}")), ..titled(title) };
                writers[which].log(&mut store, row);
            }
        }
        digests.push(store.projection_digest().unwrap());
    }
    assert_eq!(digests[0], digests[1]);
}
