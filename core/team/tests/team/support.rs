//! Devices with fixed keys, and operations signed without asking whether they are allowed.

use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash, TeamId};
use firsthand_log::DeviceSecret;
use firsthand_team::{Body, JoinRequest, Membership, Operation, Role};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub(crate) const FOUNDER: u8 = 1;

pub(crate) fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

pub(crate) fn below(rng: &mut ChaCha8Rng, end: usize) -> usize {
    rng.next_u64() as usize % end
}

pub(crate) fn shuffle<T>(rng: &mut ChaCha8Rng, items: &mut [T]) {
    for at in (1..items.len()).rev() {
        items.swap(at, below(rng, at + 1));
    }
}

pub(crate) fn secret(number: u8) -> DeviceSecret {
    DeviceSecret::from_seed([number; 32]).unwrap()
}

pub(crate) fn key(number: u8) -> DeviceKey {
    secret(number).key()
}

pub(crate) fn exchange(number: u8) -> ExchangeKey {
    let mut key = [0xe0; 32];
    key[0] = number;
    ExchangeKey::new(key)
}

pub(crate) fn name(number: u8) -> String {
    format!("Person {number}")
}

/// A team with nobody but its founder, device 1.
pub(crate) fn team() -> Membership {
    let (team, person) = ("Río Team", name(FOUNDER));
    Membership::found(&secret(FOUNDER), exchange(FOUNDER), team, &person, [7; 32], [9; 16]).unwrap()
}

pub(crate) fn request(team: &TeamId, number: u8) -> JoinRequest {
    JoinRequest::sign(&secret(number), team, &exchange(number), &name(number)).unwrap()
}

/// What `author` would sign through the program.
pub(crate) fn add(team: &mut Membership, author: u8, number: u8, role: Role) -> OperationHash {
    let request = request(team.team(), number);
    team.add(&secret(author), &request, exchange(number), role).unwrap().0
}

pub(crate) fn add_body(team: &TeamId, number: u8, exchange: ExchangeKey, role: Role) -> Body {
    let request = JoinRequest::sign(&secret(number), team, &exchange, &name(number)).unwrap();
    Body::Add { name: request.name, role, device: request.device, exchange, consent: request.consent }
}

/// An operation by an author who asks nobody.
pub(crate) fn sign(
    team: &TeamId,
    author: u8,
    sequence: u64,
    parents: &[OperationHash],
    body: Body,
) -> (OperationHash, Vec<u8>) {
    let mut parents = parents.to_vec();
    parents.sort_unstable();
    parents.dedup();
    let operation = Operation::sign(&secret(author), Some(team), sequence, parents, body);
    (operation.hash(Some(team)), operation.encode())
}

pub(crate) fn bytes(operations: Vec<(OperationHash, Vec<u8>)>) -> Vec<Vec<u8>> {
    operations.into_iter().map(|(_, bytes)| bytes).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
