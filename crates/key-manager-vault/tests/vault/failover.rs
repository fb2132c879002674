//! Servers that fail, and others that do not.

#![expect(clippy::unwrap_used, reason = "what a test cannot do ends it")]

use crate::bench::{Bench, count, decrypt, encrypt, id, one, open, session, until};
use key_manager::{Health, HealthStatus, Trouble};
use key_manager_vault::{Settings, VaultKeyManager};
use stand_in_transit::{Cluster, Fault, Node};
use std::time::Duration;

/// Two servers, the second of which is well.
async fn two() -> (Cluster, Node, Node, Bench, VaultKeyManager) {
    let cluster = Cluster::new().unwrap();
    let (first, second) = (cluster.start().unwrap(), cluster.start().unwrap());
    let bench = Bench::of(&cluster, &[&first, &second]).await;
    let try_timeout = Duration::from_millis(1500);
    let manager = open(Settings { try_timeout, ..bench.settings(Cluster::ROOT) });
    (cluster, first, second, bench, manager)
}

fn name(node: &Node) -> String {
    format!("127.0.0.1:{}", node.port())
}

fn statuses(health: &Health) -> Vec<HealthStatus> {
    health.members.iter().map(|member| member.status).collect()
}

#[tokio::test]
async fn a_server_that_is_gone_is_asked_again_when_it_is_back() {
    let (cluster, first, second, _bench, manager) = two().await;
    let session = session(&manager);
    let encrypted = encrypt(&session).await.unwrap();
    assert_eq!(*encrypted.member, *name(&first));
    let (address, first_name) =
        (first.url().strip_prefix("https://").unwrap().parse().unwrap(), name(&first));
    drop(first);
    assert_eq!(*encrypt(&session).await.unwrap().member, *name(&second));
    assert_eq!(decrypt(&session, &encrypted).await.unwrap(), b"plaintext");
    let health = session.health().await;
    assert_eq!(statuses(&health), [HealthStatus::Unavailable, HealthStatus::Active]);
    let _first = cluster.listen(address).unwrap();
    until("asked first again", async || *encrypt(&session).await.unwrap().member == *first_name).await;
    assert_eq!(statuses(&session.health().await), [HealthStatus::Active; 2]);
}

#[tokio::test]
async fn whatever_a_server_has_the_other_serves_and_only_that_one_is_unavailable() {
    let (_cluster, first, second, _bench, manager) = two().await;
    let session = session(&manager);
    let faults = [
        Fault::NeverAnswer,
        Fault::Reset,
        Fault::Answer(500, r#"{"errors":["internal error"]}"#.to_owned()),
        Fault::Answer(502, "<html>".to_owned()),
        Fault::Answer(200, "<html>".to_owned()),
    ];
    for fault in faults {
        first.mishandle(Some(fault.clone()));
        let encrypted = encrypt(&session).await.unwrap();
        assert_eq!(*encrypted.member, *name(&second), "{fault:?}");
        assert_eq!(decrypt(&session, &encrypted).await.unwrap(), b"plaintext", "{fault:?}");
        let health = statuses(&session.health().await);
        assert_eq!(health, [HealthStatus::Unavailable, HealthStatus::Active], "{fault:?}");
        first.mishandle(None);
        assert_eq!(statuses(&session.health().await), [HealthStatus::Active; 2], "{fault:?}");
    }
}

#[tokio::test]
async fn a_server_that_failed_is_asked_last_and_only_tried_with_the_test_key() {
    let (cluster, first, second, _bench, manager) = two().await;
    let session = session(&manager);
    encrypt(&session).await.unwrap();
    let asked = || {
        let requests = cluster.requests();
        requests.iter().filter(|seen| seen.port == first.port() && seen.path == "transit/encrypt/key").count()
    };
    first.mishandle(Some(Fault::NeverAnswer));
    assert_eq!(*encrypt(&session).await.unwrap().member, *name(&second));
    let (before, tried) = (asked(), count(&cluster, "transit/encrypt/health"));
    until("tried twice", async || {
        encrypt(&session).await.unwrap();
        count(&cluster, "transit/encrypt/health") >= tried + 2
    })
    .await;
    assert_eq!(asked(), before);
}

#[tokio::test]
async fn a_sealed_server_says_so_and_the_other_serves() {
    let (_cluster, first, second, _bench, manager) = two().await;
    let session = session(&manager);
    first.seal(true);
    assert_eq!(*encrypt(&session).await.unwrap().member, *name(&second));
    let health = session.health().await;
    assert_eq!(health.vendor, "OpenBao");
    assert_eq!(statuses(&health), [HealthStatus::Unavailable, HealthStatus::Active]);
    let models: Vec<_> = health.members.iter().map(|member| member.model.as_str()).collect();
    assert_eq!(models, ["OpenBao 2.7.2, sealed", "OpenBao 2.7.2"]);
    second.seal(true);
    let trouble = encrypt(&session).await.unwrap_err();
    assert!(matches!(trouble, Trouble::Failed(_)), "{trouble:?}");
    first.seal(false);
    until("serves again", async || encrypt(&session).await.is_ok()).await;
}

#[tokio::test]
async fn a_standby_is_active_if_it_passes_requests_on_and_degraded_if_it_sends_elsewhere() {
    let (_cluster, first, second, _bench, manager) = two().await;
    let session = session(&manager);
    first.stand_by(None);
    assert_eq!(*encrypt(&session).await.unwrap().member, *name(&first));
    assert_eq!(statuses(&session.health().await), [HealthStatus::Active; 2]);
    first.stand_by(Some(&second));
    assert_eq!(*encrypt(&session).await.unwrap().member, *name(&second));
    let health = session.health().await;
    assert_eq!(statuses(&health), [HealthStatus::Degraded, HealthStatus::Active]);
    assert_eq!(health.members.first().unwrap().model, "OpenBao 2.7.2, standby");
}

#[tokio::test]
async fn late_answers_are_told_as_late_and_a_slow_server_as_degraded() {
    let (_cluster, node, bench, _manager) = one().await;
    let short = Duration::from_millis(50);
    let settings = Settings { try_timeout: short, timeout: short * 2, ..bench.settings(Cluster::ROOT) };
    let manager = open(settings);
    let session = session(&manager);
    node.mishandle(Some(Fault::Late(Duration::from_millis(150))));
    assert_eq!(encrypt(&session).await.unwrap_err(), Trouble::TimedOut);
    assert_eq!(session.describe(id("other")).await, Err(Trouble::TimedOut));
    assert_eq!(statuses(&session.health().await), [HealthStatus::Degraded]);
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_told_as_such() {
    let (_cluster, node, _bench, manager) = one().await;
    let session = session(&manager);
    let text = r#"{"errors":["request path \"transit/encrypt/key\": rate limit quota exceeded"]}"#;
    let encrypted = encrypt(&session).await.unwrap();
    node.mishandle(Some(Fault::Answer(429, text.to_owned())));
    assert_eq!(encrypt(&session).await.unwrap_err(), Trouble::Busy);
    assert_eq!(decrypt(&session, &encrypted).await, Err(Trouble::Busy));
    assert_eq!(statuses(&session.health().await), [HealthStatus::Degraded]);
}
