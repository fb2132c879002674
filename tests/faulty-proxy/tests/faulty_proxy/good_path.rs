//! The proxy when nothing is wrong with it.

use aws_lc_rs::digest::{SHA256, digest};
use faulty_proxy::{Protocol, Proxy, Setup};
use serde_json::json;

use crate::client::*;

#[tokio::test]
async fn what_is_encrypted_decrypts_at_every_size_and_with_both_lengths_of_vectors() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    for vector in [12, 16] {
        proxy.keys().change(Setup::KEY, |key| key.long_vectors = vector == 16).unwrap();
        for (length, aad) in [(0, 0), (1, 1), (12, 33), (4096, 8192), (4300, 8192)] {
            let (plaintext, aad) = (vec![7; length], vec![9; aad]);
            let encrypted = connection.call(ENCRYPT, &encrypt(&plaintext, &aad)).await.unwrap();
            assert_eq!(encrypted.status, 200);
            let parts = ["ciphertextMetadata", "initializationVector", "ciphertext", "authenticationTag"]
                .map(|field| encrypted.bytes(field));
            assert_eq!(parts.each_ref().map(Vec::len), [13, vector, length, 16]);
            let covered = [&aad[..], &parts.concat()].concat();
            assert_eq!(encrypted.bytes("ciphertextDataIntegrityValue"), digest(&SHA256, &covered).as_ref());
            let decrypted = connection.call(DECRYPT, &decrypt(&encrypted, &aad)).await.unwrap();
            assert_eq!((decrypted.status.as_u16(), decrypted.bytes("plaintext")), (200, plaintext));
        }
    }
    assert_eq!((proxy.counters().connections, proxy.counters().requests), (1, 20));
}

#[tokio::test]
async fn no_integrity_value_is_told_that_was_not_asked_for() {
    let mut body = encrypt(b"plaintext", b"");
    body.as_object_mut().unwrap().remove("ciphertextDataIntegrityValueAlgorithm");
    let answer = call(&proxy(), ENCRYPT, &body).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.json().get("ciphertextDataIntegrityValue").is_none());
}

#[tokio::test]
async fn metadata_and_health_say_what_the_specification_wants() {
    let proxy = proxy();
    let answer = call(&proxy, METADATA, &metadata()).await.unwrap();
    assert_eq!(
        answer.json(),
        json!({ "keySpec": "AES_256", "keyUsage": ["ENCRYPT", "DECRYPT"], "keyStatus": "ENABLED" })
    );
    let answer = call(&proxy, HEALTH, &health()).await.unwrap();
    assert_eq!(answer.headers["content-type"], "application/json");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        answer.json(),
        json!({
            "xksProxyFleetSize": 1,
            "xksProxyVendor": "Cardea",
            "xksProxyModel": format!("faulty-xks-proxy {version}"),
            "ekmVendor": "Cardea",
            "ekmFleetDetails": [{ "id": "instance-0", "model": "in memory", "healthStatus": "ACTIVE" }],
        })
    );
}

#[tokio::test]
async fn http2_is_spoken_and_the_authority_is_the_signed_host() {
    let proxy = proxy();
    let client = Client { protocol: Protocol::Http2, ..Client::of(&proxy) };
    let mut connection = client.connect().await.unwrap();
    for _ in 0..3 {
        let encrypted = connection.call(ENCRYPT, &encrypt(b"plaintext", b"aad")).await.unwrap();
        let decrypted = connection.call(DECRYPT, &decrypt(&encrypted, b"aad")).await.unwrap();
        assert_eq!(decrypted.bytes("plaintext"), b"plaintext");
    }
    assert_eq!(proxy.counters().connections, 1);
    assert!(proxy.requests().iter().all(|seen| seen.version == http::Version::HTTP_2));
}

#[tokio::test]
async fn a_proxy_without_http2_falls_back() {
    let mut setup = Setup::new().unwrap();
    setup.tls.protocols = vec![Protocol::Http11];
    let proxy = Proxy::start(setup).unwrap();
    assert_eq!(call(&proxy, HEALTH, &health()).await.unwrap().status, 200);
    assert!(Client { protocol: Protocol::Http2, ..Client::of(&proxy) }.connect().await.is_err());
}

#[tokio::test]
async fn what_is_not_known_yet_is_no_reason_to_refuse() {
    let mut body = encrypt(b"plaintext", b"");
    body["requestMetadata"]["kmsOperation"] = "EncryptOnTheMoon".into();
    body["requestMetadata"]["kmsRequestId"] = "\u{1f511} no uuid".into();
    body["requestMetadata"]["awsPrincipalArn"] = "a".repeat(2048).into();
    body["requestMetadata"]["awsSourceVpc"] = "vpc-1".into();
    body["requestMetadata"]["kmsViaService"] = json!(null);
    body["requestMetadata"]["inventedLater"] = json!([1]);
    body["inventedLater"] = json!({});
    assert_eq!(call(&proxy(), ENCRYPT, &body).await.unwrap().status, 200);
}

#[tokio::test]
async fn each_prefix_is_a_way_to_the_same_keys() {
    let mut setup = Setup::new().unwrap();
    setup.uri_prefixes = vec![String::new(), "/tenant/one".to_owned()];
    let proxy = Proxy::start(setup).unwrap();
    assert_eq!(call(&proxy, ENCRYPT, &encrypt(b"x", b"")).await.unwrap().status, 200);
    let request = http::Request::post(format!("/tenant/one/kms/xks/v1{HEALTH}"))
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(http_body_util::Full::from("{}"))
        .unwrap();
    let answer = Client::of(&proxy).connect().await.unwrap().send(request).await.unwrap();
    assert_eq!(answer.error(), (401, "AuthenticationFailedException".to_owned()));
}

#[test]
fn a_prefix_that_the_specification_does_not_allow_is_refused() {
    for prefix in ["no-slash", "/space here", &format!("/{}", "a".repeat(117))] {
        let mut setup = Setup::new().unwrap();
        setup.uri_prefixes = vec![prefix.to_owned()];
        assert!(Proxy::start(setup).is_err(), "{prefix}");
    }
}
