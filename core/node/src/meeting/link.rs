use std::collections::{BTreeMap, VecDeque};

use firsthand_channel::{Established, Link, LinkEvent, Purpose};
use firsthand_ids::{DeviceKey, OperationHash, SpaceId, UnixMillis};
use firsthand_log::MAX_MEMBERSHIP_HEADS;
use firsthand_log::codec::{Reader, Writer};
use firsthand_sync::{Pending, Session, Standing};

use super::{EndReason, Inviter, Summary};
use crate::Seen;
use crate::nearby::RunName;

/// How long a handshake may take: a person waits for it, and on a bad link three messages take a few seconds.
pub(crate) const HANDSHAKE_MS: i64 = 20_000;
/// How long two people may take to compare three words.
pub(crate) const WORDS_MS: i64 = 10 * 60_000;
/// How long a further device may wait for a lead to add it.
pub(crate) const LEAD_MS: i64 = 60 * 60_000;
/// How long the other side may be silent while it owes an answer: longer than a phone takes to wake up.
pub(crate) const ANSWER_MS: i64 = 60_000;
/// Frames that may wait while the ledger looks up who is there; an honest peer sends one hello per space.
const MAX_EARLY_FRAMES: usize = 8;

/// One connection.
pub(crate) struct Connection {
    pub(crate) link: Link,
    pub(crate) phase: Phase,
    pub(crate) established: Option<Established>,
    /// Which run of its program the other side said it is.
    pub(crate) run: Option<RunName>,
    /// End the meeting once nothing is left to exchange.
    pub(crate) once: bool,
    /// The other side has gone, and what it said before is looked at once the ledger has answered.
    pub(crate) closed: bool,
    pub(crate) summary: Summary,
    pub(crate) opened: UnixMillis,
    pub(crate) heard: UnixMillis,
    /// Since when the other side owes something, while it does.
    owed_since: Option<UnixMillis>,
    sending: Option<bool>,
}

pub(crate) enum Phase {
    /// Before the channel is open. The heads are those sent in the handshake.
    Handshake { our_heads: Vec<OperationHash>, payload: Option<Vec<u8>> },
    /// The ledger is asked who this is.
    Greeting { our_heads: Vec<OperationHash>, their_heads: Vec<OperationHash>, early: VecDeque<Vec<u8>> },
    /// A session of two members.
    Session(Box<Meeting>),
    /// Somebody joins.
    Joining(Box<Inviter>),
}

pub(crate) struct Meeting {
    pub(crate) session: Session,
    /// Who it is with; `None` until the operations say.
    pub(crate) member: Option<(DeviceKey, String)>,
    pub(crate) complete: bool,
    /// What observers were last told of each space.
    pub(crate) told: BTreeMap<SpaceId, (Standing, Option<Pending>)>,
    /// Answers the ledger still owes.
    pub(crate) asked: usize,
}

impl Meeting {
    /// How the two stand over all spaces; `None` as long as the other side has said nothing of any.
    fn seen(&self) -> Option<Seen> {
        let mut seen = Seen { complete: self.complete, ..Seen::default() };
        let mut told = false;
        for (_, standing) in self.session.standings().filter(|(_, standing)| standing.told) {
            told = true;
            seen.has += (standing.have + standing.we_lack).saturating_sub(standing.they_lack);
            seen.lacks += standing.they_lack;
            seen.we_lack += standing.we_lack;
        }
        seen.files = self.session.peer_pending().map_or(0, |pending| pending.files);
        told.then_some(seen)
    }
}

impl Connection {
    pub(crate) fn new(link: Link, phase: Phase, once: bool, now: UnixMillis) -> Self {
        Self {
            link,
            phase,
            established: None,
            run: None,
            once,
            closed: false,
            summary: Summary::default(),
            opened: now,
            heard: now,
            owed_since: None,
            sending: None,
        }
    }

    pub(crate) fn count_sent(&mut self, bytes: usize) {
        self.summary.bytes_sent += bytes as u64;
        self.turn(true);
    }

    pub(crate) fn count_received(&mut self, bytes: usize, now: UnixMillis) {
        self.summary.bytes_received += bytes as u64;
        self.heard = now;
        self.turn(false);
    }

    fn turn(&mut self, sending: bool) {
        if self.sending != Some(sending) {
            self.summary.turns += 1;
            self.sending = Some(sending);
        }
    }

    /// Bytes from the stream.
    pub(crate) fn open(&mut self, bytes: &[u8]) -> Result<Vec<LinkEvent>, EndReason> {
        self.link.push(bytes).map_err(|_| EndReason::Channel)
    }

    pub(crate) fn purpose(&self) -> Option<Purpose> {
        self.link.purpose()
    }

    /// Keeps a frame that came before the ledger answered.
    pub(crate) fn keep_early(&mut self, frame: Vec<u8>) -> Result<(), EndReason> {
        match &mut self.phase {
            Phase::Greeting { early, .. } if early.len() < MAX_EARLY_FRAMES => {
                early.push_back(frame);
                Ok(())
            }
            _ => Err(EndReason::Misbehaved),
        }
    }

    /// How it stands with a member who has told what they hold; `None` before.
    pub(crate) fn seen(&self) -> Option<Seen> {
        match &self.phase {
            Phase::Session(meeting) if meeting.member.is_some() => meeting.seen(),
            _ => None,
        }
    }

    /// The stream has ended. Whether something that came on it waits for the ledger's answer, which is to be looked at first.
    pub(crate) fn closes_later(&mut self) -> bool {
        let waits = matches!(&self.phase, Phase::Greeting { early, .. } if !early.is_empty());
        self.closed |= waits;
        waits
    }

    /// When this connection is given up unless something happens before.
    pub(crate) fn deadline(&self) -> Option<UnixMillis> {
        match &self.phase {
            Phase::Handshake { .. } => Some(UnixMillis(self.opened.0 + HANDSHAKE_MS)),
            Phase::Joining(inviter) if inviter.proposed => Some(UnixMillis(self.heard.0 + LEAD_MS)),
            Phase::Joining(_) => Some(UnixMillis(self.heard.0 + WORDS_MS)),
            Phase::Session(_) => {
                self.owed_since.map(|since| UnixMillis(since.0.max(self.heard.0) + ANSWER_MS))
            }
            Phase::Greeting { .. } => None,
        }
    }

    /// Takes note of whether it is the other side's turn. Before that it may have been silent for as long as it liked: two who
    /// have everything say nothing for hours.
    pub(crate) fn note_turn(&mut self, now: UnixMillis) {
        let owed = match &self.phase {
            // While this device's own ledger is busy, nobody else is late.
            Phase::Session(meeting) => meeting.asked == 0 && meeting.session.awaits_peer(self.once),
            _ => false,
        };
        self.owed_since = owed.then(|| self.owed_since.unwrap_or(now));
    }
}

/// The handshake payload of two members: which run of the program this is, and the sender's membership heads.
pub(crate) fn encode_payload(run: RunName, heads: &[OperationHash]) -> Vec<u8> {
    let mut out = Writer::new();
    out.byte(1).fixed(run.as_bytes()).number(heads.len() as u64);
    for head in heads {
        out.fixed(head);
    }
    out.into_bytes()
}

/// Reads a handshake payload.
pub(crate) fn decode_payload(payload: &[u8]) -> Result<(RunName, Vec<OperationHash>), EndReason> {
    let read = || {
        let mut reader = Reader::new(payload);
        if reader.byte("payload version")? != 1 {
            return Err(reader.malformed("payload version"));
        }
        let run = RunName::from_bytes(reader.array("run")?);
        let count = reader.count(MAX_MEMBERSHIP_HEADS, "membership heads")?;
        let mut heads = Vec::with_capacity(count);
        for _ in 0..count {
            heads.push(OperationHash::new(reader.array("membership head")?));
        }
        reader.finish("payload")?;
        Ok((run, heads))
    };
    read().map_err(|_: firsthand_log::LogError| EndReason::Misbehaved)
}
