//! Tokens: got, renewed, replaced and lost.

use crate::bench::{Bench, count, encrypt, id, one, open, session, until};
use key_manager::{HealthStatus, KeyManager as _, Trouble};
use key_manager_vault::{AppRole, Login, OpenError, Settings, VaultKeyManager};
use serde_json::json;
use stand_in_transit::Cluster;
use std::cell::Cell;
use std::fs;
use std::sync::Barrier;

#[tokio::test]
async fn a_token_that_is_lost_is_got_anew_once_for_all_threads() {
    let cluster = Cluster::new().unwrap();
    let node = cluster.start().unwrap();
    let bench = Bench::of(&cluster, &[&node]).await;
    bench.post("sys/auth/approle", json!({ "type": "approle" })).await;
    let settings = bench.settings_of_role(json!({})).await;
    let manager = open(settings);
    encrypt(&session(&manager)).await.unwrap();
    assert_eq!(count(&cluster, "auth/approle/login"), 1);
    cluster.revoke_all();
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (manager, barrier) = (&manager, &barrier);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let session = manager.session(worker);
                    barrier.wait();
                    for _ in 0..8 {
                        encrypt(&session).await.unwrap();
                    }
                });
            });
        }
    });
    assert_eq!(count(&cluster, "auth/approle/login"), 2);
    assert_eq!(count(&cluster, "auth/token/lookup-self"), 1, "each doubt was looked into");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let (cluster, _node, bench, _manager) = one().await;
    let token = bench.token(json!({ "ttl": "3s" })).await;
    let manager = open(bench.settings(&token));
    let session = session(&manager);
    until("renewed three times, longer than it was good for", async || {
        encrypt(&session).await.unwrap();
        count(&cluster, "auth/token/renew-self") >= 3
    })
    .await;
}

#[tokio::test]
async fn a_role_logs_in_anew_when_its_token_can_be_renewed_no_more() {
    let (cluster, _node, bench, _manager) = one().await;
    let manager = open(bench.settings_of_role(json!({ "token_ttl": "3s", "token_max_ttl": "5s" })).await);
    let session = session(&manager);
    until("logged in three times", async || {
        encrypt(&session).await.unwrap();
        count(&cluster, "auth/approle/login") >= 3
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_replaced_is_read_when_its_token_is_refused() {
    let (_cluster, _node, bench, _manager) = one().await;
    let (one, two) = (bench.token(json!({})).await, bench.token(json!({})).await);
    let manager = open(bench.settings(&one));
    let session = session(&manager);
    encrypt(&session).await.unwrap();
    bench.write("token", &two);
    bench.revoke(&one).await;
    encrypt(&session).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_replaced_is_read_before_its_token_is_refused() {
    let (cluster, _node, bench, _manager) = one().await;
    let (one, two) = (bench.token(json!({})).await, bench.token(json!({})).await);
    let _manager = open(bench.settings(&one));
    let before = Cell::new(0);
    until("looked up", async || {
        before.set(count(&cluster, "auth/token/lookup-self"));
        before.get() >= 2
    })
    .await;
    bench.write("token", &two);
    until("the new one is looked up", async || count(&cluster, "auth/token/lookup-self") > before.get())
        .await;
}

#[tokio::test]
async fn a_token_that_has_ended_fails_as_the_servers_fault_until_its_file_is_replaced() {
    let (_cluster, _node, bench, _manager) = one().await;
    let token = bench.token(json!({ "renewable": false })).await;
    let manager = open(bench.settings(&token));
    let session = session(&manager);
    encrypt(&session).await.unwrap();
    bench.revoke(&token).await;
    for _ in 0..3 {
        let trouble = encrypt(&session).await.unwrap_err();
        assert!(matches!(trouble, Trouble::Failed(_)), "{trouble:?}");
        let trouble = session.describe(id("other")).await.unwrap_err();
        assert!(matches!(trouble, Trouble::Failed(_)), "{trouble:?}");
    }
    assert_eq!(session.health().await.members.first().unwrap().status, HealthStatus::Unavailable);
    bench.write("token", &bench.token(json!({})).await);
    until("used", async || encrypt(&session).await.is_ok()).await;
}

#[tokio::test]
async fn who_opens_before_the_servers_are_there_waits_for_them() {
    let (cluster, node, bench, _manager) = one().await;
    let settings = bench.settings_of_role(json!({})).await;
    let address = node.url().strip_prefix("https://").unwrap().parse().unwrap();
    drop(node);
    let short = std::time::Duration::from_millis(200);
    let manager = open(Settings { timeout: short, try_timeout: short, ..settings });
    let session = session(&manager);
    let trouble = encrypt(&session).await.unwrap_err();
    assert!(matches!(trouble, Trouble::Failed(_) | Trouble::TimedOut), "{trouble:?}");
    let _node = cluster.listen(address).unwrap();
    until("logged in", async || encrypt(&session).await.is_ok()).await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let (_cluster, _node, bench, _manager) = one().await;
    let settings = bench.settings("token");
    let opened = |settings: Settings| VaultKeyManager::open(settings).unwrap_err();
    let path = |name: &str| bench.folder.path().join(name);
    let by = |login| Settings { login, ..settings.clone() };
    let absent = opened(by(Login::TokenFile(path("absent"))));
    assert!(matches!(&absent, OpenError::File { path, .. } if path.ends_with("absent")), "{absent}");
    for text in ["", "\n", "two words", "two\nlines", "öäü"] {
        fs::write(path("bad"), text).unwrap();
        let bad = opened(by(Login::TokenFile(path("bad"))));
        assert!(matches!(bad, OpenError::NoSecret { .. }), "{text}");
        let role =
            AppRole { role_id_file: path("token"), secret_id_file: path("bad"), mount: "approle".to_owned() };
        assert!(matches!(opened(by(Login::AppRole(role))), OpenError::NoSecret { .. }), "{text}");
    }
    let without = opened(Settings { ca_files: vec![path("token")], ..settings.clone() });
    assert!(matches!(without, OpenError::Authorities { .. }), "{without}");
    let absent = opened(Settings { ca_files: vec![path("absent")], ..settings.clone() });
    assert!(matches!(absent, OpenError::File { .. }), "{absent}");
}
