//! What goes over the wire, and what comes back from it (K1, K8, K9, K15, K17, K23).

use crate::rig::{Key, Rig, failure, request, seal};
use faulty_proxy::{ExternalKey, Setup};
use keystores::XksFailure;
use keystores::blob::{OuterBlob, StoreKind};

#[tokio::test]
async fn whatever_the_module_seals_is_sealed_once_more_and_opened_again() {
    let rig = Rig::new();
    for length in [1, 12, 4096, 4300] {
        let inner = vec![b'i'; length];
        let blob = seal(&rig.client, &inner).await.unwrap();
        assert!(length == 1 || !blob.windows(length.min(12)).any(|window| inner.starts_with(window)));
        assert_eq!(rig.open(&blob).await.unwrap(), inner);
    }
}

#[tokio::test]
async fn more_than_every_proxy_takes_is_not_sent() {
    let rig = Rig::new();
    assert_eq!(failure(seal(&rig.client, &[0; 4301]).await), XksFailure::UnsupportedOperation);
    assert_eq!(rig.proxy.counters().requests, 0);
}

#[tokio::test]
async fn vectors_of_16_bytes_and_metadata_come_back_as_they_were() {
    let rig = Rig::new();
    rig.proxy.keys().change(Setup::KEY, |key| key.long_vectors = true).unwrap();
    let blob = rig.seal().await.unwrap();
    let outer = OuterBlob::parse(&blob).unwrap();
    assert_eq!((outer.iv.len(), outer.metadata), (16, b"key_version=1".as_slice()));
    assert_eq!(rig.open(&blob).await.unwrap(), b"sealed by the module");
}

#[tokio::test]
async fn a_key_that_was_rotated_behind_its_id_opens_what_its_old_version_sealed() {
    let rig = Rig::new();
    let old = rig.seal().await.unwrap();
    rig.proxy.keys().change(Setup::KEY, ExternalKey::rotate).unwrap();
    let new = rig.seal().await.unwrap();
    assert_ne!(OuterBlob::parse(&old).unwrap().metadata, OuterBlob::parse(&new).unwrap().metadata);
    for blob in [old, new] {
        assert_eq!(rig.open(&blob).await.unwrap(), b"sealed by the module");
    }
}

#[tokio::test]
async fn another_kms_key_over_the_same_external_key_or_another_context_opens_nothing() {
    let rig = Rig::new();
    let blob = rig.seal().await.unwrap();
    for key in [Key::new(8, "test"), Key::new(7, "Test")] {
        assert_eq!(failure(rig.open_as(&key, &blob).await), XksFailure::InvalidCiphertext);
    }
    assert!(rig.open_as(&Key::new(7, "test"), &blob).await.is_ok());
}

#[tokio::test]
async fn a_blob_of_an_hsm_cluster_is_not_sent_to_a_proxy() {
    let rig = Rig::new();
    let blob = rig.seal().await.unwrap();
    let outer = OuterBlob { kind: StoreKind::Hsm, ..OuterBlob::parse(&blob).unwrap() };
    let key = Key::new(7, "test");
    let opened = rig.client.open(Setup::KEY, &key.usage("Decrypt"), &outer).await;
    assert_eq!(opened.unwrap_err(), keystores::StoreError::InvalidCiphertext);
    assert_eq!(rig.proxy.counters().requests, 1);
}

#[tokio::test]
async fn every_call_is_a_post_of_json_over_http_1_1_that_is_signed_as_kms_signs() {
    let rig = Rig::new();
    let blob = rig.seal().await.unwrap();
    rig.open(&blob).await.unwrap();
    rig.client.key_metadata(Setup::KEY, &request("CreateKey")).await.unwrap();
    rig.client.health("ConnectCustomKeyStore", "7112").await.unwrap();
    let seen = rig.proxy.requests();
    let paths: Vec<&str> = seen.iter().map(|request| request.path.as_str()).collect();
    let key = |call| format!("/kms/xks/v1/keys/{}/{call}", Setup::KEY);
    assert_eq!(paths, [&key("encrypt"), &key("decrypt"), &key("metadata"), "/kms/xks/v1/health"]);
    for request in &seen {
        let mut names: Vec<&str> = request.headers.keys().map(|name| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["authorization", "content-length", "content-type", "host", "x-amz-date"]);
        assert_eq!((request.method.as_str(), request.version), ("POST", http::Version::HTTP_11));
        assert_eq!(request.headers["content-type"], "application/json");
        let host = rig.proxy.endpoint().replace("https://", "");
        assert_eq!(request.headers["host"], host.as_str());
        let authorization = request.headers["authorization"].to_str().unwrap();
        assert!(
            authorization.contains("/us-east-1/kms-xks-proxy/aws4_request, SignedHeaders=host;x-amz-date, ")
        );
        assert!(request.signature.is_ok(), "{:?}", request.signature);
    }
}

#[tokio::test]
async fn the_proxy_is_told_of_the_request_what_it_may_know() {
    let rig = Rig::new();
    rig.seal().await.unwrap();
    rig.client.key_metadata(Setup::KEY, &request("CreateKey")).await.unwrap();
    rig.client.health("KmsHealthCheck", "7112").await.unwrap();
    let told: Vec<serde_json::Value> = rig
        .proxy
        .requests()
        .iter()
        .map(|request| {
            serde_json::from_slice::<serde_json::Value>(&request.body).unwrap()["requestMetadata"].clone()
        })
        .collect();
    let [id, principal] = ["4112f4d6-db54-4af4-ae30-c55a22a8dfae", "arn:aws:iam::111122223333:user/Alice"];
    let arn = request("").key_arn;
    assert_eq!(
        told,
        [
            serde_json::json!({"awsPrincipalArn": principal, "kmsKeyArn": arn, "kmsOperation": "Encrypt", "kmsRequestId": id}),
            serde_json::json!({"awsPrincipalArn": principal, "kmsOperation": "CreateKey", "kmsRequestId": id}),
            serde_json::json!({"kmsOperation": "KmsHealthCheck", "kmsRequestId": "7112"}),
        ]
    );
}
