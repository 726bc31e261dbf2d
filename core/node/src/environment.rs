use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use chrono::{Local, Offset};
use firsthand_ids::{LocalTime, UnixMillis};
use firsthand_store::{KeyVault, LaptopVault, SlotOptions};
use rand_core::{Rng, TryCryptoRng, TryRng};
use ring::rand::SecureRandom;

/// Where the time of day comes from.
pub trait Clock: Send + Sync {
    /// The instant and the offset of local time, as the person's screen shows them.
    fn now(&self) -> LocalTime;
}

/// The operating system's clock and time zone.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> LocalTime {
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let offset = Local::now().offset().fix().local_minus_utc() / 60;
        LocalTime { at: UnixMillis(millis as i64), offset_minutes: offset as i16 }
    }
}

/// How long the device has been running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticks {
    /// Names the start that `ms` counts from; another one after each start.
    pub boot: String,
    /// Milliseconds since then, which nobody can set.
    pub ms: u64,
}

/// Where the time since the device started comes from.
pub trait Uptime: Send + Sync {
    /// Reads it; `None` where it cannot be read.
    fn read(&self) -> Option<Ticks>;
}

/// The operating system's count since the machine started, sleep included; where it has none that can be read, the time
/// since the program did.
#[derive(Debug, Clone)]
pub struct SystemUptime {
    program: String,
    started: Instant,
}

impl Default for SystemUptime {
    fn default() -> Self {
        let mut name = [0; 16];
        SystemRandom::default().fill_bytes(&mut name);
        Self { program: name.iter().map(|byte| format!("{byte:02x}")).collect(), started: Instant::now() }
    }
}

impl Uptime for SystemUptime {
    fn read(&self) -> Option<Ticks> {
        let since = || u64::try_from(self.started.elapsed().as_millis()).ok();
        linux_ticks().or_else(|| Some(Ticks { boot: self.program.clone(), ms: since()? }))
    }
}

/// What Linux, and so Android, tells everybody in files: seconds since the start with two decimals, and a random name.
fn linux_ticks() -> Option<Ticks> {
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let ms = seconds.is_finite().then_some((seconds * 1e3) as u64)?;
    Some(Ticks { boot: boot.trim().to_owned(), ms })
}

/// Where the room on a disk comes from.
pub trait Disk: Send + Sync {
    /// The bytes that can still be written where `folder` lies; `None` where nobody can tell.
    fn free_bytes(&self, folder: &Path) -> Option<u64>;
}

/// The disk as the operating system tells it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn free_bytes(&self, folder: &Path) -> Option<u64> {
        fs4::available_space(folder).ok()
    }
}

/// The operating system's random source, through ring.
#[derive(Debug, Clone)]
pub struct SystemRandom(ring::rand::SystemRandom);

impl Default for SystemRandom {
    fn default() -> Self {
        Self(ring::rand::SystemRandom::new())
    }
}

impl TryRng for SystemRandom {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        // A system without randomness cannot make keys: going on would be worse than stopping, and the kernels in
        // question do not fail here once the system is up.
        assert!(self.0.fill(out).is_ok(), "the operating system gives no random bytes");
        Ok(())
    }
}

impl TryCryptoRng for SystemRandom {}

/// What a node takes from the machine it runs on.
#[derive(Clone)]
pub struct Environment {
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// The time since the device started.
    pub uptime: Arc<dyn Uptime>,
    /// The disk that the home lies on.
    pub disk: Arc<dyn Disk>,
    /// The platform's key store.
    pub vault: Arc<dyn KeyVault>,
    /// How expensive one try of the passphrase is, for homes made from now on.
    pub slot: SlotOptions,
}

impl Environment {
    /// A laptop: the system's clock, no key store.
    #[must_use]
    pub fn laptop() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            uptime: Arc::new(SystemUptime::default()),
            disk: Arc::new(SystemDisk),
            vault: Arc::new(LaptopVault),
            slot: SlotOptions::default(),
        }
    }
}
