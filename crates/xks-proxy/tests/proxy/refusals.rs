//! What is refused of callers who are known, with which error, and in which order.

use crate::client::{Answer, Ask, Connection, decrypt, describe, encrypt, health, metadata};
use crate::setup::{Setup, two_stores};
use serde_json::{Value, json};

fn is(answer: &Answer, status: u16, name: &str) {
    assert_eq!(answer.outcome(), (status, name.to_owned()), "{answer:?}");
    let message = answer.json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(!message.is_empty() && message.len() < 512, "{message}");
    assert!(message.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{message}");
}

#[test]
fn a_key_that_cannot_be_used_is_refused_with_the_reason() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let made = connection.ask(&encrypt("/a", "one", "AAAA")).json();
    for (ask, status, name) in [
        (encrypt("/a", "gone", "AAAA"), 404, "KeyNotFoundException"),
        (describe("/a", "gone"), 404, "KeyNotFoundException"),
        (encrypt("/a", "two", "AAAA"), 404, "KeyNotFoundException"),
        (encrypt("/a", "a%62", "AAAA"), 400, "ValidationException"),
        (describe("/a", &"k".repeat(129)), 400, "ValidationException"),
        (describe("/a", &"k".repeat(128)), 404, "KeyNotFoundException"),
        (encrypt("/a", "disabled", "AAAA"), 400, "InvalidStateException"),
        (encrypt("/a", "decrypts", "AAAA"), 400, "InvalidKeyUsageException"),
        (decrypt("/a", "encrypts", &made), 400, "InvalidKeyUsageException"),
        (decrypt("/a", "decrypts", &made), 400, "InvalidCiphertextException"),
        // It can be encrypted, but not tried out.
        (encrypt("/a", "encrypts", "AAAA"), 400, "InvalidKeyUsageException"),
    ] {
        is(&connection.ask(&ask), status, name);
    }
}

#[test]
fn a_ciphertext_that_is_not_as_it_was_is_refused() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let made = connection.ask(&encrypt("/a", "one", "SGVsbG8gV29ybGQh")).json();
    for field in ["ciphertext", "initializationVector", "authenticationTag", "ciphertextMetadata"] {
        let mut damaged = made.clone();
        let text = damaged[field].as_str().unwrap();
        let other = if text.starts_with('A') { "B" } else { "A" };
        damaged[field] = format!("{other}{}", text.get(1..).unwrap()).into();
        is(&connection.ask(&decrypt("/a", "one", &damaged)), 400, "InvalidCiphertextException");
    }
}

#[test]
fn a_body_that_is_not_right_is_refused() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let mut asked = |change: &dyn Fn(&mut Ask)| {
        let mut ask = encrypt("/a", "one", "AAAA");
        change(&mut ask);
        connection.ask(&ask)
    };
    is(&asked(&|ask| ask.content_type = None), 400, "ValidationException");
    is(&asked(&|ask| ask.content_type = Some("text/plain")), 400, "ValidationException");
    is(&asked(&|ask| ask.body = b"{".to_vec()), 400, "ValidationException");
    assert_eq!(asked(&|ask| ask.content_type = Some("application/json; charset=utf-8")).status, 200);
    let too_long = |length: usize| {
        let data = format!("{}==", "A".repeat((length - 1) / 3 * 4 + 2));
        let body = json!({"requestMetadata": metadata("Encrypt"), "plaintext": "AAAA", "encryptionAlgorithm": "AES_GCM",
            "additionalAuthenticatedData": data});
        Ask::new("/a/kms/xks/v1/keys/one/encrypt", &body)
    };
    assert_eq!(connection.ask(&too_long(8191)).status, 200);
    is(&connection.ask(&too_long(8194)), 501, "UnsupportedOperationException");
}

#[test]
fn every_operation_needs_what_it_needs_and_takes_what_it_does_not_know() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let mut with = |change: &dyn Fn(&mut Value)| {
        let mut body: Value = serde_json::from_slice(&encrypt("/a", "one", "AAAA").body).unwrap();
        change(&mut body);
        connection.ask(&Ask { body: body.to_string().into_bytes(), ..encrypt("/a", "one", "AAAA") })
    };
    for field in ["awsPrincipalArn", "kmsKeyArn", "kmsOperation", "kmsRequestId"] {
        let without = with(&|body| drop(body["requestMetadata"].as_object_mut().unwrap().remove(field)));
        is(&without, 400, "ValidationException");
    }
    let known = with(&|body| {
        body["requestMetadata"]["kmsOperation"] = "NotYetInvented".into();
        body["requestMetadata"]["kmsRequestId"] = "\u{7}no uuid".into();
        body["requestMetadata"]["awsPrincipalArn"] = "a".repeat(2048).into();
        body["requestMetadata"]["awsSourceVpc"] = Value::Null;
        body["requestMetadata"]["unheardOf"] = json!({"a": [1]});
        body["unheardOf"] = json!(true);
    });
    assert_eq!(known.status, 200, "{known:?}");
}

#[test]
fn who_is_not_known_learns_nothing_of_bodies_and_keys() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let stranger = crate::client::Credential {
        access_key_id: "ZZZZZZZZZZZZZZZZZZZZ",
        ..crate::client::Credential::ALL[0]
    };
    for mut ask in
        [encrypt("/a", "one", "AAAA"), describe("/a", "gone"), describe("/a", "a%62"), health("/a")]
    {
        ask.credential = stranger;
        ask.content_type = None;
        is(&connection.ask(&ask), 401, "AuthenticationFailedException");
    }
}

#[test]
fn a_quota_is_used_up_by_callers_who_are_known_alone() {
    let setup = Setup::new();
    setup.configure("", "", &two_stores("requests_per_second = 5\n"));
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let wrong =
        crate::client::Credential { secret: "d".repeat(43).leak(), ..crate::client::Credential::ALL[0] };
    for _ in 0..30 {
        let mut ask = health("/a");
        ask.credential = wrong;
        is(&connection.ask(&ask), 401, "AuthenticationFailedException");
    }
    let answers: Vec<_> = (0..50).map(|_| connection.ask(&health("/a"))).collect();
    let throttled = answers.iter().filter(|answer| answer.status == 429).count();
    assert!(answers[..5].iter().all(|answer| answer.status == 200), "the quota was used up by strangers");
    assert!(throttled > 0, "nothing is throttled");
    is(answers.iter().find(|answer| answer.status == 429).unwrap(), 429, "ThrottlingException");
    let mut other = health("/b");
    other.credential = crate::client::Credential::ALL[1];
    assert!((0..50).all(|_| connection.ask(&other).status == 200), "another store is throttled");
}
