use std::collections::BTreeSet;

use firsthand_node::meeting::{Answer, Question};
use firsthand_sync::{Effect, Input, Refusal};

use crate::{Clock, World};

/// Gives `to` everything that `from` has and it lacks, as a meeting does, until something is refused; calls `kept` after each batch.
/// What came is kept, and not in documents yet.
///
/// # Errors
/// Why `to` refused a batch, or why `from` had none.
pub fn try_bring(
    world: &mut World,
    from: usize,
    to: usize,
    mut kept: impl FnMut(&mut World),
) -> Result<(), Refusal> {
    let peer = world.devices[from].ledger().identity().exchange.public().unwrap();
    let now = Clock::default().at(0);
    loop {
        let ledger = world.devices[to].ledger();
        let space = *ledger.space();
        let receiver = ledger.store().vector(&space);
        let effect = Effect::Load { space, receiver, forks: BTreeSet::new(), only: None };
        let answer = world.devices[from].ledger().answer(Question::Session { peer, effect }, now);
        let Answer::Session { input: Input::Loaded { batch, .. }, .. } = answer else { panic!("no batch") };
        let Some(batch) = batch? else { return Ok(()) };
        let effect = Effect::Commit { space, plain: batch.plain };
        let answer = world.devices[to].ledger().answer(Question::Session { peer, effect }, now);
        let Answer::Session { input: Input::Committed { result, .. }, .. } = answer else {
            panic!("no answer")
        };
        result?;
        kept(world);
    }
}

/// The same where nothing is refused.
pub fn bring(world: &mut World, from: usize, to: usize, kept: impl FnMut(&mut World)) {
    try_bring(world, from, to, kept).unwrap();
}
