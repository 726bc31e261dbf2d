use firsthand_team::Membership;
use zeroize::Zeroizing;

use super::DeviceKeys;

/// What the head file keeps for the case that the database is lost: the device's keys and the team's first operation.
/// Everything else can be had from peers.
pub(super) fn kept(keys: &DeviceKeys, membership: &Membership) -> Zeroizing<Vec<u8>> {
    let mut kept = Zeroizing::new(Vec::with_capacity(512));
    kept.extend_from_slice(keys.signing.seed());
    kept.extend_from_slice(keys.exchange.as_bytes());
    if let Some((_, first)) = membership.all().first() {
        kept.extend_from_slice(first);
    }
    kept
}
