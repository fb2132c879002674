//! What a proxy may answer, and what we make of it (K13, K14, K19, K20, K21).

use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::rig::{Rig, failure, request};
use faulty_proxy::{Api, ErrorName, ExternalKey, Fault, HealthReport, HealthStatus, Scope, Setup};
use keystores::XksFailure;
use serde_json::json;

const ERRORS: [(ErrorName, XksFailure); 12] = [
    (ErrorName::AccessDenied, XksFailure::AccessDenied),
    (ErrorName::AuthenticationFailed, XksFailure::AuthenticationFailed),
    (ErrorName::DependencyTimeout, XksFailure::DependencyTimeout),
    (ErrorName::Internal, XksFailure::Internal),
    (ErrorName::InvalidCiphertext, XksFailure::InvalidCiphertext),
    (ErrorName::InvalidKeyUsage, XksFailure::InvalidKeyUsage),
    (ErrorName::InvalidState, XksFailure::InvalidState),
    (ErrorName::InvalidUriPath, XksFailure::InvalidUriPath),
    (ErrorName::KeyNotFound, XksFailure::KeyNotFound),
    (ErrorName::Throttling, XksFailure::Throttling),
    (ErrorName::UnsupportedOperation, XksFailure::UnsupportedOperation),
    (ErrorName::Validation, XksFailure::InvalidResponse),
];

#[tokio::test]
async fn every_error_of_the_specification_is_told_apart_and_none_is_asked_again() {
    let rig = Rig::new();
    for (name, expected) in ERRORS {
        rig.proxy.forget_requests();
        rig.proxy.inject(Fault::error(name), Scope::NEXT);
        assert_eq!(failure(rig.seal().await), expected);
        assert_eq!(rig.proxy.requests().len(), 1, "{expected:?}");
    }
}

#[tokio::test]
async fn an_error_is_known_by_its_name_and_not_by_its_status() {
    let rig = Rig::new();
    for (name, status, expected) in [
        ("KeyNotFoundException", Some(200), XksFailure::KeyNotFound),
        ("KeyNotFoundException", Some(500), XksFailure::KeyNotFound),
        ("AccessDeniedException", Some(404), XksFailure::AccessDenied),
        ("OutOfPaperException", Some(400), XksFailure::InvalidResponse),
    ] {
        rig.proxy.inject(Fault::Error { name: name.to_owned(), status, message: None }, Scope::NEXT);
        assert_eq!(failure(rig.seal().await), expected, "{name} {status:?}");
    }
}

#[tokio::test]
async fn an_encryption_that_is_not_as_specified_is_not_believed() {
    let rig = Rig::new();
    let mut faults = vec![
        Fault::BadBase64,
        Fault::EmptyBody,
        Fault::HtmlPage(200),
        Fault::HtmlPage(404),
        Fault::HtmlPage(502),
        Fault::LongMetadata,
        Fault::NoIntegrityValue,
        Fault::NotJson,
        Fault::OddInitializationVector,
        Fault::ShortCiphertext,
        Fault::ShortTag,
        Fault::Status(204),
        Fault::Status(500),
        Fault::WrongIntegrityValue,
        Fault::WrongTag,
        Fault::WrongTypes,
    ];
    for field in ["ciphertext", "initializationVector", "authenticationTag", "ciphertextDataIntegrityValue"] {
        faults.push(Fault::RemoveField(field.to_owned()));
        faults.push(Fault::SetField { field: field.to_owned(), value: json!(null) });
        faults.push(Fault::SetField { field: field.to_owned(), value: json!("AA") });
    }
    // The integrity value covers it: to take it away is to change it.
    faults.push(Fault::RemoveField("ciphertextMetadata".to_owned()));
    for fault in faults {
        rig.proxy.inject(fault.clone(), Scope::NEXT);
        assert_eq!(failure(rig.seal().await), XksFailure::InvalidResponse, "{fault:?}");
    }
    assert!(rig.seal().await.is_ok());
}

#[tokio::test]
async fn a_decryption_that_is_not_as_specified_is_not_believed() {
    let rig = Rig::new();
    let blob = rig.seal().await.unwrap();
    let remove = |field: &str| Fault::RemoveField(field.to_owned());
    for fault in [
        Fault::BadBase64,
        Fault::EmptyBody,
        Fault::HtmlPage(200),
        Fault::NotJson,
        Fault::ShortPlaintext,
        Fault::Status(503),
        Fault::WrongTypes,
        remove("plaintext"),
    ] {
        rig.proxy.inject(fault.clone(), Scope::NEXT);
        assert_eq!(failure(rig.open(&blob).await), XksFailure::InvalidResponse, "{fault:?}");
    }
    assert!(rig.open(&blob).await.is_ok());
}

#[tokio::test]
async fn an_answer_of_ten_mebibytes_is_not_waited_for() {
    let rig = Rig::new();
    rig.proxy.inject(Fault::HugeBody, Scope::EVERYTHING);
    // Which of the two it is depends on how fast the proxy makes that much.
    assert!(matches!(failure(rig.seal().await), XksFailure::InvalidResponse | XksFailure::TimedOut));
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_proxy_that_cannot_be_reached() {
    for fault in [Fault::CloseWithoutAnswer, Fault::HalfAnswer, Fault::Reset] {
        let rig = Rig::new();
        rig.proxy.inject(fault.clone(), Scope::EVERYTHING);
        assert_eq!(failure(rig.seal().await), XksFailure::Unreachable, "{fault:?}");
        rig.proxy.clear_faults();
        assert!(rig.seal().await.is_ok(), "{fault:?}");
    }
}

#[tokio::test]
async fn what_the_proxy_says_of_an_error_is_logged_and_told_to_nobody() {
    let rig = Rig::new();
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer({
        let log = log.clone();
        move || log.clone()
    });
    let guard = tracing::subscriber::set_default(subscriber.with_ansi(false).finish());
    let message = Some("host 10.1.2.3\nforged line".to_owned());
    let name = "InternalException".to_owned();
    rig.proxy.inject(Fault::Error { name, status: None, message }, Scope::NEXT);
    let error = rig.seal().await.unwrap_err();
    drop(guard);
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("InternalException") && logged.contains("host 10.1.2.3?forged line"), "{logged}");
    assert!(logged.contains("4112f4d6-db54-4af4-ae30-c55a22a8dfae"), "{logged}");
    assert!(!error.to_string().contains("10.1.2.3"));
    for secret in [faulty_proxy::Credential::EXAMPLE_SECRET, "Signature=", "c2VhbGVkIGJ5"] {
        assert!(!logged.contains(secret), "{logged}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_external_key_is_as_its_proxy_describes_it() {
    let rig = Rig::new();
    let key = rig.client.key_metadata(Setup::KEY, &request("CreateKey")).await.unwrap();
    assert_eq!((key.spec.as_str(), key.status.as_str()), ("AES_256", "ENABLED"));
    assert_eq!(key.usage, ["ENCRYPT", "DECRYPT"]);
    let mut disabled = ExternalKey::for_usage(&["SIGN"]);
    disabled.enabled = false;
    disabled.spec = "RSA_2048".to_owned();
    rig.proxy.keys().put(Setup::KEY, disabled);
    let key = rig.client.key_metadata(Setup::KEY, &request("CreateKey")).await.unwrap();
    assert_eq!((key.spec.as_str(), key.status.as_str()), ("RSA_2048", "DISABLED"));
    assert_eq!(key.usage, ["SIGN"]);
    let missing = rig.client.key_metadata("nobody", &request("CreateKey")).await;
    assert_eq!(failure(missing), XksFailure::KeyNotFound);
}

#[tokio::test]
async fn an_external_key_that_is_disabled_encrypts_nothing() {
    let rig = Rig::new();
    let blob = rig.seal().await.unwrap();
    rig.proxy.keys().change(Setup::KEY, |key| key.enabled = false).unwrap();
    assert_eq!(failure(rig.seal().await), XksFailure::InvalidState);
    assert_eq!(failure(rig.open(&blob).await), XksFailure::InvalidState);
    rig.proxy.keys().change(Setup::KEY, |key| key.enabled = true).unwrap();
    assert!(rig.open(&blob).await.is_ok());
}

#[tokio::test]
async fn a_proxy_is_healthy_while_one_key_manager_is_not_unavailable() {
    use HealthStatus::{Active, Degraded, Unavailable};
    let rig = Rig::new();
    for (statuses, counts) in [
        (vec![Active, Active, Unavailable], (2, 0, 1)),
        (vec![Degraded, Unavailable], (0, 1, 1)),
        (vec![Active; 10], (10, 0, 0)),
    ] {
        rig.proxy.set_health(HealthReport::of(&statuses));
        let health = rig.client.health("ConnectCustomKeyStore", "1").await.unwrap();
        assert_eq!((health.active, health.degraded, health.unavailable), counts);
    }
    rig.proxy.set_health(HealthReport::of(&[Unavailable; 3]));
    assert_eq!(failure(rig.client.health("ConnectCustomKeyStore", "1").await), XksFailure::Unhealthy);
}

#[tokio::test]
async fn a_health_report_that_is_not_as_specified_is_not_believed() {
    let rig = Rig::new();
    for statuses in [vec![], vec![HealthStatus::Active; 11]] {
        rig.proxy.set_health(HealthReport::of(&statuses));
        assert_eq!(failure(rig.client.health("KmsHealthCheck", "1").await), XksFailure::InvalidResponse);
    }
    rig.proxy.set_health(HealthReport::of(&[HealthStatus::Active]));
    let set = |field: &str, value| Fault::SetField { field: field.to_owned(), value };
    for fault in [
        set("xksProxyFleetSize", json!(0)),
        set("xksProxyVendor", json!(null)),
        Fault::RemoveField("ekmVendor".to_owned()),
        Fault::WrongTypes,
    ] {
        rig.proxy.inject(fault.clone(), Scope::next(Api::Health, 1));
        let health = rig.client.health("KmsHealthCheck", "1").await;
        assert_eq!(failure(health), XksFailure::InvalidResponse, "{fault:?}");
    }
}
