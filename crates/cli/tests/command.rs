//! The command as a shell sees it where it must refuse: one line on standard error, nothing on standard output, the right exit code.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

#[test]
fn a_wrong_command_line_is_told_with_exit_code_2() {
    for words in
        [&["serve", "--nope"][..], &["serve"], &["dev", "advance", "5 weeks", "--data", "x"], &["nope"]]
    {
        let output = cardea(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn plain_http_for_others_than_this_machine_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    let data = outside.path().join("data");
    let line = refused(&["serve", "--http", "0.0.0.0:0", "--data", data.to_str().unwrap()]);
    assert!(line.contains("`0.0.0.0:0`") && line.contains("loopback"), "{line}");
    assert!(!data.exists(), "a service that is refused made its data directory");
}

#[test]
fn an_unknown_setting_is_refused_by_its_name_and_line() {
    let outside = tempfile::tempdir().unwrap();
    let config = outside.path().join("cardea.toml");
    fs::write(&config, "[limits]\nbody_size = 5\n").unwrap();
    let line = refused(&["serve", "--config", config.to_str().unwrap(), "--data", text(outside.path())]);
    assert!(line.contains("line 2: unknown field `body_size`"), "{line}");
}

#[test]
fn an_address_in_use_is_told_before_anything_is_stored() {
    let outside = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = refused(&["serve", "--listen", &address, "--data", text(outside.path())]);
    assert!(line.contains(&format!("cannot listen on `{address}`")), "{line}");
    assert!(!outside.path().join("store").exists());
}

#[test]
fn a_security_module_that_is_not_there_is_told_by_its_path() {
    let outside = tempfile::tempdir().unwrap();
    let config = outside.path().join("cardea.toml");
    fs::write(&config, "listen = \"127.0.0.1:0\"\n[module]\nprogram = \"/nowhere/cardea-module\"\n").unwrap();
    let line = refused(&["serve", "--config", config.to_str().unwrap(), "--data", text(outside.path())]);
    assert!(line.contains("`/nowhere/cardea-module`"), "{line}");
}

#[test]
fn the_clock_of_a_service_that_does_not_run_cannot_be_moved() {
    let outside = tempfile::tempdir().unwrap();
    let line = refused(&["dev", "advance", "1d", "--data", text(outside.path())]);
    assert!(line.contains("no service runs on"), "{line}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn a_data_directory_that_is_not_there_is_not_made_by_an_administrator() {
    let outside = tempfile::tempdir().unwrap();
    let data = outside.path().join("typing-error");
    for words in
        [&["admin", "account", "create"][..], &["admin", "status"], &["audit", "verify"], &["audit", "show"]]
    {
        let line = refused(&[words, &["--data", text(&data)]].concat());
        assert!(line.contains("typing-error"), "{line}");
        assert!(!data.exists());
    }
}

#[test]
fn the_data_directory_may_come_from_the_environment() {
    let outside = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cardea"));
    let output = command.args(["admin", "status"]).env("CARDEA_DATA", outside.path()).output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("no service runs on"));
}

fn refused(words: &[&str]) -> String {
    let output = cardea(words);
    assert_eq!(output.status.code(), Some(1), "{words:?}");
    assert!(output.stdout.is_empty());
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(line.starts_with("cardea: ") && line.matches('\n').count() == 1, "{line}");
    line
}

fn cardea(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cardea")).args(words).env_remove("CARDEA_DATA").output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
