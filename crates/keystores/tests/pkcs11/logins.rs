//! Why a cluster cannot be connected, each told apart, and what stays connected.

use super::support::SoftHsm;
use super::{connected, eventually, generate, pin, seal, start, works};
use keystores::{ClusterSettings, HsmFailure, Pin, StoreError, TransportKeys};
use std::time::{Duration, Instant};

async fn refusal(settings: ClusterSettings) -> Option<StoreError> {
    start(settings).connect(pin(), &TransportKeys::default()).await.err()
}

#[tokio::test]
async fn what_keeps_a_cluster_from_being_connected_is_told_apart() {
    let hsm = SoftHsm::with(&["a", "b"]);
    for (faults, expected) in [
        ("* C_Login error 160", HsmFailure::IncorrectPin),
        ("* C_Login error 164", HsmFailure::UserLocked),
        ("* C_Login error 258", HsmFailure::UserNotFound),
        ("* C_Login error 260", HsmFailure::UserLoggedIn),
        ("* * removed", HsmFailure::InsufficientMembers),
        ("* C_Initialize error 48", HsmFailure::LibraryUnavailable),
        ("a C_Login error 160\nb * removed", HsmFailure::IncorrectPin),
    ] {
        hsm.faults(faults);
        assert_eq!(refusal(hsm.cluster()).await, Some(expected.into()), "{faults}");
    }
    let no_library = ClusterSettings { library: "/nowhere/libhsm.so".into(), ..hsm.cluster() };
    assert_eq!(refusal(no_library).await, Some(HsmFailure::LibraryUnavailable.into()));
    let no_such_tokens = hsm.cluster_of(&["c", "d"]);
    assert_eq!(refusal(no_such_tokens).await, Some(HsmFailure::InsufficientMembers.into()));
}

#[tokio::test]
async fn one_member_is_enough_to_connect() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    client.cluster().stop();
    hsm.faults("a * removed");
    let (client, _) = connected(hsm.cluster()).await;
    assert_eq!(client.cluster().active_members(), 1);
    works(&client, &key).await.unwrap();
}

#[tokio::test]
async fn a_member_that_hangs_does_not_keep_the_others_from_being_connected() {
    let hsm = SoftHsm::with(&["a", "b"]);
    hsm.faults("b C_Login hang");
    let client = start(hsm.cluster());
    let began = Instant::now();
    client.connect(pin(), &TransportKeys::default()).await.unwrap();
    // A login has 10 seconds, and the service gives an attempt to connect a minute.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(client.cluster().active_members(), 1);
}

#[tokio::test]
async fn members_are_counted_before_anybody_logs_in() {
    let hsm = SoftHsm::with(&["a", "b", "c"]);
    hsm.faults("b * removed");
    let client = start(hsm.cluster());
    eventually(async || client.present_members().await == 2).await;
    assert_eq!(client.cluster().active_members(), 0);
}

#[tokio::test]
async fn a_pin_that_was_refused_is_not_tried_again_until_there_is_another_or_somebody_asks() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    let wrong = Pin::new("wrong123").unwrap();
    let refused = client.connect(wrong, &keys).await.err();
    assert_eq!(refused, Some(HsmFailure::IncorrectPin.into()));
    let with_wrong = client.seal(wrong, &key, &super::Use::of(&key).usage(), super::INNER).await;
    assert_eq!(with_wrong.err(), Some(HsmFailure::IncorrectPin.into()));
    // Were the PIN tried again, this would be told instead.
    hsm.faults("* C_Login error 164");
    let with_wrong = client.seal(wrong, &key, &super::Use::of(&key).usage(), super::INNER).await;
    assert_eq!(with_wrong.err(), Some(HsmFailure::IncorrectPin.into()));
    assert_eq!(client.connect(wrong, &keys).await.err(), Some(HsmFailure::UserLocked.into()));
    hsm.faults("");
    assert_eq!(client.connect(wrong, &keys).await.err(), Some(HsmFailure::IncorrectPin.into()));
    // The record has another one now.
    works(&client, &key).await.unwrap();
}

#[tokio::test]
async fn a_crypto_user_who_is_locked_is_left_alone_until_somebody_asks() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    client.disconnect().await;
    hsm.faults("* C_Login error 164");
    assert_eq!(client.connect(pin(), &keys).await.err(), Some(HsmFailure::UserLocked.into()));
    hsm.faults("");
    // A member that rests is tried again within three seconds.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(client.cluster().active_members(), 0);
    client.connect(pin(), &keys).await.unwrap();
    works(&client, &key).await.unwrap();
}

#[tokio::test]
async fn after_a_start_of_the_service_the_first_call_logs_in() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    let blob = seal(&client, &key).await.unwrap();
    client.cluster().stop();
    let client = start(hsm.cluster());
    assert_eq!(super::open(&client, &key, &blob).await.unwrap(), super::INNER);
}

#[tokio::test]
async fn a_cluster_that_was_logged_out_of_is_not_logged_in_to_by_a_request_that_is_late() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    client.disconnect().await;
    let began = Instant::now();
    assert_eq!(seal(&client, &key).await.err(), Some(HsmFailure::InsufficientMembers.into()));
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
    assert_eq!(client.cluster().active_members(), 0);
    client.connect(pin(), &keys).await.unwrap();
    works(&client, &key).await.unwrap();
}
