//! No record, no answer.

use crate::client::{Connection, encrypt};
use crate::setup::{Setup, two_stores};

#[test]
fn on_a_full_disk_nothing_is_answered_and_the_load_balancer_is_told() {
    let setup = Setup::new();
    setup.configure("", "", &format!("[audit]\nsegment_bytes = 65536\n{}", two_stores("")));
    // The data directory is a small disk of its own, in a namespace of the proxy's.
    let proxy = setup.start_in("mkdir -p data && mount -t tmpfs -o size=512k none data");
    let mut connection = Connection::open(&proxy);
    let answered =
        (0..5000).position(|_| connection.ask(&encrypt("/a", "one", "SGVsbG8gV29ybGQh")).status != 200);
    assert!(answered.is_some_and(|answered| answered > 100), "{answered:?}");
    let refused = connection.ask(&encrypt("/a", "one", "SGVsbG8gV29ybGQh"));
    assert_eq!(refused.outcome(), (500, "InternalException".to_owned()));
    assert!(!String::from_utf8(refused.body).unwrap().contains("ciphertext"));
    connection.send(b"GET /ping HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    assert_eq!(connection.answer().unwrap().status, 503);
}

/// The journal takes no record of more than a quarter of a segment.
#[test]
fn a_call_that_no_record_could_hold_is_not_done() {
    let setup = Setup::new();
    setup.configure("", "", &format!("[audit]\nsegment_bytes = 65536\n{}", two_stores("")));
    let mut proxy = setup.start();
    for (principal, outcome) in [
        ("a".repeat(17_000), "UnsupportedOperationException"),
        ("\u{1}".repeat(1200), "UnsupportedOperationException"),
        ("a".repeat(2048), ""),
    ] {
        let mut ask = encrypt("/a", "one", "AAAA");
        let mut body: serde_json::Value = serde_json::from_slice(&ask.body).unwrap();
        body["requestMetadata"]["awsPrincipalArn"] = principal.as_str().into();
        body["requestMetadata"]["kmsKeyArn"] = "a".repeat(2048).into();
        ask.body = body.to_string().into_bytes();
        assert_eq!(proxy.ask(&ask).outcome().1, outcome);
    }
    assert!(proxy.stop().success());
    assert_eq!(setup.records().len(), 3);
}

#[test]
fn nothing_secret_is_in_the_log_at_any_level_or_in_the_journal() {
    let setup = Setup::new();
    setup.two_stores();
    let mut proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let plaintext = "VmVyeVNlY3JldFBsYWludGV4dA==";
    let ask = encrypt("/a", "one", plaintext);
    let made = connection.ask(&ask).json();
    let opened = connection.ask(&crate::client::decrypt("/a", "one", &made));
    assert_eq!(opened.json()["plaintext"], plaintext);
    let head = ask.head();
    let right = head.headers["authorization"].to_str().unwrap().rsplit('=').next().unwrap().to_owned();
    let wrong: String = right.chars().rev().collect();
    let mut forged = head.clone();
    let text = head.headers["authorization"].to_str().unwrap().replace(&right, &wrong);
    forged.headers.insert("authorization", http::HeaderValue::try_from(text).unwrap());
    connection.send(&crate::client::raw(&forged, &ask.body)).unwrap();
    assert_eq!(connection.answer().unwrap().status, 401);
    assert!(proxy.stop().success());
    let journal: String = setup.records().iter().map(ToString::to_string).collect();
    let told = format!("{}{journal}", setup.log());
    let secret = crate::client::Credential::ALL[0].secret;
    for hidden in
        [plaintext, "VerySecretPlaintext", secret, right.as_str(), made["ciphertext"].as_str().unwrap()]
    {
        assert!(!told.contains(hidden), "`{hidden}` is told");
    }
}
