//! Keys sealed to devices.

use firsthand_ids::DeviceKey;
use firsthand_seal::{Binding, DeviceExchange, EpochKey, SealError, open_box, seal_to};
use firsthand_team::KeyBox;
use proptest::prelude::*;

use crate::support::{SPACE, TEAM, exchange};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_box_opens_for_its_device_and_is_made_again_by_all(
        key: [u8; 32], secret: [u8; 32], other: [u8; 32], device: [u8; 32], at in 0..KeyBox::BYTES, bit in 0..8u8,
    ) {
        let key = EpochKey::from_bytes(key);
        let binding = Binding::new(TEAM, SPACE, &key);
        let device = DeviceKey::new(device);
        let made = seal_to(&key, &binding, device, &exchange(&secret)).unwrap();
        let mine = DeviceExchange::from_bytes(&secret).unwrap();
        prop_assert_eq!(&open_box(&mine, &binding, &made).unwrap(), &key);
        prop_assert_eq!(seal_to(&key, &binding, device, &exchange(&secret)).unwrap(), made);

        let stranger = DeviceExchange::from_bytes(&other).unwrap();
        prop_assert_eq!(open_box(&stranger, &binding, &made), Err(SealError::Closed));
        let mut altered = made;
        altered.sealed[at] ^= 1 << bit;
        // The top bit of a point has no meaning in X25519, but HPKE binds it.
        prop_assert_eq!(open_box(&mine, &binding, &altered), Err(SealError::Closed));
        let renamed = KeyBox { device: DeviceKey::new(other), ..made };
        prop_assert_eq!(open_box(&mine, &binding, &renamed), Err(SealError::Closed));
        let elsewhere = Binding { team: firsthand_ids::TeamId::new(other), ..binding };
        prop_assert_eq!(open_box(&mine, &elsewhere, &made), Err(SealError::Closed));
        let elsewhere = Binding { space: firsthand_ids::SpaceId::new([1; 16]), ..binding };
        prop_assert_eq!(open_box(&mine, &elsewhere, &made), Err(SealError::Closed));
    }
}

#[test]
fn a_box_whose_key_is_not_the_one_committed_to_is_refused() {
    let (key, other) = (EpochKey::from_bytes([1; 32]), EpochKey::from_bytes([2; 32]));
    // Sealed by somebody who names the commitment of another key.
    let binding = Binding::new(TEAM, SPACE, &other);
    let made = seal_to(&key, &binding, DeviceKey::new([4; 32]), &exchange(&[3; 32])).unwrap();
    let mine = DeviceExchange::from_bytes(&[3; 32]).unwrap();
    assert_eq!(open_box(&mine, &binding, &made), Err(SealError::Closed));
}
