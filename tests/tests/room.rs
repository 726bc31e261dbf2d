//! Disks that fill up while files arrive: what people write can always be saved.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use firsthand_ids::DocumentId;
use firsthand_node::{Disk, FilePolicy, Ledger, NodeError, Role};
use firsthand_record::Incident;
use firsthand_store::{CHUNK_BYTES, StoreError};
use firsthand_tests::{Dice, World, seeds};

const TEAMS: u64 = 40;
const LEAD: usize = 0;
const OTHER: usize = 1;
/// What no file may take.
const KEEP_FREE: u64 = 300_000;

/// A disk on which there is nothing but one home, and of which something else may take a part at any moment.
#[derive(Clone)]
struct SmallDisk {
    files: PathBuf,
    room: Arc<AtomicU64>,
}

impl SmallDisk {
    fn of(home: &Path, room: u64) -> Self {
        Self { files: home.join("attachments"), room: Arc::new(AtomicU64::new(room)) }
    }

    /// What files take on the disk: of one that arrives, what has come, wherever in it that stands.
    fn taken(&self) -> u64 {
        let files = fs::read_dir(&self.files).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().blocks() * 512).sum()
    }

    /// Files may take so much more from now on.
    fn leave(&self, room: u64) {
        self.room.store(self.taken() + room + KEEP_FREE, Ordering::Relaxed);
    }
}

impl Disk for SmallDisk {
    fn free_bytes(&self, _: &Path) -> Option<u64> {
        Some(self.room.load(Ordering::Relaxed).saturating_sub(self.taken()))
    }
}

fn titled(title: &str) -> Incident {
    Incident { title: Some(title.to_owned()), ..Incident::default() }
}

fn attach(
    world: &mut World,
    at: usize,
    id: DocumentId,
    name: &str,
    mut content: &[u8],
) -> Result<(), NodeError> {
    world.write(at, |ledger, now, rng| {
        ledger.attach(id, &mut content, name, "", now, rng, &mut |_| true).map(drop)
    })
}

fn here(ledger: &mut Ledger, id: DocumentId) -> Vec<String> {
    let files = ledger.incident(id).unwrap().attachments;
    files.into_iter().filter(|file| file.here).map(|file| file.name).collect()
}

fn run(seed: u64, stopped: &AtomicU64) {
    let mut dice = Dice::new(seed, 73);
    let mut world = World::new(seed);
    let lead = world.found("Harbour", "Amina");
    world.join(lead, "Bruno", Role::Responder);
    let id = world
        .write(lead, |ledger, now, rng| ledger.add_incident(titled("At the gate"), now, rng))
        .unwrap()
        .id;
    let small = dice.fill(20_000);
    let video = {
        let len = dice.below(6) * CHUNK_BYTES + dice.below(CHUNK_BYTES) + CHUNK_BYTES;
        dice.fill(len)
    };
    attach(&mut world, lead, id, "small.bin", &small).unwrap();
    attach(&mut world, lead, id, "video.mp4", &video).unwrap();

    let disk = SmallDisk::of(&world.devices[OTHER].home, 0);
    let policy = FilePolicy { keep_free: KEEP_FREE, ..FilePolicy::default() };
    world.write(OTHER, |ledger, _, _| ledger.set_file_policy(policy)).unwrap();
    world.devices[OTHER].ledger().watch_disk(Arc::new(disk.clone()));
    // Room for the short file in any case, for the video perhaps, and perhaps not for long.
    disk.leave(30_000 + dice.below(2 * video.len()) as u64);
    let fills = dice.percent(60).then(|| dice.below(video.len()) as u64);
    let link = world.dial(OTHER, LEAD, true).unwrap();
    while world.cables.contains_key(&link) {
        if fills.is_some_and(|at| disk.taken() > at) {
            disk.room.fetch_min(disk.taken() + KEEP_FREE, Ordering::Relaxed);
        }
        assert!(
            disk.free_bytes(Path::new("")).unwrap() + (CHUNK_BYTES as u64) > KEEP_FREE,
            "files took it all"
        );
        assert!(world.step() || world.wait(), "a meeting without an end");
    }
    let came = here(world.devices[OTHER].ledger(), id);
    let space = world.devices[OTHER].ledger().space_view().unwrap();
    let missing = world.devices[OTHER].ledger().team().unwrap().counts.attachments_missing;
    if came.len() == 2 {
        assert_eq!((missing, space.no_room.files), (0, 0));
    } else {
        stopped.fetch_add(1, Ordering::Relaxed);
        // It is missed, and the person is told why it does not come.
        assert_eq!(missing, 2 - came.len() as u64, "{came:?}");
        assert_eq!(space.no_room.files, missing);
        let ended = world.devices[OTHER].ends[&link];
        assert_eq!(ended, firsthand_node::EndReason::Done);
    }
    // Words are saved, a file of one's own is not: nothing of it is left.
    disk.leave(0);
    let before = disk.taken();
    world.write(OTHER, |ledger, now, rng| ledger.add_incident(titled("Meanwhile"), now, rng)).unwrap();
    let full = attach(&mut world, OTHER, id, "own.bin", &small);
    assert!(matches!(full, Err(NodeError::Store(StoreError::Full))), "{full:?}");
    assert_eq!(disk.taken(), before);

    // Somebody makes room: what had come is not sent again.
    disk.leave(3 * video.len() as u64);
    let summary = world.meet(OTHER, LEAD);
    assert_eq!(here(world.devices[OTHER].ledger(), id).len(), 2);
    let left = (video.len() as u64 + small.len() as u64).saturating_sub(before);
    assert!(summary.bytes_received < left + 2 * CHUNK_BYTES as u64, "{} for {left}", summary.bytes_received);
    let mut out = Vec::new();
    world.devices[OTHER].ledger().read_attachment(&id, "video.mp4", &mut out).unwrap();
    assert!(out == video, "the video is another");
    let digests = [LEAD, OTHER].map(|device| world.devices[device].ledger().digest().unwrap());
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn files_leave_room_for_words() {
    let stopped = AtomicU64::new(0);
    seeds::each("disks that fill while a video arrives", TEAMS, |seed| run(seed, &stopped));
    let stopped = stopped.load(Ordering::Relaxed);
    assert!(stopped > 0 || seeds::only().is_some());
    seeds::figure(&format!(
        "disks that filled while a video arrived: {stopped} of {TEAMS} stopped it, and went on later"
    ));
}
