//! What can be changed while the proxy runs, and what it remembers.

use std::time::Duration;

use faulty_proxy::{Credential, Error, Proxy, Setup};

use crate::client::*;

#[tokio::test]
async fn a_credential_is_rotated_without_a_connection_lost() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    let (id, secret) = ("SECONDCREDENTIAL234567AA", "s".repeat(43));
    proxy.add_credential(Credential::new(id, &secret));
    assert_eq!(connection.call(HEALTH, &health()).await.unwrap().status, 200);
    assert_eq!(connection.call_as(id, &secret, HEALTH, &health()).await.unwrap().status, 200);
    assert!(proxy.remove_credential(Credential::EXAMPLE_ID));
    assert_eq!(connection.call(HEALTH, &health()).await.unwrap().status, 401);
    assert_eq!(connection.call_as(id, &secret, HEALTH, &health()).await.unwrap().status, 200);
    assert_eq!(proxy.counters().connections, 1);
}

#[tokio::test]
async fn a_region_can_be_the_only_one() {
    let mut setup = Setup::new().unwrap();
    setup.region = Some("us-east-1".to_owned());
    let proxy = Proxy::start(setup).unwrap();
    assert_eq!(call(&proxy, HEALTH, &health()).await.unwrap().status, 401);
}

#[tokio::test]
async fn a_stopped_proxy_refuses_and_a_restarted_one_has_its_keys() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    let encrypted = connection.call(ENCRYPT, &encrypt(b"plaintext", b"")).await.unwrap();
    proxy.stop();
    assert!(connection.call(HEALTH, &health()).await.is_err());
    let refused = tokio::net::TcpStream::connect(proxy.address()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    proxy.restart().unwrap();
    let decrypted = call(&proxy, DECRYPT, &decrypt(&encrypted, b"")).await.unwrap();
    assert_eq!(decrypted.bytes("plaintext"), b"plaintext");
}

#[tokio::test]
async fn a_rotated_key_opens_what_its_old_version_sealed() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    let old = connection.call(ENCRYPT, &encrypt(b"plaintext", b"")).await.unwrap();
    proxy.keys().change(Setup::KEY, faulty_proxy::ExternalKey::rotate).unwrap();
    let new = connection.call(ENCRYPT, &encrypt(b"plaintext", b"")).await.unwrap();
    assert_eq!([&old, &new].map(|it| it.bytes("ciphertextMetadata")), [b"key_version=1", b"key_version=2"]);
    assert_eq!(connection.call(DECRYPT, &decrypt(&old, b"")).await.unwrap().status, 200);
}

#[tokio::test]
async fn while_accepting_is_paused_a_handshake_waits() {
    let proxy = proxy();
    proxy.pause_accepting();
    let client = Client::of(&proxy);
    let mut connecting = Box::pin(client.connect());
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut connecting).await.is_err());
    assert_eq!(proxy.counters().connections, 0);
    proxy.resume_accepting();
    assert_eq!(connecting.await.unwrap().call(HEALTH, &health()).await.unwrap().status, 200);
}

#[tokio::test]
async fn the_last_requests_are_kept_as_they_came_and_no_more() {
    let mut setup = Setup::new().unwrap();
    setup.remembered = 2;
    let proxy = Proxy::start(setup).unwrap();
    for path in [HEALTH, METADATA, ENCRYPT] {
        call(&proxy, path, &metadata()).await.unwrap();
    }
    let seen = proxy.requests();
    let paths: Vec<&str> = seen.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["/kms/xks/v1/keys/example-key/metadata", "/kms/xks/v1/keys/example-key/encrypt"]);
    assert_eq!((seen[1].connection, seen[1].method.as_str()), (3, "POST"));
    assert_eq!(seen[1].body, metadata().to_string());
    assert!(seen[1].headers["authorization"].to_str().unwrap().contains("SignedHeaders=host;x-amz-date,"));
    assert_eq!(seen[1].signature.as_deref(), Ok(Credential::EXAMPLE_ID));
    assert_eq!(proxy.counters().requests, 3);
    proxy.forget_requests();
    assert_eq!((proxy.requests().len(), proxy.counters().requests), (0, 3));
}

#[test]
fn waiting_for_requests_ends_when_they_came_or_when_time_is_up() {
    let proxy = proxy();
    let missing = proxy.wait_for_requests(1, Duration::from_millis(50)).unwrap_err();
    assert!(matches!(missing, Error::FewerRequests { awaited: 1, seen: 0 }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(call(&proxy, HEALTH, &health())).unwrap();
    proxy.wait_for_requests(1, Duration::ZERO).unwrap();
}
