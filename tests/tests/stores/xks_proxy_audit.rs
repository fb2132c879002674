//! What is on record on both sides, and what is nowhere.

use crate::held::{Held, KEYS, data_key_request};
use crate::store::{PLAINTEXT, until};
use blackbox::{base64, run};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn both_logs_agree_until_somebody_else_uses_the_credential() {
    let held = Held::in_a_file();
    let server = held.start();
    let store = held.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    store.opens(&blob);
    let _ = server.call("GenerateDataKey", &json!({"KeyId": key, "KeySpec": "AES_256"})).output();
    held.key(&["disable", KEYS[0]]);
    until("the key is disabled", || store.decrypt(&blob).status != 200);
    let journal = held.proxy.journal_directory();
    let verified = run(&["audit", "verify", "--journal", journal.to_str().unwrap()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    held.logs_agree(&server);

    let encrypt = format!("keys/{}/encrypt", KEYS[1]);
    let stolen = held.ask_directly(&mut held.connect(), &encrypt, &data_key_request(b"whatever"));
    assert_eq!(stolen.status, 200, "{}", stolen.text());
    let (status, report) = held.reconcile(&server, &journal);
    assert_eq!(status, Some(3), "{report}");
    let found = report["differences"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{report}");
    assert_eq!(found[0]["kind"], "useWithoutEvent");
    assert_eq!(found[0]["kmsRequestId"], data_key_request(b"")["requestMetadata"]["kmsRequestId"]);
}

#[test]
fn no_plaintext_and_no_secret_is_in_the_log_the_journal_or_a_file_of_the_proxy() {
    let held = Held::in_a_file().configured("log.filter = 'trace'\n");
    let server = held.start();
    let store = held.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    store.opens(&blob);
    let encrypt = format!("keys/{}/encrypt", KEYS[1]);
    let mut connection = held.connect();
    let sealed = held.ask_directly(&mut connection, &encrypt, &data_key_request(SECRET)).output();
    let mut decrypt = data_key_request(b"");
    decrypt["requestMetadata"]["kmsOperation"] = "Decrypt".into();
    decrypt.as_object_mut().unwrap().remove("plaintext");
    for name in ["ciphertext", "initializationVector", "authenticationTag", "ciphertextMetadata"] {
        decrypt[name] = sealed[name].clone();
    }
    let opened = held.ask_directly(&mut connection, &encrypt.replace("/encrypt", "/decrypt"), &decrypt);
    assert_eq!(opened.output()["plaintext"], base64(SECRET));
    asks_over_http_2(&held);
    has_no_core_and_no_reader(held.proxy.pid());
    assert!(held.proxy.terminate().success());

    let log = fs::read(held.proxy.path("log")).unwrap();
    assert!(contains(&log, b"TRACE h2::"), "the log is not talkative");
    let passphrase = fs::read(held.proxy.path("passphrase")).unwrap();
    let credential = held.secret(&held.first);
    for (name, secret, its_file) in [
        ("a plaintext", SECRET, None),
        ("a client's plaintext", PLAINTEXT, None),
        ("the passphrase", &passphrase, Some(held.proxy.path("passphrase"))),
        ("a credential", credential.as_bytes(), Some(held.proxy.path(&format!("{}.secret", held.first)))),
    ] {
        is_nowhere_but(its_file, held.proxy.path(".").as_path(), name, secret);
    }
    assert!(!contains(&log, b"Signature="), "a signature is in the log");
}

/// Where more of what the proxy builds on has something to log.
fn asks_over_http_2(held: &Held) {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", "--http2", "--cacert"]).arg(held.proxy.path("ca.pem"));
    assert!(curl.arg(format!("{}/ping", held.proxy.endpoint())).output().unwrap().status.success());
}

/// Nobody but root reads its memory, and no core file has it.
#[track_caller]
fn has_no_core_and_no_reader(pid: u32) {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().rev().skip(1).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    let maps = fs::metadata(format!("/proc/{pid}/maps")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&maps), 0);
}

#[track_caller]
fn is_nowhere_but(its_file: Option<PathBuf>, folder: &Path, name: &str, secret: &[u8]) {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let forms = [secret.to_vec(), hex.into_bytes(), base64(secret).into_bytes()];
    for file in files_below(folder) {
        let content = fs::read(&file).unwrap();
        let found = forms.iter().any(|form| contains(&content, form));
        let is_its_own = its_file.as_ref().is_some_and(|its| its.file_name() == file.file_name());
        assert_eq!(found, is_its_own, "{name} and {}", file.display());
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let below = |entry: fs::DirEntry| match entry.file_type().unwrap() {
        kind if kind.is_dir() => files_below(&entry.path()),
        _ => vec![entry.path()],
    };
    entries.flat_map(below).collect()
}

fn contains(content: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(content, wanted).is_some()
}

const SECRET: &[u8] = b"attack at dawn, by the river";
