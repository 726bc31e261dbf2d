//! Bytes changed, cut, repeated, reordered, borrowed from another meeting, or made up.

use firsthand_channel::{ChannelError, Link};
use proptest::prelude::*;
use rand_chacha::rand_core::Rng;

use crate::support::{Heard, STEPS, initiator, join, meet, meeting, pair, responder, rng, undisturbed};

fn is_prefix(part: &Heard, whole: &Heard) -> bool {
    whole.initiator.starts_with(&part.initiator) && whole.responder.starts_with(&part.responder)
}

/// What must hold when the bytes of one step were changed: whatever is heard is what was said, in order, and
/// not all of it unless the bytes of the step still begin as they did.
fn check(what: &str, step: usize, original: &[u8], changed: &[u8], heard: &Heard, whole: &Heard) {
    assert!(is_prefix(heard, whole), "{what} in step {step}: heard what was not said");
    let complete = if step.is_multiple_of(2) {
        heard.responder.len() == whole.responder.len()
    } else {
        heard.initiator.len() == whole.initiator.len()
    };
    assert!(!complete || changed.starts_with(original), "{what} in step {step}: all was heard all the same");
}

#[test]
fn no_changed_bit_goes_unnoticed() {
    let (steps, whole) = undisturbed(1);
    for (step, original) in steps.iter().enumerate() {
        for at in 0..original.len() {
            let mut changed = original.clone();
            changed[at] ^= 1 << (at % 8);
            let (heard, _) = meeting(1, |number, bytes| if number == step { changed.clone() } else { bytes });
            check("one bit", step, original, &changed, &heard, &whole);
        }
    }
}

#[test]
fn ten_thousand_mutants_and_none_is_accepted() {
    let (steps, whole) = undisturbed(1);
    let (other, _) = undisturbed(100);
    let mut rng = rng(50);
    let mut below = move |bound: usize| (rng.next_u64() % bound as u64) as usize;
    for _ in 0..10_000 {
        let step = below(STEPS);
        let original = &steps[step];
        let len = original.len();
        let mut changed = original.clone();
        let what = match below(8) {
            0 => {
                for _ in 0..=below(4) {
                    changed[below(len)] ^= 1 << below(8);
                }
                "bits"
            }
            1 => {
                changed.truncate(below(len));
                "end cut off"
            }
            2 => {
                let from = below(len);
                changed.drain(from..from + 1 + below(len - from));
                "middle cut out"
            }
            3 => {
                let from = below(len);
                let to = from + 1 + below(len - from);
                changed.splice(to..to, original[from..to].iter().copied());
                "part repeated"
            }
            4 => {
                changed.rotate_left(below(len));
                "order changed"
            }
            5 => {
                changed = steps[below(STEPS)].clone();
                "another step replayed"
            }
            6 => {
                changed = other[below(STEPS)].clone();
                "step of another meeting"
            }
            _ => {
                let at = below(len);
                let theirs = &other[step][at.min(other[step].len())..];
                changed.splice(at.., theirs.iter().copied());
                "spliced with another meeting"
            }
        };
        if changed == *original {
            continue;
        }
        let (heard, _) = meeting(1, |number, bytes| if number == step { changed.clone() } else { bytes });
        // A repeated or replayed hello alone makes no meeting; what counts is that nothing false is heard.
        check(what, step, original, &changed, &heard, &whole);
    }
}

#[test]
fn a_replayed_meeting_stops_at_the_second_message() {
    // Somebody recorded a whole meeting and plays the initiator's part to the same responder, which draws a
    // fresh ephemeral key.
    let (steps, _) = undisturbed(1);
    let mut two = responder(vec![meet()], 77);
    two.push(&steps[0]).unwrap();
    two.reply(b"heads of the responder").unwrap();
    assert_eq!(two.peer_key(), None);
    assert_eq!(two.push(&steps[2]), Err(ChannelError::Refused));
}

#[test]
fn equal_frames_do_not_look_equal_and_cannot_be_swapped() {
    let mut both = pair(&meet(), 1).unwrap();
    let first = both.initiator.send(b"the same").unwrap();
    let second = both.initiator.send(b"the same").unwrap();
    assert_ne!(first, second);
    assert_eq!(both.responder.push(&second), Err(ChannelError::Altered));
    assert_eq!(both.responder.push(&first), Err(ChannelError::Closed));
    assert_eq!(both.responder.send(b"anything"), Err(ChannelError::Closed));

    // Nor can a side be fed its own frames.
    let mut both = pair(&meet(), 1).unwrap();
    let own = both.initiator.send(b"mine").unwrap();
    assert_eq!(both.initiator.push(&own), Err(ChannelError::Altered));
}

/// Where a link can be when garbage reaches it.
fn links() -> Vec<Link> {
    let (_, hello) = initiator(&meet(), 1);
    let mut answered = responder(vec![join(), meet()], 2);
    answered.push(&hello).unwrap();
    answered.reply(b"heads").unwrap();
    let both = pair(&meet(), 3).unwrap();
    vec![
        responder(vec![join(), meet()], 2),
        initiator(&meet(), 1).0,
        answered,
        both.initiator,
        both.responder,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn garbage_is_never_accepted_and_never_panics(
        garbage in prop::collection::vec(any::<u8>(), 0..2_000),
        plausible in any::<bool>(),
        cut in 1usize..500,
    ) {
        for (number, mut link) in links().into_iter().enumerate() {
            let mut bytes = garbage.clone();
            if plausible {
                // Get past the purpose and the length, so that the cryptography sees the rest.
                let head: &[u8] = match number {
                    0 => &[1, 0, 48],
                    1 => &[0, 112],
                    _ => &[0, 80],
                };
                bytes.splice(..0, head.iter().copied());
            }
            for piece in bytes.chunks(cut) {
                match link.push(piece) {
                    Ok(events) => prop_assert!(events.is_empty(), "garbage led to {events:?}"),
                    Err(_) => break,
                }
            }
            let _ = link.reply(b"x");
            let _ = link.send(b"x");
        }
    }
}
