//! The command from a shell: what it prints, and how it ends.

use crate::agreeing;
use crate::logs::{KEY, call, journal, trail};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_cardea-xks-proxy");
    Command::new(program).args(arguments).current_dir(directory).output().unwrap()
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

const RECONCILE: &[&str] = &["reconcile", "--kms", "kms.json", "--proxy", "proxy"];

#[test]
fn reconcile_ends_with_0_if_nothing_is_found_with_3_if_something_is_and_with_1_if_it_cannot_tell() {
    let mut logs = agreeing();
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("kms.json"), trail(&logs.kms)).unwrap();
    journal(&directory.path().join("proxy"), &logs.calls).unwrap();
    let (code, output, errors) = said(&run(directory.path(), RECONCILE));
    assert_eq!((code, errors.as_str()), (0, ""));
    assert_eq!(
        output,
        "12 calls of the proxy, 7 events of the KMS: 12 calls agree
not looked for: 2 health checks, 0 calls refused unread, 1 records of strangers
0 differences, 0 cannot be told yet
"
    );
    fs::remove_dir_all(directory.path().join("proxy")).unwrap();
    let mut stray = call(99, "Decrypt", "Decrypt");
    stray["requestMetadata"]["awsPrincipalArn"] = "arn:aws:iam::111122223333:user/\u{1b}[2J".into();
    logs.calls.push(stray);
    journal(&directory.path().join("proxy"), &logs.calls).unwrap();
    let (code, output, _) = said(&run(directory.path(), RECONCILE));
    let expected = format!(
        "the proxy was used, and the KMS knows nothing of it: who else has the credential?
  request 4112f4d6-db54-4af4-ae30-000000000099
  proxy: 2026-11-22T08:00:00.12Z record 16, Decrypt, as Decrypt, of {KEY}, with payments-2026, at /payments, by arn:aws:iam::111122223333:user/\\u{{1b}}[2J: done
"
    );
    assert!(code == 3 && output.starts_with(&expected), "{output}");
    let (code, output, _) = said(&run(directory.path(), &[RECONCILE, &["--json"]].concat()));
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((code, report["differences"].as_array().unwrap().len()), (3, 1));
    let (code, output, errors) =
        said(&run(directory.path(), &["reconcile", "--kms", "absent", "--proxy", "proxy"]));
    assert_eq!((code, output.as_str()), (1, ""));
    assert!(errors.starts_with("cardea-xks-proxy: `absent` cannot be read"), "{errors}");
}
