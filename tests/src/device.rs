use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use firsthand_ids::{LocalTime, UnixMillis};
use firsthand_node::meeting::{Input, Question};
use firsthand_node::{Ledger, LinkId, Meetings, NodeError, Now, Opening, RepairView, Ticks, Uptime};
use firsthand_store::{Home, KeyVault, SlotOptions, Unlock, VaultError};
use rand_chacha::ChaCha8Rng;
use zeroize::Zeroizing;

use crate::copy_folder;
use crate::dice::source;
use crate::join::Applicant;

/// 2026-11-20T08:00:00Z: where the virtual time of every world begins.
const BEGIN: i64 = 1_795_161_600_000;

/// A device's wall clock, as wrong as the run wants it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    pub skew_ms: i64,
    pub offset_minutes: i16,
}

impl Clock {
    /// What it shows at a moment of the world.
    #[must_use]
    pub const fn at(&self, world: i64) -> Now {
        LocalTime { at: UnixMillis(BEGIN + world + self.skew_ms), offset_minutes: self.offset_minutes }
    }
}

/// The time since a device was switched on, which no wrong clock changes. All go on together.
#[derive(Debug, Clone, Default)]
pub struct WorldUptime {
    /// The time of the world, for all devices.
    pub world: Arc<AtomicI64>,
    /// How often the device was switched on anew, and when last.
    pub boots: u32,
    pub since: i64,
}

impl Uptime for WorldUptime {
    fn read(&self) -> Option<Ticks> {
        let ms = u64::try_from(self.world.load(Ordering::Relaxed) - self.since).ok()?;
        Some(Ticks { boot: format!("boot {}", self.boots), ms })
    }
}

/// A key store whose installation number the test decides: a home keeps it across crashes.
#[derive(Debug, Clone, Copy)]
pub struct TestVault(pub [u8; 16]);

impl KeyVault for TestVault {
    fn secret(&self) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(None)
    }

    fn installation(&self, _: &Path) -> Result<[u8; 16], VaultError> {
        Ok(self.0)
    }
}

/// How a device stops without warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The program ends; what it had open is closed by the system.
    Dropped,
    /// The folder as it lies there at this moment is all that is left.
    Frozen,
}

/// What a device is doing.
pub enum State {
    /// It belongs to nobody yet.
    Outside,
    /// Its person joins a team.
    Joining(Box<Applicant>),
    /// It runs.
    Up(Box<Running>),
    /// It crashed or is switched off.
    Down,
}

/// A program that runs on a device.
pub struct Running {
    pub ledger: Ledger,
    pub meetings: Meetings,
    /// Questions to the ledger, answered in this order.
    pub jobs: VecDeque<(LinkId, Question)>,
    /// What the ledger said, heard in this order.
    pub inbox: VecDeque<Input>,
}

impl Running {
    #[must_use]
    pub fn new(ledger: Ledger) -> Box<Self> {
        let meetings = Meetings::new(ledger.identity());
        Box::new(Self { ledger, meetings, jobs: VecDeque::new(), inbox: VecDeque::new() })
    }
}

/// A device and the person who holds it.
pub struct Device {
    pub number: usize,
    pub name: String,
    pub rng: ChaCha8Rng,
    pub clock: Clock,
    pub state: State,
    pub vault: TestVault,
    /// The folder of its home; another one after a crash that left only what was on the disk.
    pub home: PathBuf,
    /// The seed of its signing key, for those who steal it.
    pub signing_seed: Option<[u8; 32]>,
    /// Whether everything its ledger is asked to send is altered.
    pub tamper: Option<crate::Tamper>,
    /// How its last links ended.
    pub ends: BTreeMap<LinkId, firsthand_node::EndReason>,
    pub uptime: WorldUptime,
    root: PathBuf,
    generation: u32,
}

impl Device {
    #[must_use]
    pub fn new(root: &Path, seed: u64, number: usize, name: &str) -> Self {
        let root = root.join(format!("device-{number}"));
        Self {
            number,
            name: name.to_owned(),
            rng: source(seed, 1000 + number as u64),
            clock: Clock::default(),
            state: State::Outside,
            vault: TestVault([number as u8 + 1; 16]),
            home: root.join("home-0"),
            signing_seed: None,
            tamper: None,
            ends: BTreeMap::new(),
            uptime: WorldUptime::default(),
            root,
            generation: 0,
        }
    }

    /// The key of its home.
    #[must_use]
    pub const fn key(&self) -> [u8; 32] {
        [self.number as u8 + 1; 32]
    }

    pub fn try_create(
        &self,
        make: impl FnOnce(Opening<'_>) -> Result<Ledger, NodeError>,
    ) -> Result<Ledger, NodeError> {
        let mut ledger = make(Opening {
            home: Home::create(&self.home)?,
            unlock: Unlock::RawKey(&self.key()),
            vault: &self.vault,
            slot: SlotOptions::FLOOR,
        })?;
        ledger.keep_time(Arc::new(self.uptime.clone()));
        Ok(ledger)
    }

    pub fn try_open(&self) -> Result<Ledger, NodeError> {
        let mut ledger = Ledger::open(Opening {
            home: Home::open(&self.home)?,
            unlock: Unlock::RawKey(&self.key()),
            vault: &self.vault,
            slot: SlotOptions::FLOOR,
        })?;
        ledger.keep_time(Arc::new(self.uptime.clone()));
        Ok(ledger)
    }

    /// Repairs the home of a device whose program does not run.
    pub fn try_repair(&self, now: Now) -> Result<(Ledger, RepairView), NodeError> {
        let opening = Opening {
            home: Home::open_damaged(&self.home)?,
            unlock: Unlock::RawKey(&self.key()),
            vault: &self.vault,
            slot: SlotOptions::FLOOR,
        };
        Ledger::repair(opening, now, &mut |_, _| true)
    }

    /// Ends the program without any clean-up.
    pub fn crash(&mut self, crash: Crash) {
        if crash == Crash::Frozen && matches!(self.state, State::Up(_)) {
            self.generation += 1;
            let frozen = self.root.join(format!("home-{}", self.generation));
            copy_folder(&self.home, &frozen);
            let old = std::mem::replace(&mut self.home, frozen);
            self.state = State::Down;
            std::fs::remove_dir_all(old).unwrap();
        }
        self.state = match self.state {
            State::Up(_) | State::Down => State::Down,
            State::Joining(_) | State::Outside => State::Outside,
        };
    }

    /// A folder beside the home.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// The running program.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn up(&mut self) -> &mut Running {
        match &mut self.state {
            State::Up(running) => running,
            _ => panic!("{} does not run", self.name),
        }
    }

    pub fn ledger(&mut self) -> &mut Ledger {
        &mut self.up().ledger
    }
}
