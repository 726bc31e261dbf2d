//! How much memory the largest files take. Alone in its program, because the allocator that counts is that of all of it.

#![allow(clippy::unwrap_used, reason = "a file that the test wrote itself can be read")]

use std::fmt::Write as _;

use firsthand_exchange::{ColumnMap, MAX_ROWS, Options, Reading};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What reading may take beside the text of the file: the ids and hashes of 200,000 rows, and little more.
const BESIDE: f32 = 60.0;

/// Reads every row, and gives how many there were and the most megabytes beside those that the file itself takes.
fn read(file: &str, name: &str) -> (usize, f32) {
    let before = MEMORY.current_usage_as_mb();
    MEMORY.reset_peak_usage();
    let reading = Reading::open(file.as_bytes(), name, &Options::default()).unwrap();
    let map = ColumnMap::default();
    let rows = reading.drafts(&map).unwrap().filter(Result::is_ok).count();
    let held = file.len() as f32 / (1024.0 * 1024.0);
    (rows, MEMORY.peak_usage_as_mb() - before - held)
}

#[test]
fn the_most_rows_take_little_more_than_their_text() {
    let mut csv = String::from("uuid,title,narrative,lat,lon,date\n");
    for row in 0..MAX_ROWS {
        let narrative = "Men with sticks stopped cars near the market, two were hurt";
        writeln!(
            csv,
            "{row:08x}-aaaa-bbbb,Road block {row},\"{narrative}\",{}.5,{}.25,2026-03-14",
            row % 60,
            row % 90
        )
        .unwrap();
    }
    let mut json = String::from("{\"type\":\"FeatureCollection\",\"features\":[");
    for row in 0..MAX_ROWS {
        let comma = if row == 0 { "" } else { "," };
        let place = format!("\"coordinates\":[{}.5,{}.25]", row % 90, row % 60);
        write!(
            json,
            "{comma}{{\"type\":\"Feature\",\"id\":\"{row:016x}\",\"geometry\":{{\"type\":\"Point\",{place}}},\"properties\":{{\"title\":\"Road block {row}\"}}}}"
        )
        .unwrap();
    }
    json.push_str("]}");
    for (file, name) in [(csv, "rows.csv"), (json, "rows.geojson")] {
        let (rows, most) = read(&file, name);
        println!(
            "figure: {rows} rows of {name}, {} MB: {most:.0} MB beside the text",
            file.len() / 1_000_000
        );
        assert_eq!(rows, MAX_ROWS);
        // A buffer that grows while the file is read may be twice the text for a moment.
        let text = file.len() as f32 / (1024.0 * 1024.0);
        assert!(most < BESIDE + text, "{name} takes {most} MB beside its text");
    }
}
