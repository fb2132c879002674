//! `check-policy` from a shell: whether a request would be allowed, by what, and how the command ends.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail them")]

use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
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

/// A record of the proxy's journal.
fn record(operation: &str) -> Value {
    json!({
        "eventVersion": "1.0",
        "eventTime": "2026-11-22T08:00:00.120Z",
        "eventSource": "xks-proxy",
        "eventName": "Decrypt",
        "store": "/payments",
        "externalKeyId": "payments-2026",
        "requestMetadata": {"awsPrincipalArn": "arn:aws:iam::111122223333:user/Ana", "kmsOperation": operation,
            "kmsKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/x", "kmsRequestId": "4112"},
        "sourceIPAddress": "192.0.2.1",
        "outcome": "Failure",
        "errorName": "AccessDeniedException",
    })
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
    let body = json!({"requestMetadata": record("ReEncrypt")["requestMetadata"], "ciphertext": "AAAA", "encryptionAlgorithm": "AES_GCM"});
    fs::write(directory.path().join("body.json"), body.to_string()).unwrap();
    fs::write(directory.path().join("record.json"), record("Decrypt").to_string()).unwrap();
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

/// Two stores, one of them with policies, in a configuration with every file that it names.
fn configure(directory: &Path) {
    let write = |name: &str, contents: &str| {
        fs::write(directory.join(name), contents).unwrap();
        fs::set_permissions(directory.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    };
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["xks.example.com".to_owned()]).unwrap().self_signed(&key).unwrap();
    write("certificate.pem", &certificate.pem());
    write("private-key.pem", &key.serialize_pem());
    write("passphrase", "correct horse battery staple");
    write("secret", "theFirstSecretOfTheTests+of/43to64characters");
    write("other-secret", "theOtherSecretOfTheTests+of/43to64characters");
    write("payments.json", POLICY);
    write(
        "one.json",
        r#"{"Version":"2012-10-17","Statement":{"Sid":"Never","Effect":"Deny","Action":"*","Resource":"*"}}"#,
    );
    write("proxy.toml", CONFIGURATION);
}

const CONFIGURATION: &str = r#"data = "data"
[tls]
certificate = "certificate.pem"
private_key = "private-key.pem"
[[key_manager]]
name = "file"
kind = "software"
file = "keys"
protector.passphrase_file = "passphrase"
[[store]]
path_prefix = "/payments"
key_manager = "file"
keys = ["payments-2026", "payments-2027"]
policy = "payments.json"
default = "deny"
[store.key_policy]
"payments-2026" = "one.json"
[[store.credential]]
access_key_id = "PAYMENTSPAYMENTSPAYMENTS"
secret_access_key_file = "secret"
[[store]]
path_prefix = "/cards"
key_manager = "file"
keys = ["cards-2026"]
[[store.credential]]
access_key_id = "CARDSCARDSCARDSCARDSCARDS"
secret_access_key_file = "other-secret"
"#;

#[test]
fn check_policy_asks_the_policies_of_the_store_and_of_the_key_as_they_are_configured() {
    let directory = tempfile::tempdir().unwrap();
    configure(directory.path());
    let common = ["check-policy", "--config", "proxy.toml", "--operation", "Encrypt", "--principal"];
    let ana = "arn:aws:iam::111122223333:user/Ana";
    for (more, code, says) in [
        (
            &[ana, "--store", "/payments", "--key", "payments-2027"][..],
            0,
            "allowed by statement 1 (`Ana`) of `payments.json`",
        ),
        (
            &[ana, "--store", "/payments", "--key", "payments-2026"],
            3,
            "denied by statement 1 (`Never`) of `one.json`",
        ),
        (&["ebs.amazonaws.com", "--store", "/payments", "--key", "payments-2027"], 3, "denied by default"),
        (&["ebs.amazonaws.com", "--store", "/cards"], 0, "allowed by default"),
        (&[ana, "--store", "/payments"], 1, "say with --key which external key it is"),
        (&[ana, "--store", "/payments", "--key", "cards-2026"], 1, "the store shows no key `cards-2026`"),
        (&[ana, "--store", "/none"], 1, "no store has the path prefix `/none`"),
        (&[ana], 1, "there are several stores: say with --store which"),
        (&[ana, "--store", "/cards", "--policy", "one.json"], 2, "cannot be used with"),
    ] {
        let (actual, output, errors) = said(&run(directory.path(), &[&common, more].concat()));
        assert_eq!(actual, code, "{more:?} {output} {errors}");
        assert!(output.contains(says) || errors.contains(says), "{more:?} {output} {errors}");
    }
}
