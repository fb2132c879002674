//! Keys are made on every member, for every member, or not at all.

use super::support::SoftHsm;
use super::{connected, eventually, generate, open, pin, seal, start, works};
use keystores::{ClusterSettings, HsmFailure, TransportKeys};

#[tokio::test]
async fn a_key_works_on_each_member_alone() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    assert_eq!(key.copies.keys().collect::<Vec<_>>(), ["a", "b"]);
    hsm.faults("b * removed");
    let blob = seal(&client, &key).await.unwrap();
    hsm.faults("a * removed");
    assert_eq!(open(&client, &key, &blob).await.unwrap(), super::INNER);
}

#[tokio::test]
async fn with_fewer_than_two_members_no_key_is_made() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    hsm.faults("b * removed");
    eventually(async || {
        let _ = client.random(pin(), 8).await.unwrap();
        client.cluster().active_members() == 1
    })
    .await;
    let refused = generate(&client, &keys, 1).await.err();
    assert_eq!(refused, Some(HsmFailure::InsufficientMembers.into()));
}

#[tokio::test]
async fn for_a_token_that_is_not_the_one_the_store_was_connected_with_no_key_is_made() {
    let (hsm, others) = (SoftHsm::with(&["a", "b"]), SoftHsm::with(&["a", "b"]));
    let (client, keys) = connected(hsm.cluster()).await;
    let (_, known) = connected(others.cluster()).await;
    let refused = generate(&client, &known, 1).await.err();
    assert_eq!(refused, Some(HsmFailure::InsufficientMembers.into()));
    generate(&client, &keys, 1).await.unwrap();
}

#[tokio::test]
async fn a_key_that_one_member_does_not_take_is_left_on_none() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    hsm.faults("b C_UnwrapKey error 48");
    let refused = generate(&client, &keys, 1).await.err();
    assert_eq!(refused, Some(HsmFailure::InsufficientMembers.into()));
    hsm.faults("");
    // Nothing has that id any more, so it can be made.
    eventually(async || client.cluster().active_members() == 2).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    works(&client, &key).await.unwrap();
}

#[tokio::test]
async fn a_key_made_while_a_member_was_away_is_on_it_after_its_return() {
    let hsm = SoftHsm::with(&["a", "b", "c"]);
    let (client, keys) = connected(hsm.cluster()).await;
    client.cluster().stop();
    // Its transport key is known from the record only.
    hsm.faults("c * removed");
    let client = start(hsm.cluster());
    assert_eq!(client.connect(pin(), &keys).await.unwrap(), keys);
    let key = generate(&client, &keys, 1).await.unwrap();
    let blob = seal(&client, &key).await.unwrap();
    hsm.faults("");
    eventually(async || client.cluster().active_members() == 3).await;
    hsm.faults("a * removed\nb * removed");
    assert_eq!(open(&client, &key, &blob).await.unwrap(), super::INNER);
}

#[tokio::test]
async fn no_key_is_made_that_a_member_could_never_get() {
    let hsm = SoftHsm::with(&["a", "b", "c"]);
    hsm.faults("c * removed");
    let (client, keys) = connected(hsm.cluster()).await;
    let refused = generate(&client, &keys, 1).await.err();
    assert_eq!(refused, Some(HsmFailure::InsufficientMembers.into()));
}

#[tokio::test]
async fn a_library_that_synchronises_is_left_to_it() {
    let hsm = SoftHsm::with(&["a"]);
    // Such an HSM need not be able to do what only transport keys are for.
    hsm.faults("* C_GenerateKeyPair error 84");
    let settings = ClusterSettings { synchronises: true, ..hsm.cluster() };
    let (client, keys) = connected(settings).await;
    assert_eq!(keys, TransportKeys::default());
    let key = generate(&client, &keys, 1).await.unwrap();
    assert!(key.copies.is_empty());
    works(&client, &key).await.unwrap();
}

#[tokio::test]
async fn an_id_that_is_taken_is_not_used_for_another_key() {
    let hsm = SoftHsm::with(&["a", "b"]);
    let (client, keys) = connected(hsm.cluster()).await;
    let key = generate(&client, &keys, 1).await.unwrap();
    let blob = seal(&client, &key).await.unwrap();
    assert!(generate(&client, &keys, 1).await.is_err());
    assert_eq!(open(&client, &key, &blob).await.unwrap(), super::INNER);
    assert_ne!(keys, TransportKeys::default());
}
