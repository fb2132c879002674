//! The same against OpenBao itself: its program is named by the environment variable `CARDEA_BAO`, and runs here, in memory, on loopback.

#![expect(clippy::unwrap_used, reason = "what a test cannot do ends it")]

use crate::bench::{Bench, encrypt, open, session, until};
use crate::keys::{contract_over, deletion_over, kinds_over, rotation_over};
use key_manager::HealthStatus;
use serde_json::json;
use stand_in_transit::Cluster;
use std::fs;
use std::net::TcpListener;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

async fn start(folder: &TempDir) -> (Child, String) {
    let program = std::env::var_os("CARDEA_BAO").unwrap();
    // The port is free again for it.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = Command::new(program);
    command.args(["server", "-dev", "-dev-tls", "-dev-no-store-token", "-dev-root-token-id", Cluster::ROOT]);
    command.arg("-dev-listen-address").arg(&address).arg("-dev-tls-cert-dir").arg(folder.path());
    command.env("HOME", folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let child = command.spawn().unwrap();
    until("listens", async || TcpStream::connect(&address).await.is_ok()).await;
    (child, format!("https://{address}"))
}

async fn over(namespace: Option<&str>) -> (Child, TempDir, Bench) {
    let folder = tempfile::tempdir().unwrap();
    let (child, url) = start(&folder).await;
    let authority = fs::read(folder.path().join("vault-ca.pem")).unwrap();
    let bench = Bench::over(vec![url], &authority, namespace).await;
    (child, folder, bench)
}

#[tokio::test]
#[ignore = "wants a program of OpenBao, named by CARDEA_BAO"]
async fn openbao_is_held_to_the_same() {
    let (_child, _folder, bench) = over(None).await;
    let manager = open(bench.settings(&bench.token(json!({})).await));
    contract_over(&bench, &manager).await;
    kinds_over(&bench, &manager).await;
    rotation_over(&bench, &manager).await;
    deletion_over(&bench, &manager).await;
    let health = session(&manager).health().await;
    assert_eq!(health.vendor, "OpenBao");
    let member = health.members.first().unwrap();
    assert!(member.model.starts_with("OpenBao 2."), "{member:?}");
    assert_eq!(member.status, HealthStatus::Active);
}

#[tokio::test]
#[ignore = "wants a program of OpenBao, named by CARDEA_BAO"]
async fn a_role_in_a_namespace_of_openbao_keeps_its_token() {
    let (_child, _folder, bench) = over(Some("bank")).await;
    let manager = open(bench.settings_of_role(json!({ "token_ttl": "3s", "token_max_ttl": "5s" })).await);
    let session = session(&manager);
    let began = tokio::time::Instant::now();
    until("longer than any token is good for", async || {
        encrypt(&session).await.unwrap();
        began.elapsed() > std::time::Duration::from_secs(12)
    })
    .await;
}
