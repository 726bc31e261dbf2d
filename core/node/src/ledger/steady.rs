//! A clock that only goes on, for how long ago something was heard.
//!
//! A wall clock can be set, and a phone's is wrong more often than anything else it shows. So whether somebody is overdue is
//! decided by the time since the device started, which nobody can set. What was heard is kept as a point on this clock. Over a
//! start of the device the clock goes on by the wall clock's difference, and never goes back.

use firsthand_ids::UnixMillis;
use firsthand_log::LogError;
use firsthand_log::codec::{Reader, Writer};
use firsthand_store::{CheckInRow, Commit, Heard, Unheard};

use super::clock::Boot;
use super::{Ledger, Now};
use crate::NodeError;

const STEADY: &str = "clock.steady";
const VERSION: u8 = 1;

/// Where the steady clock stood once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    boot: Boot,
    /// Milliseconds since that start.
    ticks: u64,
    /// What the steady clock showed then.
    at: i64,
}

impl Anchor {
    /// Where the clock stands now. `wall` is the best that is known of the time of day; it counts only after another start, or
    /// where the device cannot say how long it has been running.
    fn go_on(kept: Option<Self>, ticks: Option<(Boot, u64)>, wall: i64) -> Self {
        let (boot, ticks) = ticks.unwrap_or_default();
        let same_start = |kept: &Self| boot == kept.boot && boot != Boot::default();
        let passed =
            |kept: &Self| ticks.checked_sub(kept.ticks).and_then(|passed| i64::try_from(passed).ok());
        let at = match kept {
            Some(kept) if same_start(&kept) => match passed(&kept) {
                Some(passed) => kept.at.saturating_add(passed),
                None => kept.at,
            },
            Some(kept) => wall.max(kept.at),
            None => wall,
        };
        Self { boot, ticks, at }
    }

    fn encode(self) -> Vec<u8> {
        let mut out = Writer::new();
        out.byte(VERSION).fixed(self.boot).number(self.ticks).signed(self.at);
        out.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        let mut reader = Reader::new(bytes);
        if reader.byte("version")? != VERSION {
            return Err(LogError::Newer { what: "the steady clock" });
        }
        let anchor =
            Self { boot: reader.array("boot")?, ticks: reader.number("ticks")?, at: reader.signed("time")? };
        reader.finish("the steady clock")?;
        Ok(anchor)
    }
}

/// Now, by the two clocks that a board needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steady {
    /// By the steady clock.
    pub(super) now: i64,
    /// By the best that is known of the time of day, as far as that does not jump either: what peers showed, carried on.
    pub(super) day: i64,
}

impl Steady {
    /// The place of a time of day on the steady clock.
    pub(super) const fn of(&self, time: UnixMillis) -> i64 {
        self.now.saturating_sub(self.day.saturating_sub(time.0))
    }
}

impl Ledger {
    /// Reads the steady clock, and keeps where it stands where the device started anew since.
    pub(super) fn steady(&mut self, now: Now) -> Result<Steady, NodeError> {
        let kept = match self.clock_keeper.steady {
            Some(kept) => Some(kept),
            // What cannot be read begins anew with the time of day.
            None => self.store.setting(STEADY)?.and_then(|bytes| Anchor::decode(&bytes).ok()),
        };
        let ticks = self.clock_keeper.ticks(&self.device);
        let peers = self.carried_time(now.at);
        let anchor = Anchor::go_on(kept, ticks, self.best_time(now.at).0);
        self.clock_keeper.steady = Some(anchor);
        if kept.is_none_or(|kept| kept.boot != anchor.boot) {
            self.keep_heard(None)?;
        }
        Ok(Steady { now: anchor.at, day: peers.map_or(anchor.at, |at| at.0) })
    }

    /// Notes of everything that has come since when this device heard of it; gives the time by the steady clock.
    pub(super) fn note_heard(&mut self, now: Now) -> Result<Steady, NodeError> {
        let steady = self.steady(now)?;
        let unheard = self.store.unheard()?;
        if unheard.is_empty() {
            return Ok(steady);
        }
        let mut heard: std::collections::BTreeMap<[u8; 16], Heard> = std::collections::BTreeMap::new();
        for new in unheard {
            let new = match new {
                // That somebody does not answer is no word from them.
                Unheard::CheckIn(it) if it.row.state == "missing" => continue,
                Unheard::CheckIn(it) => {
                    let age = self.age(&it, steady, now).max(0);
                    let at = steady.now.saturating_sub(age);
                    Heard { subject: *it.row.person.as_bytes(), at, check_in: Some(it.id) }
                }
                Unheard::Shift(id) => Heard { subject: *id.as_bytes(), at: steady.now, check_in: None },
            };
            let held = match heard.get(&new.subject) {
                Some(held) => Some(*held),
                None => self.store.heard(&new.subject)?,
            };
            // Of a person the latest word counts, of a shift the first.
            if held.is_none_or(|held| new.check_in.is_some() && new.at > held.at) {
                heard.insert(new.subject, new);
            }
        }
        self.keep_heard(Some(heard.into_values().collect()))?;
        Ok(steady)
    }

    /// How old a check-in is that has just come, in milliseconds: by the own ticks, else by the clock of its device where that
    /// was heard, else by the best that its device knew. A clock that is ahead makes nothing younger than now.
    fn age(&self, it: &CheckInRow, steady: Steady, now: Now) -> i64 {
        if it.device == self.device
            && let Some((boot, ticks)) = self.clock_keeper.ticks(&self.device)
            && let Some((their_boot, their_ticks)) = &it.row.ticks
            && *their_boot == super::clock::boot_name(boot)
            && let Some(passed) = ticks.checked_sub(*their_ticks)
        {
            return i64::try_from(passed).unwrap_or(i64::MAX);
        }
        if it.device == self.device {
            return now.at.0.saturating_sub(it.row.at.at.0);
        }
        match self.clock_of(&it.device) {
            Some(theirs) => theirs.0.saturating_sub(it.row.at.at.0),
            None => steady.day.saturating_sub(it.row.best.0),
        }
    }

    /// Keeps what was heard, and where the clock stands. Should the device lose power before that is on the disk, it is worked
    /// out again.
    pub(super) fn keep_heard(&mut self, heard: Option<Vec<Heard>>) -> Result<(), NodeError> {
        let mut commit = Commit::new(self.space);
        commit.settings.extend(self.clock_keeper.steady.map(|anchor| (STEADY.to_owned(), anchor.encode())));
        commit.tried = self.untried.is_empty();
        commit.derived = true;
        commit.heard = heard;
        self.store.commit(commit)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;
    const ONE: Boot = [1; 4];
    const TWO: Boot = [2; 4];

    fn at(boot: Boot, ticks: u64) -> Option<(Boot, u64)> {
        Some((boot, ticks))
    }

    #[test]
    fn a_clock_that_is_set_moves_nothing() {
        let first = Anchor::go_on(None, at(ONE, 500), 10 * DAY);
        for wall in [0, 9 * DAY, 10 * DAY, 11 * DAY, i64::MAX, i64::MIN] {
            assert_eq!(Anchor::go_on(Some(first), at(ONE, 700), wall).at, first.at + 200);
        }
    }

    #[test]
    fn over_a_start_the_time_of_day_counts_and_never_backwards() {
        let first = Anchor::go_on(None, at(ONE, 500), 10 * DAY);
        assert_eq!(Anchor::go_on(Some(first), at(TWO, 3), 10 * DAY + 60_000).at, 10 * DAY + 60_000);
        let back = Anchor::go_on(Some(first), at(TWO, 3), 9 * DAY);
        assert_eq!(back.at, 10 * DAY);
        assert_eq!(Anchor::go_on(Some(back), at(TWO, 1_003), 9 * DAY).at, 10 * DAY + 1_000);
    }

    #[test]
    fn without_a_count_of_its_own_the_device_goes_by_the_time_of_day() {
        let first = Anchor::go_on(None, None, DAY);
        assert_eq!(Anchor::go_on(Some(first), None, DAY + 5).at, DAY + 5);
        assert_eq!(Anchor::go_on(Some(first), None, DAY - 5).at, DAY);
    }

    #[test]
    fn where_it_stood_comes_back() {
        let anchor = Anchor { boot: ONE, ticks: 77, at: -5 };
        assert_eq!(Anchor::decode(&anchor.encode()).unwrap(), anchor);
        assert!(Anchor::decode(&anchor.encode()[..3]).is_err());
    }
}
