//! Nothing secret is in what is logged, at any level.

#![expect(clippy::unwrap_used, reason = "what a test cannot do ends it")]

use crate::bench::{Bench, decrypt, encrypt, id, open, session};
use serde_json::json;
use stand_in_transit::{Cluster, Fault};
use std::fs;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing_subscriber::filter::LevelFilter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_token_no_secret_id_and_no_plaintext_is_logged_at_any_level() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false);
    subscriber.with_writer(move || writer.clone()).init();

    let cluster = Cluster::new().unwrap();
    let node = cluster.start().unwrap();
    let bench = Bench::of(&cluster, &[&node]).await;
    let by_role = open(bench.settings_of_role(json!({})).await);
    let role = session(&by_role);
    let encrypted = encrypt(&role).await.unwrap();
    assert_eq!(decrypt(&role, &encrypted).await.unwrap(), b"plaintext");
    let token = bench.token(json!({})).await;
    let by_token = open(bench.settings(&token));
    let session = session(&by_token);
    encrypt(&session).await.unwrap();
    session.health().await;
    bench.revoke(&token).await;
    encrypt(&session).await.unwrap_err();
    let answer = r#"{"data":{"plaintext":"cGxhaW50ZXh0","ciphertext":"cGxhaW50ZXh0"}}"#;
    for (status, body) in [(200, answer), (500, answer), (400, answer)] {
        node.mishandle(Some(Fault::Answer(status, body.to_owned())));
        let told = decrypt(&role, &encrypted).await.map(|_| String::new());
        let told = told.unwrap_or_else(|trouble| format!("{trouble:?} {trouble}"));
        assert!(!told.contains("cGxhaW50ZXh0"), "{told}");
        drop(role.describe(id("other")).await);
    }
    let debug = format!("{by_role:?} {by_token:?}");

    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("logged in by AppRole") && logged.contains("the token is good"), "{logged}");
    let secret = fs::read_to_string(bench.folder.path().join("secret")).unwrap();
    let mut secrets = cluster.tokens();
    assert_eq!(secrets.len(), 1, "that of the role");
    secrets.extend([token, secret.trim().to_owned(), "cGxhaW50ZXh0".to_owned(), "\"plaintext\"".to_owned()]);
    for secret in &secrets {
        let line = logged.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
        assert!(!debug.contains(secret.as_str()), "{secret}");
    }
}
