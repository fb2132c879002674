//! Answers that make no sense are the server's fault, never the key's or the ciphertext's.

use crate::bench::{decrypt, encrypt, id, one, session};
use key_manager::Trouble;
use stand_in_transit::Fault;

#[tokio::test]
async fn what_makes_no_sense_fails() {
    let (_cluster, node, _bench, manager) = one().await;
    let session = session(&manager);
    let encrypted = encrypt(&session).await.unwrap();
    let long = format!(r#"{{"data":{{"plaintext":"{}"}}}}"#, "A".repeat(400_000));
    let other = r#"{"data":{"plaintext":"b3RoZXI=","ciphertext":"vault:v1:b3RoZXI=","type":"aes256-gcm96"}}"#;
    for (status, body) in [
        (200, ""),
        (200, "{}"),
        (200, "[]"),
        (200, r#"{"data":null}"#),
        (200, r#"{"data":{"plaintext":7,"ciphertext":7,"type":7,"latest_version":7}}"#),
        (200, other),
        (200, &long),
        (204, ""),
        (301, ""),
        (400, ""),
        (400, r#"{"errors":[]}"#),
        (400, r#"{"errors":["something new"]}"#),
        (400, r#"{"errors":"cipher: message authentication failed"}"#),
        (403, ""),
        (404, ""),
        (404, r#"{"errors":["cipher: message authentication failed"]}"#),
        (405, r#"{"errors":["unsupported operation"]}"#),
        (412, ""),
        (500, r#"{"errors":["cipher: message authentication failed"]}"#),
        (503, r#"{"errors":["encryption key not found"]}"#),
    ] {
        node.mishandle(Some(Fault::Answer(status, body.to_owned())));
        let whats = [
            encrypt(&session).await.map(drop),
            decrypt(&session, &encrypted).await.map(drop),
            session.describe(id("other")).await.map(drop),
        ];
        for what in whats {
            let trouble = what.unwrap_err();
            assert!(matches!(trouble, Trouble::Failed(_)), "{status} {body:.60}: {trouble:?}");
        }
    }
}

#[tokio::test]
async fn a_ciphertext_of_another_version_is_not_taken() {
    let (_cluster, node, _bench, manager) = one().await;
    let session = session(&manager);
    node.mishandle(Some(Fault::Replace("vault:v1:".to_owned(), "vault:v2:".to_owned())));
    let trouble = encrypt(&session).await.unwrap_err();
    assert!(matches!(trouble, Trouble::Failed(_)), "{trouble:?}");
}

#[tokio::test]
async fn a_server_that_lacks_a_version_that_is_known_fails_and_does_not_blame_the_ciphertext() {
    let (_cluster, node, _bench, manager) = one().await;
    let session = session(&manager);
    let encrypted = encrypt(&session).await.unwrap();
    let text = r#"{"errors":["invalid ciphertext: version is too new"]}"#;
    node.mishandle(Some(Fault::Answer(400, text.to_owned())));
    let trouble = decrypt(&session, &encrypted).await.unwrap_err();
    assert!(matches!(trouble, Trouble::Failed(_)), "{trouble:?}");
}
