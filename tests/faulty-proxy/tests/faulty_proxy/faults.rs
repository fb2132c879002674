//! Each fault, as a client meets it.

use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use faulty_proxy::{
    Api, ConnectionFault, ErrorName, Fault, HealthReport, HealthStatus, Often, Protocol, Scope, Setup,
};
use serde_json::json;

use crate::client::*;

#[tokio::test]
async fn each_error_of_the_specification_comes_with_its_status_and_only_so_often() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    for name in ErrorName::ALL {
        proxy.inject(Fault::error(name), Scope::next(Api::Health, 1));
        let answer = connection.call(HEALTH, &health()).await.unwrap();
        assert_eq!(answer.error(), (name.status(), name.as_str().to_owned()));
        assert!(answer.json().get("errorMessage").is_none());
        assert_eq!(connection.call(HEALTH, &health()).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn an_error_can_have_another_status_a_message_or_a_name_that_nobody_knows() {
    let proxy = proxy();
    let error = |name: &str, status, message: Option<&str>| Fault::Error {
        name: name.to_owned(),
        status,
        message: message.map(str::to_owned),
    };
    proxy.inject(error("ThrottlingException", Some(418), Some("marker 4711")), Scope::NEXT);
    let answer = call(&proxy, HEALTH, &health()).await.unwrap();
    assert_eq!(answer.status, 418);
    assert_eq!(answer.json(), json!({ "errorName": "ThrottlingException", "errorMessage": "marker 4711" }));
    proxy.inject(error("LunchException", None, None), Scope::NEXT);
    let answer = call(&proxy, HEALTH, &health()).await.unwrap();
    assert_eq!(answer.error(), (500, "LunchException".to_owned()));
}

#[tokio::test]
async fn an_answer_can_be_no_answer_of_the_api() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    for status in [401, 403, 404, 429, 500, 501, 503] {
        proxy.inject(Fault::Status(status), Scope::NEXT);
        let answer = connection.call(HEALTH, &health()).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.len()), (status, 0));
    }
    for status in [200, 500, 502] {
        proxy.inject(Fault::HtmlPage(status), Scope::NEXT);
        let answer = connection.call(HEALTH, &health()).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["content-type"]),
            (status, &"text/html".parse().unwrap())
        );
        assert!(answer.body.starts_with(b"<!DOCTYPE html>"));
    }
    proxy.inject(Fault::EmptyBody, Scope::NEXT);
    let answer = connection.call(HEALTH, &health()).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    proxy.inject(Fault::NotJson, Scope::NEXT);
    let answer = connection.call(HEALTH, &health()).await.unwrap();
    assert!(answer.status == 200 && serde_json::from_slice::<serde_json::Value>(&answer.body).is_err());
    proxy.inject(Fault::HugeBody, Scope::NEXT);
    let answer = connection.call(HEALTH, &health()).await.unwrap();
    assert!(answer.body.len() > 10 * 1024 * 1024 && answer.json()["ekmVendor"] == "Cardea");
    proxy.inject(Fault::WrongTypes, Scope::NEXT);
    let answer = connection.call(METADATA, &metadata()).await.unwrap();
    assert_eq!(answer.json(), json!({ "keySpec": 1, "keyUsage": 1, "keyStatus": 1 }));
    proxy.inject(Fault::RemoveField("keySpec".to_owned()), Scope::NEXT);
    assert!(connection.call(METADATA, &metadata()).await.unwrap().json().get("keySpec").is_none());
    proxy.inject(Fault::SetField { field: "keyStatus".to_owned(), value: "TIRED".into() }, Scope::NEXT);
    assert_eq!(connection.call(METADATA, &metadata()).await.unwrap().json()["keyStatus"], "TIRED");
}

/// So that a client that checks the integrity value alone does not notice, and one that checks lengths does.
#[tokio::test]
async fn parts_of_a_wrong_length_are_covered_by_the_integrity_value() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    let faults = [
        (Fault::LongMetadata, [21, 12, 9, 16]),
        (Fault::OddInitializationVector, [13, 13, 9, 16]),
        (Fault::ShortCiphertext, [13, 12, 8, 16]),
        (Fault::ShortTag, [13, 12, 9, 15]),
    ];
    for (fault, lengths) in faults {
        proxy.inject(fault.clone(), Scope::next(Api::Encrypt, 1));
        let answer = connection.call(ENCRYPT, &encrypt(b"plaintext", b"aad")).await.unwrap();
        let parts = ["ciphertextMetadata", "initializationVector", "ciphertext", "authenticationTag"]
            .map(|field| answer.bytes(field));
        assert_eq!(parts.each_ref().map(Vec::len), lengths, "{fault:?}");
        let covered = [b"aad", parts.concat().as_slice()].concat();
        assert_eq!(answer.bytes("ciphertextDataIntegrityValue"), digest(&SHA256, &covered).as_ref());
    }
}

#[tokio::test]
async fn a_wrong_tag_and_a_wrong_integrity_value_do_not_fit_together() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    for fault in [Fault::WrongTag, Fault::WrongIntegrityValue] {
        proxy.inject(fault.clone(), Scope::next(Api::Encrypt, 1));
        let answer = connection.call(ENCRYPT, &encrypt(b"plaintext", b"")).await.unwrap();
        let parts = ["ciphertextMetadata", "initializationVector", "ciphertext", "authenticationTag"]
            .map(|field| answer.bytes(field));
        assert_ne!(answer.bytes("ciphertextDataIntegrityValue"), digest(&SHA256, &parts.concat()).as_ref());
        let opens = connection.call(DECRYPT, &decrypt(&answer, b"")).await.unwrap().status == 200;
        assert_eq!(opens, fault == Fault::WrongIntegrityValue);
    }
    proxy.inject(Fault::NoIntegrityValue, Scope::next(Api::Encrypt, 1));
    let answer = connection.call(ENCRYPT, &encrypt(b"plaintext", b"")).await.unwrap();
    assert!(answer.json().get("ciphertextDataIntegrityValue").is_none());
    proxy.inject(Fault::BadBase64, Scope::next(Api::Encrypt, 1));
    let answer = connection.call(ENCRYPT, &encrypt(b"plaintext", b"")).await.unwrap().json();
    assert!(answer.as_object().unwrap().values().all(|field| field.as_str().unwrap().starts_with('*')));
}

#[tokio::test]
async fn a_decryption_can_be_of_the_wrong_bytes_or_length() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    let encrypted = connection.call(ENCRYPT, &encrypt(b"plaintext", b"")).await.unwrap();
    for (fault, plaintext) in
        [(Fault::WrongPlaintext, &b"qlaintext"[..]), (Fault::ShortPlaintext, b"plaintex")]
    {
        proxy.inject(fault, Scope::next(Api::Decrypt, 1));
        let answer = connection.call(DECRYPT, &decrypt(&encrypted, b"")).await.unwrap();
        assert_eq!(answer.bytes("plaintext"), plaintext);
    }
}

#[tokio::test]
async fn health_can_be_of_every_kind() {
    use HealthStatus::{Active, Degraded, Unavailable};
    let proxy = proxy();
    for statuses in [vec![Unavailable], vec![Active, Degraded], vec![], vec![Active; 11]] {
        proxy.set_health(HealthReport::of(&statuses));
        let answer = call(&proxy, HEALTH, &health()).await.unwrap().json();
        let told: Vec<&str> = answer["ekmFleetDetails"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member["healthStatus"].as_str().unwrap())
            .collect();
        let expected: Vec<String> =
            statuses.iter().map(|status| format!("{status:?}").to_uppercase()).collect();
        assert_eq!(told, expected);
    }
    proxy.set_health(HealthReport { xks_proxy_fleet_size: 0, ..HealthReport::of(&[Active]) });
    assert_eq!(call(&proxy, HEALTH, &health()).await.unwrap().json()["xksProxyFleetSize"], 0);
}

#[tokio::test]
async fn a_late_answer_is_right_and_late_and_the_next_is_in_time() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    proxy.inject(Fault::Late(Duration::from_millis(260)), Scope::next(Api::Health, 1));
    let start = Instant::now();
    assert_eq!(connection.call(HEALTH, &health()).await.unwrap().status, 200);
    assert!(start.elapsed() >= Duration::from_millis(260));
    let start = Instant::now();
    assert_eq!(connection.call(HEALTH, &health()).await.unwrap().status, 200);
    assert!(start.elapsed() < Duration::from_millis(260));
}

#[tokio::test]
async fn what_is_never_answered_was_read_and_is_in_flight() {
    let proxy = proxy();
    proxy.inject(Fault::NeverAnswer, Scope::next(Api::Health, 1));
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    let asked = tokio::spawn(async move { connection.call(HEALTH, &health()).await.map(|_| ()) });
    proxy.arrivals().wait_for(|&count| count == 1).await.unwrap();
    assert_eq!((proxy.counters().in_flight, proxy.requests().len()), (1, 1));
    assert!(!asked.is_finished());
    proxy.close_connections();
    assert!(asked.await.unwrap().is_err());
    assert_eq!(call(&proxy, HEALTH, &health()).await.unwrap().status, 200);
    assert_eq!((proxy.counters().in_flight, proxy.counters().most_in_flight), (0, 1));
}

#[tokio::test]
async fn a_connection_can_end_before_the_answer_or_in_it() {
    let proxy = proxy();
    let length = call(&proxy, HEALTH, &health()).await.unwrap().body.len();
    for (fault, said) in [
        (Fault::CloseWithoutAnswer, "without sending TLS close_notify".to_owned()),
        (Fault::HalfAnswer, format!("error reading a body from connection after {} bytes", length / 2)),
        (Fault::Reset, "reset by peer".to_owned()),
    ] {
        proxy.inject(fault.clone(), Scope::NEXT);
        let error = call(&proxy, HEALTH, &health()).await.unwrap_err();
        let mut chain = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            chain = format!("{chain}: {cause}");
            source = cause.source();
        }
        assert!(chain.contains(&said), "{fault:?}: {chain}");
    }
    assert_eq!(proxy.counters().requests, 4);
}

#[tokio::test]
async fn faults_of_connections_reach_http2_too() {
    let proxy = proxy();
    let client = Client { protocol: Protocol::Http2, ..Client::of(&proxy) };
    for fault in [Fault::CloseWithoutAnswer, Fault::HalfAnswer, Fault::Reset] {
        proxy.inject(fault.clone(), Scope::NEXT);
        let answer = client.connect().await.unwrap().call(HEALTH, &health()).await;
        assert!(answer.is_err(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_connection_can_fail_before_any_request() {
    let proxy = proxy();
    for fault in [ConnectionFault::CloseOnAccept, ConnectionFault::ResetOnAccept] {
        proxy.inject_connection_fault(fault, Often::Next(1));
        assert!(Client::of(&proxy).connect().await.is_err(), "{fault:?}");
    }
    assert_eq!(proxy.counters().handshakes, 0);
    proxy.inject_connection_fault(ConnectionFault::CloseAfterHandshake, Often::Next(1));
    assert!(call(&proxy, HEALTH, &health()).await.is_err());
    assert_eq!((proxy.counters().handshakes, proxy.counters().requests), (1, 0));
    proxy.inject_connection_fault(ConnectionFault::SilentOnAccept, Often::Next(1));
    let client = Client::of(&proxy);
    assert!(tokio::time::timeout(Duration::from_millis(200), client.connect()).await.is_err());
    assert_eq!(call(&proxy, HEALTH, &health()).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_fault_of_one_call_spares_the_others_and_every_second_is_every_second() {
    let proxy = proxy();
    let mut connection = Client::of(&proxy).connect().await.unwrap();
    proxy.inject(Fault::Status(503), Scope::one_in(Api::Metadata, 2));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        assert_eq!(connection.call(HEALTH, &health()).await.unwrap().status, 200);
        statuses.push(connection.call(METADATA, &metadata()).await.unwrap().status.as_u16());
    }
    assert_eq!(statuses, [200, 503, 200, 503]);
    proxy.inject(Fault::Status(500), Scope::EVERYTHING);
    assert_eq!(connection.call(HEALTH, &health()).await.unwrap().status, 500);
    proxy.clear_faults();
    assert_eq!(connection.call(HEALTH, &health()).await.unwrap().status, 200);
}

#[tokio::test]
async fn who_earns_an_error_gets_it_unspoilt() {
    let proxy = proxy();
    proxy.keys().change(Setup::KEY, |key| key.enabled = false).unwrap();
    proxy.inject(Fault::ShortTag, Scope::next(Api::Encrypt, 1));
    let answer = call(&proxy, ENCRYPT, &encrypt(b"plaintext", b"")).await.unwrap();
    assert_eq!(answer.error(), (400, "InvalidStateException".to_owned()));
}
