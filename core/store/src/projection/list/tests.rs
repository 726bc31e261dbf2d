use firsthand_ids::{Metres, UnixMillis};
use rusqlite::params_from_iter;

use crate::common::{Folder, SPACE, Writer, titled};
use crate::{Area, IncidentProjection, IncidentQuery, Near, ProjectedPlace, Store, Window};

/// How SQLite goes about a query.
fn steps(store: &Store, query: &IncidentQuery) -> Vec<String> {
    let (sql, values) = store.plan(query).unwrap().unwrap();
    let mut explain = store.database.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let rows = explain.query_map(params_from_iter(values), |row| row.get(3)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn store(folder: &Folder, incidents: usize) -> Store {
    let mut store = folder.create();
    let mut writer = Writer::new(SPACE, 1);
    writer.join(&mut store);
    let mut commit = crate::Commit::new(SPACE);
    for number in 0..incidents {
        let row = IncidentProjection {
            category: Some("Protest".to_owned()),
            occurred_start: Some(UnixMillis(number as i64)),
            place: Some(ProjectedPlace { lat: 1.0, lon: 2.0, accuracy: None }),
            ..titled("word")
        };
        let (one, _) = writer.incident(row);
        commit.entries.extend(one.entries);
        commit.heads = one.heads;
        commit.documents.extend(one.documents);
    }
    store.commit(commit).unwrap();
    store.index_pending(incidents).unwrap();
    store
}

#[test]
fn every_filter_has_its_index() {
    let folder = Folder::new();
    let store = store(&folder, 20);
    let order = "SCAN i USING COVERING INDEX incidents_in_order";
    let near = Some(Near { lat: 1.0, lon: 2.0, radius: Metres(100.0) });
    let happened = Window { from: Some(UnixMillis(3)), until: Some(UnixMillis(5)) };
    let entered = Window { from: Some(UnixMillis(3)), until: None };
    let last = store.incidents(&IncidentQuery::default()).unwrap()[3].cursor();
    for (query, lead) in [
        (IncidentQuery::default(), order),
        (IncidentQuery { categories: vec!["Protest".to_owned()], ..Default::default() }, order),
        (IncidentQuery { hidden: true, in_conflict: true, ..Default::default() }, order),
        (
            IncidentQuery { after: Some(last), ..Default::default() },
            "SEARCH i USING COVERING INDEX incidents_in_order ((effective,entry)<(?,?))",
        ),
        (
            IncidentQuery { entered, ..Default::default() },
            "SEARCH i USING COVERING INDEX incidents_in_order (effective>?)",
        ),
        (
            IncidentQuery { happened, ..Default::default() },
            "SEARCH i USING INDEX incidents_by_happened (happened>? AND happened<?)",
        ),
        (IncidentQuery { near, ..Default::default() }, "SEARCH i USING INTEGER PRIMARY KEY (rowid=?)"),
        (
            IncidentQuery { text: "word".to_owned(), ..Default::default() },
            "SEARCH i USING INTEGER PRIMARY KEY (rowid=?)",
        ),
    ] {
        let steps = steps(&store, &query);
        assert!(steps.contains(&lead.to_owned()), "{query:?}: {steps:#?}");
        for step in &steps {
            let indexed = step.contains("INDEX") || step.contains("PRIMARY KEY") || !step.starts_with("SCAN");
            assert!(indexed, "{query:?}: {steps:#?}");
        }
        // Only what an index of place, time or words found is sorted; the list as such never is.
        let sorted = steps.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
        assert_eq!(sorted, !lead.contains("incidents_in_order"), "{steps:#?}");
    }
    let steps = steps(&store, &IncidentQuery { near, ..Default::default() });
    assert!(
        steps.iter().any(|step| step.starts_with("SCAN incident_places VIRTUAL TABLE INDEX 2:")),
        "{steps:#?}"
    );
}

#[test]
fn where_too_much_is_found_the_list_leads() {
    let folder = Folder::new();
    let store = store(&folder, super::FEW + 1);
    let everywhere = Some(Area::Box { south: -90.0, west: -180.0, north: 90.0, east: 180.0 });
    let always = Window { from: Some(UnixMillis(0)), until: None };
    for query in [
        IncidentQuery { within: everywhere, ..Default::default() },
        IncidentQuery { happened: always, ..Default::default() },
    ] {
        let steps = steps(&store, &query);
        assert!(steps[0].contains("incidents_in_order"), "{steps:#?}");
        assert_eq!(store.incidents(&IncidentQuery { limit: 7, ..query }).unwrap().len(), 7);
    }
}
