use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

/// How far ahead of this device's own clock a time heard from a peer may pull the hybrid clock: 10 minutes
/// (model.md, "Ordering"), so that one wrong clock does not carry a whole team into next year.
pub const MAX_CLOCK_LEAD_MS: i64 = 10 * 60 * 1000;

/// A hybrid logical time: wall-clock milliseconds and a counter that orders what falls into the same one.
///
/// Packed into 64 bits: 48 of milliseconds (enough until the year 10889) and 16 of counter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HybridTime(u64);

impl HybridTime {
    /// The earliest time.
    pub const ZERO: Self = Self(0);

    /// Builds a time; milliseconds before 1970 or past 48 bits are clamped.
    #[must_use]
    pub const fn new(at: UnixMillis, counter: u16) -> Self {
        let max = (1i64 << 48) - 1;
        let millis = if at.0 < 0 {
            0
        } else if at.0 > max {
            max
        } else {
            at.0
        };
        Self(((millis as u64) << 16) | counter as u64)
    }

    /// The packed form.
    #[must_use]
    pub const fn packed(self) -> u64 {
        self.0
    }

    /// Reads the packed form; every value is a time.
    #[must_use]
    pub const fn from_packed(packed: u64) -> Self {
        Self(packed)
    }

    /// The wall-clock part.
    #[must_use]
    pub const fn millis(self) -> UnixMillis {
        UnixMillis((self.0 >> 16) as i64)
    }

    /// The counter within the millisecond.
    #[must_use]
    pub const fn counter(self) -> u16 {
        self.0 as u16
    }

    /// The smallest time after this one.
    #[must_use]
    pub const fn successor(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A wall-clock reading as the person's phone showed it: the instant, and the offset of local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LocalTime {
    /// The instant by this device's clock.
    pub at: UnixMillis,
    /// Local time minus UTC, in minutes: -720 to 840 in practice.
    pub offset_minutes: i16,
}

/// A hybrid logical clock. It never reads a wall clock: callers pass `now`.
#[derive(Debug, Clone, Copy, Default)]
pub struct HybridClock {
    last: HybridTime,
}

impl HybridClock {
    /// A clock that continues after `last`.
    #[must_use]
    pub const fn resume(last: HybridTime) -> Self {
        Self { last }
    }

    /// The last time given out or accepted.
    #[must_use]
    pub const fn last(&self) -> HybridTime {
        self.last
    }

    /// The time of a new local event: later than everything given out before, even when `now` went backwards.
    pub fn tick(&mut self, now: UnixMillis) -> HybridTime {
        self.last = HybridTime::new(now, 0).max(self.last.successor());
        self.last
    }

    /// Takes note of a time heard from elsewhere, at most [`MAX_CLOCK_LEAD_MS`] ahead of `now`.
    pub fn observe(&mut self, heard: HybridTime, now: UnixMillis) {
        let limit = HybridTime::new(UnixMillis(now.0.saturating_add(MAX_CLOCK_LEAD_MS)), u16::MAX);
        self.last = self.last.max(heard.min(limit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_still_moves_forward() {
        let mut clock = HybridClock::default();
        let first = clock.tick(UnixMillis(1_000_000));
        let second = clock.tick(UnixMillis(500));
        assert!(second > first);
        assert_eq!(second.millis(), UnixMillis(1_000_000));
        assert_eq!(second.counter(), 1);
    }

    #[test]
    fn a_peer_a_year_ahead_pulls_ten_minutes_at_most() {
        let mut clock = HybridClock::default();
        clock.observe(HybridTime::new(UnixMillis(1 << 45), 0), UnixMillis(1_000));
        assert_eq!(clock.last().millis(), UnixMillis(1_000 + MAX_CLOCK_LEAD_MS));
    }

    #[test]
    fn the_counter_overflows_into_the_next_millisecond() {
        let mut clock = HybridClock::resume(HybridTime::new(UnixMillis(7), u16::MAX));
        assert_eq!(clock.tick(UnixMillis(7)), HybridTime::new(UnixMillis(8), 0));
    }

    #[test]
    fn packing_clamps_what_does_not_fit() {
        assert_eq!(HybridTime::new(UnixMillis(-5), 3).millis(), UnixMillis(0));
        assert_eq!(HybridTime::new(UnixMillis(i64::MAX), 0).millis(), UnixMillis((1 << 48) - 1));
    }
}
