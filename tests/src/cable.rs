use std::collections::VecDeque;

use firsthand_node::LinkId;

use crate::Dice;

/// What was done to a cable, which excuses an unhappy end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taint {
    /// It was cut, or one of its ends crashed.
    pub cut: bool,
    /// It stood still for a while.
    pub stalled: bool,
    /// A bit was flipped on the way.
    pub corrupted: bool,
    /// One of its ends lies.
    pub tampered: bool,
    /// Somebody joins over it.
    pub joining: bool,
    /// One of its ends is no member.
    pub stranger: bool,
}

/// A stream between two devices: what one end sends arrives at the other in order, in pieces of any size.
pub struct Cable {
    pub id: LinkId,
    /// The one who dialled, and the one who was dialled.
    pub ends: [usize; 2],
    /// From each end to the other.
    pub pipes: [Pipe; 2],
    /// Ends that have closed it or are gone.
    pub gone: [bool; 2],
    pub stalled: bool,
    pub taint: Taint,
    /// How many bytes each end has sent.
    pub sent: [usize; 2],
    /// Everything that was sent, where the world keeps it.
    pub capture: Option<Vec<u8>>,
}

/// One direction.
#[derive(Default)]
pub struct Pipe {
    pub bytes: VecDeque<u8>,
    /// Nothing follows what is in `bytes`.
    pub fin: bool,
    /// The receiver was told.
    pub ended: bool,
    /// How many bytes are still to be delivered until the sender is told that the stream has taken what it sent.
    pub mark: Option<usize>,
    /// How many bytes are still to be delivered up to the flipped bit.
    pub flipped: Option<usize>,
    /// The flipped bit has been delivered.
    pub spoilt: bool,
}

impl Cable {
    #[must_use]
    pub fn new(id: LinkId, from: usize, to: usize) -> Self {
        Self {
            id,
            ends: [from, to],
            pipes: [Pipe::default(), Pipe::default()],
            gone: [false; 2],
            stalled: false,
            taint: Taint::default(),
            sent: [0; 2],
            capture: None,
        }
    }

    /// Which end a device is.
    #[must_use]
    pub fn side(&self, device: usize) -> Option<usize> {
        self.ends.iter().position(|end| *end == device)
    }

    pub fn send(&mut self, side: usize, bytes: &[u8]) {
        self.sent[side] += bytes.len();
        if let Some(capture) = &mut self.capture {
            capture.extend_from_slice(bytes);
        }
        let pipe = &mut self.pipes[side];
        if !pipe.fin {
            pipe.bytes.extend(bytes);
        }
    }

    /// Whether the direction that begins at `side` has something to deliver.
    #[must_use]
    pub fn deliverable(&self, side: usize) -> bool {
        let pipe = &self.pipes[side];
        !self.stalled && !self.gone[1 - side] && !pipe.ended && (pipe.fin || !pipe.bytes.is_empty())
    }

    /// The sender at `side` wants to know when what it has sent is gone.
    pub fn mark(&mut self, side: usize) {
        let pipe = &mut self.pipes[side];
        pipe.mark = Some(pipe.bytes.len());
    }

    /// Whether the sender at `side` is to be told so now.
    pub fn taken(&mut self, side: usize) -> bool {
        self.pipes[side].mark.take_if(|left| *left == 0).is_some()
    }

    /// The next piece of a direction; empty where the stream has ended.
    pub fn piece(&mut self, side: usize, dice: &mut Dice) -> Vec<u8> {
        let pipe = &mut self.pipes[side];
        let there = pipe.bytes.len();
        if there == 0 {
            pipe.ended = true;
            return Vec::new();
        }
        let len = match dice.below(10) {
            0..6 => there,
            6..9 => 1 + dice.below(there),
            _ => 1 + dice.below(there.min(16)),
        };
        if let Some(left) = &mut pipe.flipped {
            if *left < len {
                pipe.spoilt = true;
                pipe.flipped = None;
            } else {
                *left -= len;
            }
        }
        if let Some(left) = &mut pipe.mark {
            *left = left.saturating_sub(len);
        }
        pipe.bytes.drain(..len).collect()
    }

    /// Cuts the cable: some of what is on the way may still arrive.
    pub fn cut(&mut self, dice: &mut Dice) {
        self.taint.cut = true;
        for pipe in &mut self.pipes {
            let kept = dice.below(pipe.bytes.len() + 1);
            pipe.bytes.truncate(kept);
            pipe.fin = true;
        }
    }

    /// Flips a bit of what is on the way; false where nothing is.
    pub fn corrupt(&mut self, dice: &mut Dice) -> bool {
        let side = dice.below(2);
        for side in [side, 1 - side] {
            let pipe = &mut self.pipes[side];
            if !pipe.bytes.is_empty() && !self.gone[1 - side] && pipe.flipped.is_none() && !pipe.spoilt {
                let at = dice.below(pipe.bytes.len());
                pipe.bytes[at] ^= 1 << dice.below(8);
                pipe.flipped = Some(at);
                self.taint.corrupted = true;
                return true;
            }
        }
        false
    }
}
