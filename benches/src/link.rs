//! Two devices connected in memory, through the machines that a real meeting uses: the bytes counted are the sealed
//! bytes that would stand on the wire.
//!
//! Time is counted in *flights*: everything sent during one flight arrives in the next, on both sides at once, as on a
//! network whose delay is all that counts. Two flights are a round trip.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use firsthand_ids::{LocalTime, UnixMillis};
use firsthand_node::meeting::{EndReason, Event, Opened, Question};
use firsthand_node::{Meetings, Summary, meeting};

use crate::Outcome;
use crate::device::Device;

const LINK: u64 = 1;
/// The first two messages of the handshake; the third travels with the first frame.
const HANDSHAKE_FLIGHTS: u32 = 2;

/// What a meeting cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Met {
    /// Everything that was sent in both directions, handshake, seals and farewell included.
    pub(crate) bytes: u64,
    /// The same until both held everything.
    pub(crate) bytes_until_equal: u64,
    /// Flights from the first byte until both held everything, durably.
    pub(crate) flights_until_equal: u32,
    /// How often the direction of the talk changed, as the dialling device counts it.
    pub(crate) turns: u32,
    /// Sealed pieces in both directions.
    pub(crate) messages: usize,
    /// From the first byte until both held everything, durably, every chain verified. Both devices share this processor's
    /// time.
    pub(crate) time: Duration,
    /// The same until all of it was in the documents and their rows as well.
    pub(crate) time_applied: Duration,
}

impl Met {
    /// Round trips until both held everything, from the first byte of the handshake.
    pub(crate) fn round_trips(&self) -> f64 {
        f64::from(self.flights_until_equal) / 2.0
    }

    /// The same without the handshake.
    pub(crate) fn round_trips_after_handshake(&self) -> f64 {
        f64::from(self.flights_until_equal.saturating_sub(HANDSHAKE_FLIGHTS)) / 2.0
    }
}

/// Somebody who looks on while a device receives; what that takes is not counted.
pub(crate) type Observer<'a> = &'a mut dyn FnMut(&Device, u64) -> Outcome<()>;

struct Side<'a> {
    device: &'a mut Device,
    meetings: Meetings,
    sent: Vec<Vec<u8>>,
    /// When the last batch was kept here.
    kept: Option<Instant>,
    ended: Option<(EndReason, Summary)>,
}

impl<'a> Side<'a> {
    fn new(device: &'a mut Device) -> Self {
        let meetings = Meetings::new(device.ledger.identity());
        Self { device, meetings, sent: Vec::new(), kept: None, ended: None }
    }

    fn handle(&mut self, input: meeting::Input, now: LocalTime) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.meetings.handle(&mut self.device.rng, UnixMillis(0), input) {
                match effect {
                    meeting::Effect::Send(_, bytes) => self.sent.push(bytes),
                    meeting::Effect::TellWhenTaken(link) => inputs.push_back(meeting::Input::Taken(link)),
                    meeting::Effect::Ask(link, question) => {
                        let keeps = matches!(
                            question,
                            Question::Session { effect: firsthand_sync::Effect::Commit { .. }, .. }
                        );
                        let answer = self.device.ledger.answer(question, now);
                        if keeps {
                            self.kept = Some(Instant::now());
                        }
                        inputs.push_back(meeting::Input::Answer(link, Box::new(answer)));
                    }
                    meeting::Effect::Tell(Event::Ended { reason, summary, .. }) => {
                        self.ended = Some((reason, summary));
                    }
                    meeting::Effect::Tell(_) | meeting::Effect::Close(_) => {}
                }
            }
        }
    }
}

/// Lets two devices meet until neither has anything left to get.
pub(crate) fn meet(dials: &mut Device, answers: &mut Device, now: LocalTime) -> Outcome<Met> {
    meet_observed(dials, answers, now, &mut |_, _| Ok(()))
}

/// As [`meet`]; `observe` sees the dialling device, with the bytes that it has received, after each piece.
pub(crate) fn meet_observed(
    dials: &mut Device,
    answers: &mut Device,
    now: LocalTime,
    observe: Observer<'_>,
) -> Outcome<Met> {
    let space = *dials.ledger.space();
    let start = Instant::now();
    let mut watched = Duration::ZERO;
    let (mut dials, mut answers) = (Side::new(dials), Side::new(answers));
    answers.handle(meeting::Input::Opened(LINK, Opened::Accepted { once: true }), now);
    dials.handle(meeting::Input::Opened(LINK, Opened::Dialled { once: true }), now);
    let mut met = Met::default();
    let (mut flights, mut received) = (0, 0);
    let mut equal = false;
    loop {
        let to_answers = std::mem::take(&mut dials.sent);
        let to_dials = std::mem::take(&mut answers.sent);
        if to_answers.is_empty() && to_dials.is_empty() {
            break;
        }
        flights += 1;
        for bytes in to_answers {
            met.bytes += bytes.len() as u64;
            met.messages += 1;
            answers.handle(meeting::Input::Bytes(LINK, bytes), now);
        }
        for bytes in to_dials {
            met.bytes += bytes.len() as u64;
            received += bytes.len() as u64;
            met.messages += 1;
            dials.handle(meeting::Input::Bytes(LINK, bytes), now);
            let before = Instant::now();
            observe(dials.device, received)?;
            watched += before.elapsed();
        }
        let same = dials.device.ledger.store().vector(&space) == answers.device.ledger.store().vector(&space);
        if same && !equal {
            let kept = dials.kept.max(answers.kept).unwrap_or_else(Instant::now);
            met.time = kept - start - watched;
            met.time_applied = start.elapsed() - watched;
            met.flights_until_equal = flights;
            met.bytes_until_equal = met.bytes;
        }
        equal = same;
    }
    match (equal, dials.ended) {
        (true, Some((EndReason::Done, summary))) => Ok(Met { turns: summary.turns, ..met }),
        (_, ended) => Err(format!("let two devices meet: {:?}", ended.map(|(reason, _)| reason)).into()),
    }
}
