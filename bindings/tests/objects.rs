//! The objects as Rust sees them: what does not depend on a language. The languages have tests of their own beside this one.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use firsthand_bindings::{ApiError, CancelToken, KeyVault, Node, Platform, PortError, Refusal};
use firsthand_record::Incident;
use tempfile::TempDir;

const PASSPHRASE: &str = "five words picked at random";

async fn found(dir: &TempDir, platform: Platform) -> Result<Arc<Node>, ApiError> {
    let folder = dir.path().join("home").to_str().unwrap().to_owned();
    Node::create(folder, PASSPHRASE.into(), "River".into(), "Amina".into(), platform).await
}

#[derive(Default)]
struct Vault {
    refusal: Mutex<Option<PortError>>,
}

impl KeyVault for Vault {
    fn secret(&self) -> Result<Option<Vec<u8>>, PortError> {
        match self.refusal.lock().unwrap().clone() {
            Some(refusal) => Err(refusal),
            None => Ok(Some(vec![7; 32])),
        }
    }

    fn installation(&self) -> Result<Vec<u8>, PortError> {
        Ok(vec![1; 15])
    }
}

#[tokio::test]
async fn a_vault_without_a_whole_number_is_an_error() {
    let dir = TempDir::new().unwrap();
    let platform = Platform { vault: Some(Arc::new(Vault::default())), ..Platform::default() };
    let failed = found(&dir, platform).await.err();
    assert_eq!(failed, Some(ApiError::KeyStore { gone: false }));
}

#[tokio::test]
async fn objects_of_a_home_that_is_over_say_that_it_is_locked() {
    let dir = TempDir::new().unwrap();
    let node = found(&dir, Platform::default()).await.unwrap();
    let (team, incidents) = (node.team(), node.incidents());
    incidents.add(Incident::default()).await.unwrap();
    node.shutdown().await.unwrap();
    let locked = ApiError::Locked { tries_left: None };
    assert_eq!(team.state().await, Err(locked.clone()));
    assert_eq!(incidents.conflicts().await, Err(locked.clone()));
    assert_eq!(node.shutdown().await, Err(locked));
    assert!(!node.is_open());
}

#[tokio::test]
async fn a_token_that_was_used_stops_what_begins_later() {
    let dir = TempDir::new().unwrap();
    let node = found(&dir, Platform::default()).await.unwrap();
    let cancel = CancelToken::new();
    cancel.cancel();
    // Nobody listens there; the token is looked at first.
    let met = node.syncing().meet_once("127.0.0.1:1".into(), Some(cancel)).await;
    assert_eq!(met, Err(ApiError::Cancelled));
    let met = node.syncing().meet_once("127.0.0.1:1".into(), None).await;
    assert!(matches!(met, Err(ApiError::NoAnswer { .. })), "{met:?}");
    let again = found(&dir, Platform::default()).await.err();
    assert!(
        matches!(again, Some(ApiError::Refused { why: Refusal::Exists, .. } | ApiError::InUse)),
        "{again:?}"
    );
}
