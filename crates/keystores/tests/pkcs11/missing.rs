//! Objects that were deleted behind our back.

use super::support::SoftHsm;
use super::{connected, eventually, generate, open, pin, seal, start, works};
use keys::HsmKey;
use keystores::{HsmFailure, TransportKeys};
use std::time::{Duration, Instant};

/// Deletes a key on some members by another process.
async fn delete(hsm: &SoftHsm, members: &[&str], key: &HsmKey) {
    let other = start(hsm.cluster_of(members));
    other.connect(pin(), &TransportKeys::default()).await.unwrap();
    let destroyed = other.destroy_key(pin(), key).await.unwrap();
    assert_eq!(destroyed.members.len(), members.len());
    other.cluster().stop();
}

#[tokio::test]
async fn a_member_that_lost_a_key_gets_its_copy() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    let blob = seal(&client, &key).await.unwrap();
    delete(&hsm, &["a"], &key).await;
    for _ in 0..8 {
        assert_eq!(open(&client, &key, &blob).await.unwrap(), super::INNER);
    }
    assert!(!client.cluster().is_missing(&key));
    hsm.faults("b * removed");
    assert_eq!(open(&client, &key, &blob).await.unwrap(), super::INNER);
}

#[tokio::test]
async fn a_key_that_was_taken_from_all_members_is_missing_and_not_brought_back() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    let blob = seal(&client, &key).await.unwrap();
    delete(&hsm, &["a", "b"], &key).await;
    let missing = || Some(HsmFailure::KeyMissing.into());
    assert_eq!(open(&client, &key, &blob).await.err(), missing());
    assert!(client.cluster().is_missing(&key));
    // A member that goes away afterwards is known not to have it.
    hsm.faults("b * removed");
    eventually(async || client.cluster().active_members() == 1).await;
    assert!(open(&client, &key, &blob).await.is_err());
    assert!(client.cluster().is_missing(&key));
}

#[tokio::test]
async fn a_member_that_lost_a_key_gets_its_copy_also_while_the_others_are_away() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    let blob = seal(&client, &key).await.unwrap();
    delete(&hsm, &["a"], &key).await;
    hsm.faults("b * removed");
    assert_eq!(open(&client, &key, &blob).await.unwrap(), super::INNER);
    assert!(works(&client, &key).await.is_ok());
}

#[tokio::test]
async fn a_key_whose_copies_cannot_be_unwrapped_is_missing_until_a_member_has_it_again() {
    let hsm = SoftHsm::with(&["a", "b", "c"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    let blob = seal(&client, &key).await.unwrap();
    client.cluster().stop();
    hsm.initialise(&["--token", "a", "--label", "a"]);
    hsm.initialise(&["--token", "b", "--label", "b"]);
    hsm.faults("c * removed");
    let (client, _) = connected(hsm.cluster()).await;
    let missing = || Some(HsmFailure::KeyMissing.into());
    assert_eq!(open(&client, &key, &blob).await.err(), missing());
    assert!(client.cluster().is_missing(&key));
    let began = Instant::now();
    assert_eq!(open(&client, &key, &blob).await.err(), missing());
    assert!(began.elapsed() < Duration::from_millis(50), "{:?}", began.elapsed());
    // The third member comes back with its key and is found by itself.
    hsm.faults("");
    eventually(async || !client.cluster().is_missing(&key)).await;
    assert_eq!(open(&client, &key, &blob).await.unwrap(), super::INNER);
}
