//! The commands from a shell: what they print, and how they end.

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
not looked for: 2 health checks, 1 records of strangers
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

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Sid":"Ana","Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/Ana"}}},
    {"Sid":"Opens","Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"xks:Operation":"Decrypt"},"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}]}"#;

#[test]
fn check_policy_ends_with_0_if_it_would_be_allowed_and_with_3_if_it_would_be_denied() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("p.json"), POLICY).unwrap();
    let asked = |more: &[&str]| {
        let common = ["check-policy", "--policy", "p.json", "--default", "deny"];
        said(&run(directory.path(), &[&common, more].concat()))
    };
    let ana = "arn:aws:iam::111122223333:user/Ana";
    for (more, code, first) in [
        (
            &["--operation", "Encrypt", "--principal", ana][..],
            0,
            "allowed by statement 1 (`Ana`) of `p.json`",
        ),
        (&["--operation", "Encrypt", "--principal", "ebs.amazonaws.com"], 3, "denied by default"),
        (
            &["--operation", "Decrypt", "--principal", ana, "--source-ip", "192.0.2.7"],
            3,
            "denied by statement 2 (`Opens`) of `p.json`",
        ),
        (
            &["--operation", "Decrypt", "--principal", ana, "--source-ip", "203.0.113.7"],
            0,
            "allowed by statement 1",
        ),
        (
            &["--operation", "KmsHealthCheck", "--principal", "x"],
            0,
            "allowed: no policy is asked about GetHealthStatus",
        ),
    ] {
        let (actual, output, errors) = asked(more);
        assert_eq!(actual, code, "{more:?} {output} {errors}");
        assert!(output.starts_with(first), "{more:?} {output}");
    }
    let (code, _, errors) = asked(&["--operation", "ReEncrypt", "--principal", ana]);
    assert!(code == 1 && errors.contains("--call"), "{errors}");
    let (code, _, _) = asked(&["--operation", "ReEncrypt", "--principal", ana, "--call", "Decrypt"]);
    assert_eq!(code, 0);
}

#[test]
fn check_policy_reads_the_body_of_a_request_and_the_record_of_a_denial() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("p.json"), POLICY).unwrap();
    let mut body = call(1, "ReEncrypt", "Decrypt")["requestMetadata"].clone();
    body =
        serde_json::json!({"requestMetadata": body, "ciphertext": "AAAA", "encryptionAlgorithm": "AES_GCM"});
    fs::write(directory.path().join("body.json"), body.to_string()).unwrap();
    fs::write(directory.path().join("record.json"), call(1, "Decrypt", "Decrypt").to_string()).unwrap();
    for (request, more, code) in [
        ("body.json", &[][..], 0),
        ("body.json", &["--source-ip", "192.0.2.7"], 3),
        ("record.json", &[], 3),
        ("record.json", &["--principal", "arn:aws:iam::111122223333:user/Ben", "--call", "Encrypt"], 0),
    ] {
        let arguments =
            [&["check-policy", "--policy", "p.json", "--json", "--request", request], more].concat();
        let (actual, output, errors) = said(&run(directory.path(), &arguments));
        assert_eq!(actual, code, "{request} {more:?} {output} {errors}");
        let explanation: Value = serde_json::from_str(&output).unwrap();
        assert_eq!(explanation["allowed"], code == 0);
    }
}

#[test]
fn check_policy_ends_with_1_if_a_policy_is_none() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("p.json"), POLICY.replace("xks:Operation", "kms:KeySpec")).unwrap();
    let asked = ["check-policy", "--policy", "p.json", "--operation", "Encrypt", "--principal", "x"];
    let (code, output, errors) = said(&run(directory.path(), &asked));
    assert_eq!((code, output.as_str()), (1, ""));
    assert_eq!(
        errors,
        "cardea-xks-proxy: the policy `p.json` is refused: In statement 2 (`Opens`): the condition key `kms:KeySpec` can never \
         match: no request to a proxy has it\n"
    );
}
