//! The command as a shell sees it where it must refuse: one line on standard error, nothing on standard output, the right exit code.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
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
fn a_setting_of_key_stores_that_is_wrong_is_told_by_its_name_and_its_fault() {
    let cluster =
        |rest: &str| format!("[[hsm_cluster]]\nlibrary = \"/l.so\"\ntrust_anchor = \"/ca.pem\"\n{rest}");
    for (settings, about) in [
        (
            "[xks]\nconnect_to = { \"xks.example.com\" = \"https://10.0.0.1:443\" }",
            "`https://10.0.0.1:443` is none",
        ),
        (
            "[xks]\nconnect_to = { \"xks.example.com:443\" = \"10.0.0.1:443\" }",
            "`xks.example.com:443` is none",
        ),
        ("[xks]\nhealth_check_interval = \"0s\"", "`xks.health_check_interval` is at least `1s`"),
        (
            "[xks]\nclient_certificate = \"/a.pem\"",
            "`xks.client_certificate` and `xks.client_key` go together",
        ),
        ("[custom_key_stores]\nrequests_per_second = 0", "line 2: invalid value: integer `0`"),
        (&cluster("id = \"cluster-1\"\nmembers = [\"one\"]"), "line 4: the id of an HSM cluster is"),
        (
            &cluster("id = \"cluster-abcdefghijk\"\nmembers = [\"one\", \"one\"]"),
            "the token `one` of `/l.so` is named before",
        ),
        (&cluster("id = \"cluster-abcdefghijk\"\nmembers = []"), "names no token"),
        (&cluster("id = \"cluster-abcdefghijk\""), "missing field `members`"),
        (
            &cluster("id = \"cluster-abcdefghijk\"\nmembers = [\"one\"]\nsessions = 0"),
            "line 6: invalid value",
        ),
        (
            &cluster("id = \"cluster-abcdefghijk\"\nmembers = [\"one\"]\nenvironment = { \"A=B\" = \"1\" }"),
            "line 6: the name of a variable",
        ),
        ("metrics = \"here\"", "line 1: "),
    ] {
        let line = refused_with(settings, &[]);
        assert!(line.contains("cardea.toml` is wrong: ") && line.contains(about), "{line}");
    }
}

#[test]
fn a_file_of_key_stores_that_cannot_be_used_is_told_with_its_setting() {
    let outside = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = outside.path().join(name);
        fs::write(&path, text).unwrap();
        text_of(path)
    };
    let (absent, empty) = (text_of(outside.path().join("absent.pem")), file("empty.pem", ""));
    let (ca, key) = (file("ca.pem", CERTIFICATE), file("key.pem", KEY));
    let two = file("two.pem", &format!("{CERTIFICATE}{CERTIFICATE}"));
    let no_certificate = file("no.pem", "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n");
    let client = |certificate: &str, key: &str| {
        format!("[xks]\nclient_certificate = {certificate:?}\nclient_key = {key:?}")
    };
    let anchor = |file: &str| {
        format!(
            "[[hsm_cluster]]\nid = \"cluster-abcdefghijk\"\nlibrary = \"/nowhere.so\"\nmembers = [\"one\"]\ntrust_anchor = {file:?}"
        )
    };
    for (settings, setting, file) in [
        (format!("[xks]\nextra_ca_files = [{ca:?}, {absent:?}]"), "xks.extra_ca_files", &absent),
        (format!("[xks]\nextra_ca_files = [{empty:?}]"), "xks.extra_ca_files", &empty),
        (format!("[xks]\nextra_ca_files = [{no_certificate:?}]"), "xks.extra_ca_files", &no_certificate),
        (client(&absent, &key), "xks.client_certificate", &absent),
        (client(&empty, &key), "xks.client_certificate", &empty),
        (client(&ca, &absent), "xks.client_key", &absent),
        (client(&ca, &empty), "xks.client_key", &empty),
        (client(&ca, &key), "xks.client_certificate", &ca),
        (anchor(&absent), "trust_anchor` of `hsm_cluster` `cluster-abcdefghijk`", &absent),
        (anchor(&empty), "trust_anchor` of `hsm_cluster` `cluster-abcdefghijk`", &empty),
        (anchor(&no_certificate), "trust_anchor` of `hsm_cluster` `cluster-abcdefghijk`", &no_certificate),
        (anchor(&two), "trust_anchor` of `hsm_cluster` `cluster-abcdefghijk`", &two),
    ] {
        let settings = format!("pkcs11.program = \"/bin/true\"\n{settings}");
        let line = refused_with(&settings, &[]);
        assert!(
            line.contains(&format!("`{setting}")) && line.contains(&format!("`{file}` cannot be used: ")),
            "{line}"
        );
    }
}

#[test]
fn a_ca_file_for_xks_proxies_may_be_given_several_times_and_must_be_there() {
    let outside = tempfile::tempdir().unwrap();
    let ca = text_of(outside.path().join("ca.pem"));
    fs::write(&ca, CERTIFICATE).unwrap();
    let line = refused_with("", &["--xks-ca", &ca, "--xks-ca", "/nowhere/ca.pem"]);
    assert!(line.contains("--xks-ca") && line.contains("`/nowhere/ca.pem` cannot be used"), "{line}");
}

#[test]
fn a_program_for_libraries_of_hsms_that_is_not_there_is_told_by_its_path() {
    let settings = "pkcs11.program = \"/nowhere/cardea-pkcs11\"\n[[hsm_cluster]]\nid = \"cluster-abcdefghijk\"\nlibrary = \"/nowhere.so\"\nmembers = [\"one\"]\ntrust_anchor = \"/nowhere.pem\"";
    let line = refused_with(settings, &[]);
    assert!(line.contains("`/nowhere/cardea-pkcs11`"), "{line}");
}

#[test]
fn an_address_for_metrics_in_use_is_told_before_anything_is_stored() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = refused_with(&format!("listen = \"127.0.0.1:0\"\nmetrics = {address:?}"), &[]);
    assert!(line.contains(&format!("cannot listen on `{address}`")), "{line}");
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

/// What `serve` says of those settings and further words. It must not have stored anything.
fn refused_with(settings: &str, words: &[&str]) -> String {
    let outside = tempfile::tempdir().unwrap();
    let (config, data) = (outside.path().join("cardea.toml"), outside.path().join("data"));
    fs::write(&config, settings).unwrap();
    let line = refused(&[&["serve", "--config", text(&config), "--data", text(&data)], words].concat());
    assert!(!data.join("store").exists(), "a service that is refused made its store");
    line
}

fn cardea(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cardea")).args(words).env_remove("CARDEA_DATA").output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn text_of(path: PathBuf) -> String {
    path.into_os_string().into_string().unwrap()
}

/// A certificate of an authority that signs itself, and a key that is not its own.
const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUBJShhM/nIXDqN8DGszkboxaId6wwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTI2MTEyMjA3MzIzMloYDzIxMjYxMDI5
MDczMjMyWjAUMRIwEAYDVQQDDAlhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQByvSmnUiWre3BN0lS9bMkfoZAWUA7Jv28oJ3Cy8Ph+HogZ5kKsuNT
DYndXyatwA0sHu6HpqHnIefIHPrxa/eDo1MwUTAdBgNVHQ4EFgQU+ZuD14xbmPSk
FEeF5aWtUGrH6pcwHwYDVR0jBBgwFoAU+ZuD14xbmPSkFEeF5aWtUGrH6pcwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiAdKix9M/JBinX2nt+qSuRc
ukjl2BFxQ4R/evd6OKA08gIhAJR7KeiSPVULYsv1MRvERpWwafGImviBEa9mPbA9
8OPo
-----END CERTIFICATE-----
";
const KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgg9jLkURB4vzkEyE7
L0hr7msDqQ5LzJUdYXVcreyEwWWhRANCAASuy1Vkl1Sb1ZI/uormP7L3Ay8FFMAj
6R407DBRtKnWa6gxbSfxnIFCje8hNRFiBnd/+f0zoyuagfgcnsLzTOIh
-----END PRIVATE KEY-----
";
