//! The laboratory from a shell, and what it says of our own proxy: all that a proxy must do, with everything lent.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what is not as expected fails the test")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use key_manager_software::{KeyStore, ProtectorSettings, Settings, Usage};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;
use xks_api::ExternalKeyId;

#[test]
fn our_own_proxy_does_all_that_a_proxy_must() {
    let bench = Bench::new();
    let report = bench.look(&format!("{} --json", bench.everything()));
    let json: Value = serde_json::from_slice(&report.stdout).unwrap();
    let failed: Vec<String> = json["requirements"].as_array().unwrap().iter().flat_map(failed).collect();
    assert_eq!(failed, Vec::<String>::new());
    assert_eq!(report.status.code(), Some(0));
    assert!(json["totals"]["passed"].as_u64().unwrap() > 125, "{}", json["totals"]);
}

#[test]
fn what_is_wrong_is_told_and_ends_with_1() {
    let bench = Bench::new();
    let arguments = bench.everything().replace("--other-key other ", "--other-key one ");
    let report = bench.look(&format!("{arguments} --only P42,P10"));
    let text = String::from_utf8(report.stdout).unwrap();
    assert!(text.contains("P42  FAILED") && text.contains("P10  passed"), "{text}");
    assert_eq!(report.status.code(), Some(1));
}

#[test]
fn a_run_that_cannot_begin_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files(folder.path().to_owned());
    files.write("a", SECRETS[0].1);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let line = format!("conformance https://{nobody} --region eu-central-1 --access-key-id {A} --key one");
    for (more, told) in
        [("", "CARDEA_XKS_SECRET_ACCESS_KEY"), (" --secret-access-key-file a", "does not answer")]
    {
        let words = format!("{line}{more}");
        let report = files.command(&words.split(' ').collect::<Vec<_>>()).output().unwrap();
        let said = String::from_utf8(report.stderr).unwrap();
        assert!(said.contains(told), "{said}");
        assert_eq!(report.status.code(), Some(2));
    }
}

/// The checks of a requirement that failed and that a proxy must pass.
fn failed(requirement: &Value) -> Vec<String> {
    let checks = requirement["checks"].as_array().unwrap().iter();
    let failed = checks.filter(|check| check["outcome"] == "failed" && check["level"] == "MUST");
    failed.map(|check| format!("{}: {check}", requirement["id"])).collect()
}

/// A folder with two stores, keys of every kind and clients of every kind, and a proxy that serves them by mutual TLS.
struct Bench {
    folder: tempfile::TempDir,
    proxy: Child,
    port: u16,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = Files(folder.path().to_owned());
        files.make_certificates();
        files.make_keys();
        files.write("policy.json", POLICY);
        files.write("proxy.toml", CONFIGURATION);
        for (name, secret) in SECRETS {
            files.write(name, secret);
        }
        let mut proxy = files.command(&["--config", "proxy.toml"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(proxy.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().rsplit(':').next().unwrap().parse().unwrap();
        Self { folder, proxy, port }
    }

    fn everything(&self) -> String {
        let other = format!("https://localhost:{}/b", self.port);
        format!(
            "--region eu-central-1 --access-key-id {A} --secret-access-key-file a --key one --other-key other \
             --encrypt-only-key encrypts --decrypt-only-key decrypts --disabled-key disabled \
             --second-access-key-id {C} --second-secret-file c --other-store {other} \
             --other-store-access-key-id {B} --other-store-secret-file b --other-store-key two \
             --denied-principal arn:aws:iam::123456789012:user/Mallory --ca server-ca.pem \
             --client-certificate right.pem --refused-client subject.pem --refused-client authority.pem \
             --refused-client alternative.pem --ping /ping"
        )
    }

    fn look(&self, arguments: &str) -> Output {
        let url = format!("https://localhost:{}/a", self.port);
        let mut command = Files(self.folder.path().to_owned()).command(&["conformance", &url]);
        command.args(arguments.split_whitespace()).output().unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.proxy.kill().unwrap();
        self.proxy.wait().unwrap();
    }
}

struct Files(PathBuf);

impl Files {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardea-xks-proxy"));
        command.args(arguments).current_dir(&self.0).stderr(Stdio::piped());
        command
    }

    fn write(&self, name: &str, text: &str) {
        let file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(self.0.join(name));
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn make_keys(&self) {
        self.write("passphrase", "a passphrase that nobody guesses");
        let protector = ProtectorSettings::PassphraseFile(self.0.join("passphrase"));
        let store = KeyStore::new(&Settings { file: self.0.join("keys"), protector });
        store.create().unwrap();
        for (id, usage) in [
            ("one", Usage::EncryptDecrypt),
            ("two", Usage::EncryptDecrypt),
            ("other", Usage::EncryptDecrypt),
            ("disabled", Usage::EncryptDecrypt),
            ("encrypts", Usage::Encrypt),
            ("decrypts", Usage::Decrypt),
        ] {
            store.create_key(ExternalKeyId::new(id).unwrap(), usage, 0).unwrap();
        }
        store.disable(ExternalKeyId::new("disabled").unwrap()).unwrap();
    }

    fn make_certificates(&self) {
        let (server_ca, client_ca, other_ca) = (authority(), authority(), authority());
        self.write("server-ca.pem", &server_ca.1);
        self.write("client-ca.pem", &client_ca.1);
        self.write("server.pem", &leaf("localhost", &["localhost"], &server_ca.0));
        self.write("right.pem", &leaf(CALLER, &[], &client_ca.0));
        self.write("subject.pem", &leaf("somebody.else", &[], &client_ca.0));
        self.write("authority.pem", &leaf(CALLER, &[], &other_ca.0));
        self.write("alternative.pem", &leaf("somebody.else", &[CALLER], &client_ca.0));
    }
}

fn authority() -> (Issuer<'static, KeyPair>, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, format!("an authority of {}", key.serialize_pem().len()));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), pem)
}

/// A certificate with its key.
fn leaf(subject: &str, names: &[&str], issuer: &Issuer<'_, KeyPair>) -> String {
    let key = KeyPair::generate().unwrap();
    let mut params =
        CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).unwrap();
    params.distinguished_name.push(DnType::CommonName, subject);
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, issuer).unwrap();
    format!("{}{}", certificate.pem(), key.serialize_pem())
}

const CALLER: &str = "cks.kms.eu-central-1.amazonaws.com";
const A: &str = "AAAAAAAAAAAAAAAAAAAA";
const B: &str = "BBBBBBBBBBBBBBBBBBBB";
const C: &str = "CCCCCCCCCCCCCCCCCCCC";
const SECRETS: [(&str, &str); 3] = [
    ("a", "conformance/tests/of/the/first/credential+a="),
    ("b", "conformance/tests/of/the/other/store/here+b="),
    ("c", "conformance/tests/of/the/second/credential+c="),
];
const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "NotMallory", "Effect": "Deny", "Action": "kms:*", "Resource": "*",
    "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:user/Mallory"}}}]}"#;
const CONFIGURATION: &str = r#"
listen = "127.0.0.1:0"
data = "data"
regions = ["eu-central-1"]
[tls]
certificate = "server.pem"
private_key = "server.pem"
client_ca_files = ["client-ca.pem"]
client_subjects = ["cks.kms.eu-central-1.amazonaws.com"]
[[key_manager]]
name = "soft"
kind = "software"
file = "keys"
protector.passphrase_file = "passphrase"
[[store]]
path_prefix = "/a"
key_manager = "soft"
keys = ["one", "other", "encrypts", "decrypts", "disabled"]
policy = "policy.json"
default = "allow"
[[store.credential]]
access_key_id = "AAAAAAAAAAAAAAAAAAAA"
secret_access_key_file = "a"
[[store.credential]]
access_key_id = "CCCCCCCCCCCCCCCCCCCC"
secret_access_key_file = "c"
[[store]]
path_prefix = "/b"
key_manager = "soft"
keys = ["two"]
[[store.credential]]
access_key_id = "BBBBBBBBBBBBBBBBBBBB"
secret_access_key_file = "b"
"#;
