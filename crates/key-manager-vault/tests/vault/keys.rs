//! Keys, their versions and their states.

#![expect(clippy::unwrap_used, reason = "what a test cannot do ends it")]

use crate::bench::{Bench, count, decrypt, encrypt, id, one, open, session, until};
use http::Method;
use key_manager::{Encrypted, HealthStatus, Sealed, Session, Trouble, contract};
use key_manager_vault::VaultKeyManager;
use serde_json::{Value, json};
use stand_in_transit::Cluster;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

/// What a server of any kind is held to.
pub async fn contract_over(bench: &Bench, manager: &VaultKeyManager) {
    bench.post("transit/keys/deleted-softly", json!({})).await;
    let softly = bench.admin(Method::DELETE, "transit/keys/deleted-softly/soft-delete", json!({})).await;
    let contract = contract::Bench {
        session: session(manager),
        key: "key".to_owned(),
        other_key: "other".to_owned(),
        unknown_key: "unknown".to_owned(),
        disabled_key: softly.map(|_| "deleted-softly".to_owned()),
        encrypt_only_key: None,
        decrypt_only_key: None,
    };
    contract::run(&contract).await;
    assert_eq!(bench.admin(Method::GET, "transit/keys/unknown", Value::Null).await, None, "made by asking");
}

pub async fn rotation_over(bench: &Bench, manager: &VaultKeyManager) {
    let session = session(manager);
    let first = encrypt(&session).await.unwrap();
    assert_eq!(first.key_version.as_deref(), Some("1"));
    bench.post("transit/keys/key/rotate", json!({})).await;
    let (moved, failed) = (Cell::new(false), Cell::new(0));
    until("the new version is used", async || {
        match encrypt(&session).await {
            Ok(encrypted) => moved.set(encrypted.key_version.as_deref() == Some("2")),
            Err(_) => failed.set(failed.get() + 1),
        }
        moved.get()
    })
    .await;
    assert_eq!(failed.get(), 0);
    assert_eq!(decrypt(&session, &first).await.unwrap(), b"plaintext");
    limits_over(bench, &session, &first).await;
}

async fn limits_over(bench: &Bench, session: &Rc<dyn Session>, first: &Encrypted) {
    // Known as version 2 here, and not to be used any more.
    bench.post("transit/keys/key/rotate", json!({})).await;
    let config =
        json!({ "min_encryption_version": 3, "min_decryption_version": 2, "deletion_allowed": true });
    bench.post("transit/keys/key/config", config).await;
    let third = encrypt(session).await.unwrap();
    assert_eq!(third.key_version.as_deref(), Some("3"));
    assert_eq!(third.metadata, [1, 0, 0, 0, 3]);
    assert_eq!(decrypt(session, first).await, Err(Trouble::Disabled));
    bench.post("transit/keys/key/config", json!({ "min_decryption_version": 1 })).await;
    assert_eq!(decrypt(session, first).await.unwrap(), b"plaintext");

    // Made anew: there is no version 3 of it.
    bench.admin(Method::DELETE, "transit/keys/key", json!({})).await.unwrap();
    bench.post("transit/keys/key", json!({})).await;
    assert_eq!(encrypt(session).await.unwrap().key_version.as_deref(), Some("1"));
    assert_eq!(decrypt(session, &third).await, Err(Trouble::InvalidCiphertext));
    assert_eq!(decrypt(session, first).await, Err(Trouble::InvalidCiphertext));
}

pub async fn kinds_over(bench: &Bench, manager: &VaultKeyManager) {
    let session = session(manager);
    for (kind, body, spec, usage) in [
        ("chacha", json!({ "type": "chacha20-poly1305" }), "CHACHA20_POLY1305", vec!["ENCRYPT", "DECRYPT"]),
        ("short", json!({ "type": "aes128-gcm96" }), "AES_128", vec!["ENCRYPT", "DECRYPT"]),
        ("rsa", json!({ "type": "rsa-2048" }), "RSA_2048", vec!["ENCRYPT", "DECRYPT", "SIGN", "VERIFY"]),
        ("signing", json!({ "type": "ed25519" }), "ED25519", vec!["SIGN", "VERIFY"]),
        ("derived", json!({ "derived": true }), "AES_256", vec![]),
    ] {
        bench.post(&format!("transit/keys/{kind}"), body).await;
        let is = session.describe(id(kind)).await.unwrap();
        assert_eq!((is.spec.as_str(), is.is_enabled), (spec, true), "{kind}");
        assert_eq!(is.usage, usage, "{kind}");
        let encrypted = session.encrypt(id(kind), b"text", b"").await;
        assert_eq!(encrypted.unwrap_err(), Trouble::InvalidKeyUsage, "{kind}");
        let sealed = Sealed { ciphertext: b"text", iv: &[0; 12], tag: &[0; 16], metadata: &[1, 0, 0, 0, 1] };
        let decrypted = session.decrypt(id(kind), sealed, b"").await;
        assert_eq!(decrypted.unwrap_err(), Trouble::InvalidKeyUsage, "{kind}");
    }
}

/// A token that may make keys would have them made by asking for encryption.
pub async fn deletion_over(bench: &Bench, manager: &VaultKeyManager) {
    let session = session(manager);
    let encrypted = encrypt(&session).await.unwrap();
    bench.post("transit/keys/key/config", json!({ "deletion_allowed": true })).await;
    bench.admin(Method::DELETE, "transit/keys/key", json!({})).await.unwrap();
    assert_eq!(encrypt(&session).await.unwrap_err(), Trouble::KeyNotFound);
    assert_eq!(decrypt(&session, &encrypted).await, Err(Trouble::KeyNotFound));
    assert_eq!(session.describe(id("key")).await, Err(Trouble::KeyNotFound));
    assert_eq!(bench.admin(Method::GET, "transit/keys/key", Value::Null).await, None);
}

#[tokio::test]
async fn the_contract_holds() {
    let (_cluster, _node, bench, manager) = one().await;
    contract_over(&bench, &manager).await;
}

#[tokio::test]
async fn a_rotation_fails_no_request_and_old_ciphertexts_open() {
    let (_cluster, _node, bench, manager) = one().await;
    rotation_over(&bench, &manager).await;
}

#[tokio::test]
async fn keys_of_other_kinds_are_described_and_not_used() {
    let (_cluster, _node, bench, manager) = one().await;
    kinds_over(&bench, &manager).await;
}

#[tokio::test]
async fn a_key_that_is_deleted_is_not_found_and_not_made_anew() {
    let (_cluster, _node, bench, manager) = one().await;
    deletion_over(&bench, &manager).await;
}

#[tokio::test]
async fn names_that_could_mean_another_path_are_not_asked_for() {
    let (cluster, _node, _bench, manager) = one().await;
    let session = session(&manager);
    encrypt(&session).await.unwrap();
    let before = cluster.requests().into_iter().filter(|seen| seen.path.starts_with("transit/")).count();
    for name in [".", "..", "...", "key.", ".key", "-key", "key-"] {
        assert_eq!(session.describe(id(name)).await, Err(Trouble::KeyNotFound), "{name}");
        assert_eq!(session.encrypt(id(name), b"", b"").await.unwrap_err(), Trouble::KeyNotFound, "{name}");
    }
    let after = cluster.requests().into_iter().filter(|seen| seen.path.starts_with("transit/")).count();
    assert_eq!(after, before);
}

#[tokio::test]
async fn keys_of_a_namespace_are_used_in_it_and_not_from_outside() {
    let cluster = Cluster::new().unwrap();
    let node = cluster.start().unwrap();
    let bench = Bench::over(vec![node.url()], cluster.ca_pem().as_bytes(), Some("bank")).await;
    let manager = open(bench.settings_of_role(json!({})).await);
    let session = session(&manager);
    let encrypted = encrypt(&session).await.unwrap();
    assert_eq!(decrypt(&session, &encrypted).await.unwrap(), b"plaintext");
    assert_eq!(session.health().await.members.first().unwrap().status, HealthStatus::Active);
    for namespace in [None, Some("else".to_owned())] {
        let token = bench.token(json!({})).await;
        let outside = open(key_manager_vault::Settings { namespace, ..bench.settings(&token) });
        let trouble = crate::bench::session(&outside).describe(id("key")).await.unwrap_err();
        assert!(matches!(trouble, Trouble::Failed(_)), "{trouble:?}");
    }
}

#[tokio::test]
async fn a_mount_that_is_not_there_is_not_a_key_that_is_not_there() {
    let (_cluster, _node, bench, _manager) = one().await;
    let mount = "elsewhere".to_owned();
    let manager = open(key_manager_vault::Settings { mount, ..bench.settings(Cluster::ROOT) });
    let trouble = session(&manager).describe(id("key")).await.unwrap_err();
    assert!(matches!(trouble, Trouble::Failed(_)), "{trouble:?}");
}

#[tokio::test]
async fn what_the_policies_do_not_allow_fails_and_is_no_reason_to_log_in_again() {
    let (cluster, _node, bench, _manager) = one().await;
    let policy = json!({ "path": { "transit/keys/key": { "capabilities": ["read"] } } });
    bench.post("sys/policies/acl/xks", json!({ "policy": policy.to_string() })).await;
    let manager = open(bench.settings_of_role(json!({})).await);
    let session = session(&manager);
    assert!(session.describe(id("key")).await.unwrap().is_enabled);
    let began = Instant::now();
    for _ in 0..40 {
        let trouble = encrypt(&session).await.unwrap_err();
        assert!(matches!(trouble, Trouble::Failed(_)), "{trouble:?}");
        let trouble = session.describe(id("other")).await.unwrap_err();
        assert!(matches!(trouble, Trouble::Failed(_)), "{trouble:?}");
    }
    assert_eq!(session.health().await.members.first().unwrap().status, HealthStatus::Unavailable);
    assert_eq!(count(&cluster, "auth/approle/login"), 1);
    // One a second, and a few for where seconds begin.
    let most = usize::try_from(began.elapsed().as_secs()).unwrap() + 2;
    assert!(count(&cluster, "auth/token/lookup-self") <= most, "each doubt was looked into");
}

#[tokio::test]
async fn a_key_is_read_once_for_many_uses() {
    let (cluster, _node, _bench, manager) = one().await;
    let session = session(&manager);
    let encrypted = encrypt(&session).await.unwrap();
    let read = count(&cluster, "transit/keys/key");
    for _ in 0..5 {
        decrypt(&session, &encrypted).await.unwrap();
    }
    assert!(count(&cluster, "transit/keys/key") <= read + 2, "for each use");
}
