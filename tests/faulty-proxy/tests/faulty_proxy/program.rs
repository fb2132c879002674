//! The program, from a shell's side: curl signs, which shares no code with anything here.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests: what is not as expected fails the test"
)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use faulty_proxy::{Authority, Leaf};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{ENCRYPT, HEALTH, encrypt, health};

#[test]
fn curl_signs_and_scripts_faults() {
    let program = Program::start(&["--access-key-id", ID, "--secret", SECRET, "--prefix", "/a/b"]);
    let (status, answer) = program.call(ID, SECRET, HEALTH, &health());
    assert_eq!((status, &answer["ekmVendor"]), (200, &json!("Cardea")));
    assert_eq!(program.call(ID, SECRET, ENCRYPT, &encrypt(b"plaintext", b"aad")).0, 200);
    assert_eq!(program.call(ID, "wrong", HEALTH, &health()).0, 401);

    program.control(
        &json!({ "inject": { "fault": { "status": 503 }, "api": "health", "often": { "next": 1 } } }),
    );
    assert_eq!(program.call(ID, SECRET, HEALTH, &health()).0, 503);
    program.control(&json!({ "inject": { "fault": { "error": { "name": "ThrottlingException" } } } }));
    assert_eq!(program.call(ID, SECRET, HEALTH, &health()).1["errorName"], "ThrottlingException");
    program.control(&json!("clear_faults"));
    program.control(&json!({ "add_credential": { "access_key_id": "NEW", "secret": "new" } }));
    program.control(&json!({ "remove_credential": ID }));
    assert_eq!(program.call(ID, SECRET, HEALTH, &health()).0, 401);
    assert_eq!(program.call("NEW", "new", HEALTH, &health()).0, 200);
    program.control(&json!({ "change_key": { "name": "example-key", "enabled": false, "rotate": true } }));
    let (_, answer) = program.call("NEW", "new", ENCRYPT, &encrypt(b"plaintext", b""));
    assert_eq!(answer["errorName"], "InvalidStateException");

    let seen: Value = serde_json::from_str(&program.get("requests")).unwrap();
    let last = seen.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["accessKeyId"], &last["path"]),
        (&json!("NEW"), &json!(format!("/a/b/kms/xks/v1{ENCRYPT}")))
    );
    let counters: Value = serde_json::from_str(&program.get("counters")).unwrap();
    assert_eq!(counters["requests"], 8);
}

#[test]
fn the_options_say_who_gets_in_and_what_is_there() {
    const NAME: &str = "cks.kms.eu-central-2.amazonaws.com";
    let authority = Authority::new().unwrap();
    let client = authority.issue(&Leaf::client(NAME)).unwrap();
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let ca = file("ca.pem", authority.pem());
    let pair = file("client.pem", &format!("{}{}", client.certificate_pem(), client.key_pem()));
    let options = [
        ["--client-ca", &ca],
        ["--client-name", NAME],
        ["--credential", "FIRST:one"],
        ["--credential", "SECOND:two"],
        ["--key", "first"],
        ["--key", "second"],
        ["--name", "proxy.test"],
        ["--region", "eu-central-2"],
    ];
    let mut program = Program::start(options.as_flattened());
    let port = program.endpoint.rsplit_once(':').unwrap().1.to_owned();
    program.curl_options = vec!["--resolve".to_owned(), format!("proxy.test:{port}:127.0.0.1")];
    program.endpoint = format!("https://proxy.test:{port}");
    program.curl_options.extend(["--cert".to_owned(), pair]);
    for (id, secret, key) in [("FIRST", "one", "first"), ("SECOND", "two", "second")] {
        let path = format!("/keys/{key}/encrypt");
        assert_eq!(program.call(id, secret, &path, &encrypt(b"plaintext", b"")).0, 200);
    }
    assert_eq!(program.call("FIRST", "one", ENCRYPT, &encrypt(b"plaintext", b"")).0, 404);
    let counters: Value = serde_json::from_str(&program.get("counters")).unwrap();
    assert_eq!(counters["handshakes"], 3);
}

#[test]
fn the_control_port_refuses_what_it_does_not_know() {
    let program = Program::start(&[]);
    for command in [
        json!("dance"),
        json!({ "delete_key": "no-such-key" }),
        json!({ "change_key": { "name": "x", "wings": 2 } }),
    ] {
        assert_eq!(program.post(&command), "400", "{command}");
    }
}

/// A running program, its certificates, and where it says it is.
struct Program {
    child: Child,
    certificates: TempDir,
    endpoint: String,
    control: String,
    curl_options: Vec<String>,
}

impl Program {
    fn start(options: &[&str]) -> Self {
        let certificates = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_faulty-xks-proxy"))
            .args(["--control", "127.0.0.1:0", "--certificate-dir"])
            .arg(certificates.path())
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut words = line.split_whitespace();
        let (Some("faulty-xks-proxy"), Some("ready"), Some(endpoint), Some("control"), Some(control)) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            panic!("not ready: {line}");
        };
        let (endpoint, control) = (endpoint.to_owned(), control.to_owned());
        Self { child, certificates, endpoint, control, curl_options: Vec::new() }
    }

    fn call(&self, id: &str, secret: &str, path: &str, body: &Value) -> (u16, Value) {
        let ca = self.certificates.path().join("ca.pem");
        let (ca, user, body) = (ca.display().to_string(), format!("{id}:{secret}"), body.to_string());
        let url = format!("{}/kms/xks/v1{path}", self.endpoint);
        let mut options =
            vec!["--cacert", &ca, "--aws-sigv4", "aws:amz:eu-central-2:kms-xks-proxy", "--user", &user];
        options.extend(["--header", "Content-Type: application/json", "--data", &body]);
        options.extend(["--write-out", "\n%{http_code}", &url]);
        options.extend(self.curl_options.iter().map(String::as_str));
        let output = curl(&options);
        let (body, status) = output.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    fn control(&self, command: &Value) {
        assert_eq!(self.post(command), "200", "{command}");
    }

    fn post(&self, command: &Value) -> String {
        curl(&[
            "--data",
            &command.to_string(),
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
            &self.control,
        ])
    }

    fn get(&self, what: &str) -> String {
        curl(&[&format!("{}/{what}", self.control)])
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn curl(options: &[&str]) -> String {
    let output = Command::new("curl").args(["--silent", "--show-error"]).args(options).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

const ID: &str = "PROGRAMCREDENTIAL234567A";
const SECRET: &str = "program/secret+of/forty/three/characters===";
