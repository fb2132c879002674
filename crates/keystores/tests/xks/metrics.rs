//! What is measured of a store that is used (K29).

use std::time::Duration;

use crate::rig::{Rig, failure, request};
use faulty_proxy::{
    Authority, ErrorName, Fault, HealthReport, HealthStatus, Identity, Leaf, Scope, Setup, Tls,
};
use keystores::XksFailure;

fn line(text: &str, parts: &[&str]) -> String {
    let found = text.lines().find(|line| parts.iter().all(|part| line.contains(part)));
    found.unwrap_or_else(|| panic!("no line has {parts:?}:\n{text}")).to_owned()
}

fn value(text: &str, parts: &[&str]) -> String {
    line(text, parts).rsplit(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_request_is_counted_and_timed_also_each_that_was_given_up() {
    let rig = Rig::new();
    rig.seal().await.unwrap();
    rig.proxy.inject(Fault::error(ErrorName::Throttling), Scope::NEXT);
    assert_eq!(failure(rig.seal().await), XksFailure::Throttling);
    rig.proxy.inject(Fault::NeverAnswer, Scope::EVERYTHING);
    assert_eq!(failure(rig.seal().await), XksFailure::TimedOut);
    rig.proxy.clear_faults();
    rig.client.key_metadata(Setup::KEY, &request("CreateKey")).await.unwrap();
    let text = rig.scraped();
    let errors = |parts: &[&str]| value(&text, &[&["XksProxyErrors_total{"], parts].concat());
    assert_eq!(errors(&["KmsOperation=\"Encrypt\"", "ExceptionName=\"None\"", "ErrorType=\"N/A\""]), "1");
    assert_eq!(errors(&["ExceptionName=\"ThrottlingException\"", "ErrorType=\"Retryable errors\""]), "1");
    assert_eq!(errors(&["ExceptionName=\"XksProxyTimedOutException\""]), "2");
    assert_eq!(errors(&["XksOperation=\"GetKeyMetadata\"", "KmsOperation=\"CreateKey\""]), "1");
    assert_eq!(value(&text, &["XksProxyLatency_count{", "KmsOperation=\"Encrypt\""]), "4");
    let sum: f64 = value(&text, &["XksProxyLatency_sum{", "KmsOperation=\"Encrypt\""]).parse().unwrap();
    // Both that were given up count with all their time; the two others take what a busy machine makes of them.
    assert!((500.0..2000.0).contains(&sum), "{sum}");
}

fn issued(leaf: &Leaf) -> Identity {
    Authority::new().unwrap().issue(leaf).unwrap()
}

#[tokio::test]
async fn a_certificate_is_counted_down_under_its_own_name() {
    let leaf = Leaf::server().expiring_in(Duration::from_secs(9 * 86_400 + 3600));
    let rig = Rig::with(Setup::with_tls(Tls::new(issued(&leaf))), 1800);
    rig.seal().await.unwrap();
    let days =
        value(&rig.scraped(), &["XksProxyCertificateDaysToExpire{", "CertificateName=\"xks.example.com\""]);
    assert_eq!(days, "9");
    let wildcard = Leaf { common_name: "*.example.com".to_owned(), ..Leaf::server() };
    let rig = Rig::with(Setup::with_tls(Tls::new(issued(&wildcard))), 1800);
    rig.seal().await.unwrap();
    assert!(!rig.scraped().contains("CertificateName"));
}

#[tokio::test]
async fn the_states_of_key_managers_are_those_of_the_last_health_check_until_the_store_is_disconnected() {
    use HealthStatus::{Active, Degraded, Unavailable};
    let rig = Rig::new();
    rig.proxy.set_health(HealthReport::of(&[Active, Active, Degraded]));
    rig.client.health("KmsHealthCheck", "1").await.unwrap();
    let state = |text: &str, state: &str| {
        value(text, &["XksExternalKeyManagerStates{", &format!("XksExternalKeyManagerState=\"{state}\"")])
    };
    let text = rig.scraped();
    assert_eq!(["Active", "Degraded", "Unavailable"].map(|name| state(&text, name)), ["2", "1", "0"]);
    rig.proxy.set_health(HealthReport::of(&[Unavailable]));
    assert!(rig.client.health("KmsHealthCheck", "1").await.is_err());
    assert_eq!(state(&rig.scraped(), "Unavailable"), "1");
    assert!(value(&rig.scraped(), &["XksProxyCredentialAge{"]).parse::<i64>().unwrap() > 365);
    rig.shared.disconnected();
    rig.client.health("KmsHealthCheck", "1").await.unwrap_err();
    let text = rig.scraped();
    for gauge in
        ["XksExternalKeyManagerStates{", "XksProxyCertificateDaysToExpire{", "XksProxyCredentialAge{"]
    {
        assert!(!text.contains(gauge), "{text}");
    }
    assert!(text.contains("XksProxyErrors_total{"));
    rig.metrics.forget(crate::rig::store());
    assert!(!rig.scraped().contains("cks-"));
}
