//! What a mailbox and what is in it are called. The expected bytes were computed by a second implementation, written in Python
//! after docs/formats/attach.md.

use firsthand_ids::{DeviceKey, ExchangeKey, WriterId};
use firsthand_seal::{EpochKey, MailboxKeys};

#[test]
fn names_and_keys_follow_from_the_epoch_and_the_relay() {
    let epoch = EpochKey::from_bytes([0x11; 32]);
    let keys = MailboxKeys::of(&epoch, &ExchangeKey::new([0x22; 32]));
    let mailbox = keys.secret().unwrap().key().to_string();
    assert_eq!(mailbox, "173a3c96d30d9ec5d346d50a92aecd3ddf67430fba94c820839744ed1ba17160");
    assert_eq!(keys.writer(&WriterId::new([0x33; 16])).to_string(), "9336fb43e33c8f5a9474677862b477a0");
    assert_eq!(keys.journal(&DeviceKey::new([0x44; 32])).to_string(), "eea51fd710a0fee721af8c95dd6f41e9");
    let uploader = keys.uploader(&[0x55; 32]).unwrap().key().to_string();
    assert_eq!(uploader, "4d672e106d6bc1e13a379c7fb1d072cc2d0cda36ae573795792c8749968418d3");
    // At another relay, and in another epoch, nothing is the same.
    for other in [
        MailboxKeys::of(&epoch, &ExchangeKey::new([0x23; 32])),
        MailboxKeys::of(&EpochKey::from_bytes([0x12; 32]), &ExchangeKey::new([0x22; 32])),
    ] {
        assert_ne!(other.secret().unwrap().key(), keys.secret().unwrap().key());
        assert_ne!(other.writer(&WriterId::new([0x33; 16])), keys.writer(&WriterId::new([0x33; 16])));
        assert_ne!(other.uploader(&[0x55; 32]).unwrap().key(), keys.uploader(&[0x55; 32]).unwrap().key());
    }
    assert_eq!(format!("{keys:?}"), "MailboxKeys(..)");
}
