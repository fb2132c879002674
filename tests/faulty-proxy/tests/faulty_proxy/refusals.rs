//! What a proxy that is right refuses, and as what.

use faulty_proxy::{ExternalKey, Setup, SignatureFault};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::client::*;

#[tokio::test]
async fn a_get_is_405_on_every_path_and_an_unknown_path_is_404() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    for path in [HEALTH, METADATA, ENCRYPT, DECRYPT] {
        let request = Request::get(format!("/kms/xks/v1{path}")).header("host", &connection.authority);
        let answer = connection.send(request.body(Full::default()).unwrap()).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.len()), (405, 0), "{path}");
    }
    for path in ["", "/keys/example-key", "/keys/example-key/rewrap", "/health/", "/keys/a/b/encrypt"] {
        let answer = connection.call(path, &health()).await.unwrap();
        assert_eq!(answer.error(), (404, "InvalidUriPathException".to_owned()), "{path}");
    }
    let answer = connection.call("/keys/no-such-key/encrypt", &encrypt(b"x", b"")).await.unwrap();
    assert_eq!(answer.error(), (404, "KeyNotFoundException".to_owned()));
}

#[tokio::test]
async fn each_field_that_is_missing_or_wrong_has_its_error() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    let encryption = encrypt(b"plaintext", b"aad");
    let decryption = decrypt(&connection.call(ENCRYPT, &encryption).await.unwrap(), b"aad");
    let validation = (400, "ValidationException");
    let unsupported = (501, "UnsupportedOperationException");
    let invalid = (400, "InvalidCiphertextException");
    let base64 =
        |length: usize| json!(format!("{}==", "A".repeat(length * 4 / 3 + 1)).get(..length.div_ceil(3) * 4));
    let changes: Vec<Change<'_>> = vec![
        (ENCRYPT, &encryption, "/requestMetadata", json!(null), validation),
        (ENCRYPT, &encryption, "/requestMetadata/kmsKeyArn", json!(null), validation),
        (ENCRYPT, &encryption, "/requestMetadata/kmsOperation", json!(""), validation),
        (ENCRYPT, &encryption, "/requestMetadata/kmsRequestId", json!(null), validation),
        (ENCRYPT, &encryption, "/requestMetadata/awsPrincipalArn", json!("a".repeat(2049)), validation),
        (ENCRYPT, &encryption, "/plaintext", json!(null), validation),
        (ENCRYPT, &encryption, "/plaintext", json!("cGxhaW50ZXh0IQ"), validation),
        (ENCRYPT, &encryption, "/plaintext", json!("_-_-"), validation),
        (ENCRYPT, &encryption, "/plaintext", json!("QQ==QQ=="), validation),
        (ENCRYPT, &encryption, "/plaintext", base64(4302), unsupported),
        (ENCRYPT, &encryption, "/additionalAuthenticatedData", base64(8193), unsupported),
        (ENCRYPT, &encryption, "/encryptionAlgorithm", json!("AES_CBC"), validation),
        (ENCRYPT, &encryption, "/encryptionAlgorithm", json!(null), validation),
        (ENCRYPT, &encryption, "/ciphertextDataIntegrityValueAlgorithm", json!("SHA_512"), validation),
        (DECRYPT, &decryption, "/ciphertext", json!(null), validation),
        (DECRYPT, &decryption, "/ciphertext", json!("AAAAAAAAAAAA"), invalid),
        (DECRYPT, &decryption, "/initializationVector", json!(null), validation),
        (DECRYPT, &decryption, "/initializationVector", base64(13), validation),
        (DECRYPT, &decryption, "/initializationVector", base64(12), invalid),
        (DECRYPT, &decryption, "/authenticationTag", base64(15), validation),
        (DECRYPT, &decryption, "/ciphertextMetadata", base64(21), validation),
        (DECRYPT, &decryption, "/ciphertextMetadata", json!(null), invalid),
        (DECRYPT, &decryption, "/additionalAuthenticatedData", json!(null), invalid),
    ];
    for (path, body, field, value, expected) in changes {
        let mut changed = body.clone();
        *changed.pointer_mut(field).unwrap() = value.clone();
        let (status, name) = connection.call(path, &changed).await.unwrap().error();
        assert_eq!((status, name.as_str()), expected, "{path} {field} {value}");
    }
}

/// Where, which body, which field, what it is instead, and the answer.
type Change<'a> = (&'a str, &'a Value, &'a str, Value, (u16, &'a str));

#[tokio::test]
async fn a_key_that_may_not_do_it_says_why() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    let encrypted = connection.call(ENCRYPT, &encrypt(b"plaintext", b"")).await.unwrap();
    let decryption = decrypt(&encrypted, b"");
    let original = proxy.keys().delete(Setup::KEY).unwrap();
    let answer = connection.call(DECRYPT, &decryption).await.unwrap();
    assert_eq!(answer.error(), (404, "KeyNotFoundException".to_owned()));
    let usage = (400, "InvalidKeyUsageException".to_owned());
    proxy.keys().put(Setup::KEY, ExternalKey::for_usage(&["ENCRYPT", "SIGN"]));
    assert_eq!(connection.call(ENCRYPT, &encrypt(b"plaintext", b"")).await.unwrap().error(), usage);
    assert_eq!(connection.call(DECRYPT, &decryption).await.unwrap().error(), usage);
    proxy.keys().put(Setup::KEY, ExternalKey::new());
    let answer = connection.call(DECRYPT, &decryption).await.unwrap();
    assert_eq!(answer.error(), (400, "InvalidCiphertextException".to_owned()));
    proxy.keys().put(Setup::KEY, original);
    proxy.keys().change(Setup::KEY, |key| key.enabled = false).unwrap();
    assert_eq!(connection.call(METADATA, &metadata()).await.unwrap().json()["keyStatus"], "DISABLED");
    let answer = connection.call(DECRYPT, &decryption).await.unwrap();
    assert_eq!(answer.error(), (400, "InvalidStateException".to_owned()));
    proxy.keys().change(Setup::KEY, |key| (key.enabled, key.spec) = (true, "AES_128".to_owned())).unwrap();
    assert_eq!(connection.call(METADATA, &metadata()).await.unwrap().json()["keySpec"], "AES_128");
    assert_eq!(connection.call(DECRYPT, &decryption).await.unwrap().error(), usage);
    proxy.keys().change(Setup::KEY, |key| key.spec = "AES_256".to_owned()).unwrap();
    assert_eq!(connection.call(DECRYPT, &decryption).await.unwrap().bytes("plaintext"), b"plaintext");
}

#[tokio::test]
async fn who_did_not_sign_is_refused_and_seen() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    let refused = (401, "AuthenticationFailedException".to_owned());
    let wrong = "x".repeat(43);
    let id = faulty_proxy::Credential::EXAMPLE_ID;
    assert_eq!(connection.call_as(id, &wrong, HEALTH, &health()).await.unwrap().error(), refused);
    assert_eq!(connection.call_as("UNKNOWN", &wrong, HEALTH, &health()).await.unwrap().error(), refused);
    proxy.shift_clock(jiff::SignedDuration::from_mins(6));
    assert_eq!(connection.call(HEALTH, &health()).await.unwrap().error(), refused);
    proxy.shift_clock(jiff::SignedDuration::ZERO);
    assert_eq!(connection.call(HEALTH, &health()).await.unwrap().status, 200);
    let signatures: Vec<_> = proxy.requests().into_iter().map(|seen| seen.signature).collect();
    let expected = [
        Err(SignatureFault::Mismatch),
        Err(SignatureFault::UnknownAccessKey),
        Err(SignatureFault::Stale),
        Ok(id.to_owned()),
    ];
    assert_eq!(signatures, expected);
}

#[tokio::test]
async fn a_body_beyond_every_limit_is_refused_unread() {
    let answer = call(&proxy(), ENCRYPT, &json!("x".repeat(70_000))).await.unwrap();
    assert_eq!(answer.error(), (501, "UnsupportedOperationException".to_owned()));
}
