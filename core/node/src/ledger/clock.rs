//! What this device knows of its own clock: how far it is off what peers have shown, and the evidence that records carry.
//!
//! A wall clock can be set; the time since the device started cannot. So a time that a peer showed is carried forward by
//! the second until the device starts anew. After that only the difference found then is left, which a start does not
//! change unless somebody sets the clock.

use std::sync::Arc;

use firsthand_ids::{DeviceKey, Digest, UnixMillis};
use firsthand_log::LogError;
use firsthand_log::codec::{Reader, Writer};
use firsthand_record::validate::limits::SKEW_MS;
use firsthand_record::{ClockEvidence, ClockTrust};
use firsthand_store::Commit;

use super::{Ledger, Now};
use crate::NodeError;
use crate::environment::Uptime;

const HEARD: &str = "clock.heard";
const VERSION: u8 = 1;
/// The peers whose last time is kept: more than a team's phones that one meets in a shift.
const MAX_HEARD: usize = 16;

/// Names a start of the device, and nothing else: the system's own name for it would link two homes on one machine.
pub(super) type Boot = [u8; 4];

/// The name of a start as records carry it.
pub(super) fn boot_name(boot: Boot) -> String {
    boot.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A time that a peer showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Heard {
    peer: DeviceKey,
    /// What the peer's clock showed.
    theirs: UnixMillis,
    /// What this device's clock showed then.
    ours: UnixMillis,
    /// Milliseconds since the start that `boot` names.
    ticks: u64,
    boot: Boot,
}

/// What a ledger knows of its clock.
#[derive(Default)]
pub(super) struct ClockKeeper {
    uptime: Option<Arc<dyn Uptime>>,
    /// The last time of each peer, the newest last.
    heard: Vec<Heard>,
    /// Where the steady clock stands, once it was read.
    pub(super) steady: Option<super::steady::Anchor>,
}

/// How far this device's clock is believed to be ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Skew {
    ms: i64,
    /// Peers' time was carried forward by the time since the start; otherwise it is what was found before that.
    carried: bool,
}

impl ClockKeeper {
    pub(super) fn read(setting: Option<Vec<u8>>) -> Self {
        // What cannot be read is heard again at the next meeting.
        let heard = setting.and_then(|bytes| decode(&bytes).ok()).unwrap_or_default();
        Self { heard, ..Self::default() }
    }

    /// Milliseconds since the device started, and the name of that start.
    pub(super) fn ticks(&self, device: &DeviceKey) -> Option<(Boot, u64)> {
        let read = self.uptime.as_ref()?.read()?;
        let hash = Digest::new("firsthand boot v1").fixed(device).sized(read.boot.as_bytes()).finish();
        Some(([hash[0], hash[1], hash[2], hash[3]], read.ms))
    }

    fn skew(&self, ticks: Option<(Boot, u64)>, now: UnixMillis) -> Option<Skew> {
        let since_start = |heard: &Heard| {
            let (boot, ms) = ticks?;
            let passed = i64::try_from(ms.checked_sub(heard.ticks)?).ok()?;
            let theirs = heard.theirs.0.checked_add(passed).filter(|_| boot == heard.boot)?;
            now.0.checked_sub(theirs)
        };
        let carried: Vec<i64> = self.heard.iter().filter_map(since_start).collect();
        if !carried.is_empty() {
            return middle(carried).map(|ms| Skew { ms, carried: true });
        }
        let found = self.heard.iter().filter_map(|heard| {
            let then = heard.ours.0.checked_sub(heard.theirs.0)?;
            // A clock that now shows less than peers have shown already is behind, whatever it was then.
            now.0.checked_sub(heard.theirs.0).map(|behind| then.min(behind))
        });
        middle(found.collect()).map(|ms| Skew { ms, carried: false })
    }
}

/// The middle of what peers say; of two middle ones the one that changes less. So of three clocks the one that is wrong
/// has no say, and where two disagree, neither is believed to be off by more than the other says.
fn middle(mut all: Vec<i64>) -> Option<i64> {
    all.sort_unstable();
    let upper = *all.get(all.len() / 2)?;
    let lower = *all.get(all.len().checked_sub(1)? / 2)?;
    Some(if lower.unsigned_abs() <= upper.unsigned_abs() { lower } else { upper })
}

impl Ledger {
    /// Lets records say how long the device has been running: evidence that nobody can set. Without it they carry none.
    pub fn keep_time(&mut self, uptime: Arc<dyn Uptime>) {
        self.clock_keeper.uptime = Some(uptime);
    }

    /// What is known about this device's clock now.
    pub(super) fn clock_evidence(&self, now: Now) -> Option<ClockEvidence> {
        let ticks = self.clock_keeper.ticks(&self.device);
        let (boot, monotonic_ms) = ticks?;
        let skew = self.clock_keeper.skew(ticks, now.at);
        let trust = match skew {
            Some(skew) if skew.ms.unsigned_abs() > SKEW_MS as u64 => ClockTrust::Suspect,
            Some(Skew { carried: true, .. }) => ClockTrust::Peer,
            Some(_) | None => ClockTrust::DeviceOnly,
        };
        let peer = skew.filter(|skew| skew.carried).and_then(|skew| now.at.0.checked_sub(skew.ms));
        Some(ClockEvidence {
            device_ms: now.at,
            monotonic_ms,
            boot_id: boot_name(boot),
            gps_time: None,
            last_peer_or_relay_time: peer.map(UnixMillis),
            skew_estimate_s: skew.map(|skew| skew.ms.div_euclid(1000)),
            trust,
        })
    }

    /// What the time probably is.
    pub(super) fn best_time(&self, now: UnixMillis) -> UnixMillis {
        let skew = self.clock_keeper.skew(self.clock_keeper.ticks(&self.device), now);
        UnixMillis(now.0.saturating_sub(skew.map_or(0, |skew| skew.ms)))
    }

    /// What peers' clocks show now, carried on since they showed it: setting this device's clock does not change it.
    pub(super) fn carried_time(&self, now: UnixMillis) -> Option<UnixMillis> {
        let skew = self.clock_keeper.skew(self.clock_keeper.ticks(&self.device), now)?;
        skew.carried.then(|| UnixMillis(now.0.saturating_sub(skew.ms)))
    }

    /// What another device's clock shows now, where it showed it since this one started.
    pub(super) fn clock_of(&self, device: &DeviceKey) -> Option<UnixMillis> {
        let (boot, ticks) = self.clock_keeper.ticks(&self.device)?;
        let heard =
            self.clock_keeper.heard.iter().find(|heard| heard.peer == *device && heard.boot == boot)?;
        let passed = i64::try_from(ticks.checked_sub(heard.ticks)?).ok()?;
        Some(UnixMillis(heard.theirs.0.checked_add(passed)?))
    }

    /// What the hybrid clock goes by: this device's clock, unless peers have shown that it is further ahead than the
    /// hybrid clock may run.
    pub(super) fn hybrid_now(&self, now: UnixMillis) -> UnixMillis {
        let skew = self.clock_keeper.skew(self.clock_keeper.ticks(&self.device), now);
        match skew {
            Some(skew) if skew.carried && skew.ms > SKEW_MS => UnixMillis(now.0.saturating_sub(skew.ms)),
            _ => now,
        }
    }

    /// Takes note of the time that a member's clock shows.
    pub(super) fn keep_clock(
        &mut self,
        peer: DeviceKey,
        theirs: UnixMillis,
        now: Now,
    ) -> Result<(), NodeError> {
        let Some((boot, ticks)) = self.clock_keeper.ticks(&self.device) else { return Ok(()) };
        let heard = &mut self.clock_keeper.heard;
        heard.retain(|heard| heard.peer != peer);
        heard.push(Heard { peer, theirs, ours: now.at, ticks, boot });
        let surplus = heard.len().saturating_sub(MAX_HEARD);
        heard.drain(..surplus);
        let mut commit = Commit::new(self.space);
        commit.settings.push((HEARD.to_owned(), encode(heard)));
        commit.tried = self.untried.is_empty();
        // Should the device lose power before this is on the disk, the next meeting tells again.
        commit.derived = true;
        self.store.commit(commit)?;
        Ok(())
    }

    pub(super) fn heard_clocks(store: &firsthand_store::Store) -> Result<ClockKeeper, NodeError> {
        Ok(ClockKeeper::read(store.setting(HEARD)?))
    }
}

fn encode(heard: &[Heard]) -> Vec<u8> {
    let mut out = Writer::new();
    out.byte(VERSION).number(heard.len() as u64);
    for it in heard {
        out.fixed(it.peer).signed(it.theirs.0).signed(it.ours.0).number(it.ticks).fixed(it.boot);
    }
    out.into_bytes()
}

fn decode(bytes: &[u8]) -> Result<Vec<Heard>, LogError> {
    let mut reader = Reader::new(bytes);
    if reader.byte("version")? != VERSION {
        return Err(LogError::Newer { what: "clocks" });
    }
    let count = reader.count(MAX_HEARD, "clocks")?;
    let mut heard = Vec::with_capacity(count);
    for _ in 0..count {
        heard.push(Heard {
            peer: DeviceKey::new(reader.array("device")?),
            theirs: UnixMillis(reader.signed("time")?),
            ours: UnixMillis(reader.signed("time")?),
            ticks: reader.number("ticks")?,
            boot: reader.array("boot")?,
        });
    }
    reader.finish("clocks")?;
    Ok(heard)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn heard(peer: u8, ahead: i64) -> Heard {
        let (theirs, ours) = (UnixMillis(100 * HOUR), UnixMillis(100 * HOUR + ahead));
        Heard { peer: DeviceKey::new([peer; 32]), theirs, ours, ticks: 5_000, boot: [1; 4] }
    }

    fn keeper(heard: Vec<Heard>) -> ClockKeeper {
        ClockKeeper { heard, ..ClockKeeper::default() }
    }

    #[test]
    fn a_clock_that_is_set_later_is_seen_by_the_time_since_the_start() {
        let keeper = keeper(vec![heard(2, 0)]);
        // Two hours later by the ticks, a day and two hours later by the clock.
        let ticks = Some(([1; 4], 5_000 + 2 * HOUR as u64));
        let skew = keeper.skew(ticks, UnixMillis(126 * HOUR)).unwrap();
        assert_eq!(skew, Skew { ms: 24 * HOUR, carried: true });
        assert_eq!(keeper.skew(ticks, UnixMillis(102 * HOUR)).unwrap().ms, 0);
    }

    #[test]
    fn after_a_start_what_was_found_before_is_left_and_a_clock_set_back_is_seen() {
        let keeper = keeper(vec![heard(2, 3 * HOUR)]);
        let skew = |now| keeper.skew(Some(([2; 4], 7)), UnixMillis(now));
        assert_eq!(skew(200 * HOUR), Some(Skew { ms: 3 * HOUR, carried: false }));
        assert_eq!(skew(90 * HOUR), Some(Skew { ms: -10 * HOUR, carried: false }));
    }

    #[test]
    fn one_wrong_peer_among_three_has_no_say() {
        assert_eq!(middle(vec![5, -86_400_000, 20]), Some(5));
        assert_eq!(middle(vec![-86_400_000, 20]), Some(20));
        assert_eq!(middle(vec![86_400_000, 86_400_100]), Some(86_400_000));
        assert_eq!(middle(vec![]), None);
    }

    #[test]
    fn what_was_heard_comes_back() {
        let all = vec![heard(2, -5), heard(3, HOUR)];
        assert_eq!(decode(&encode(&all)).unwrap(), all);
        assert!(decode(&encode(&all)[..20]).is_err());
    }
}
