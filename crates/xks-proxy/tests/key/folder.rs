//! A folder with a key store in it, and the program that is called for it.

use serde_json::Value;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, ExitStatus, Stdio};
use tempfile::TempDir;

pub struct Folder(TempDir);

impl Folder {
    /// With a new store under a passphrase.
    pub fn with_store() -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        this.write_private("passphrase", &format!("{PASSPHRASE}\n"));
        this.says("is made, without keys; it is sealed by passphrase", &["init"]);
        this
    }

    /// A configuration of the proxy with that many software key managers, whose paths are relative to it.
    pub fn configuration(&self, key_managers: usize) -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(["xks.example.com".to_owned()]).unwrap();
        self.write_private("certificate.pem", &certificate.self_signed(&key).unwrap().pem());
        self.write_private("private-key.pem", &key.serialize_pem());
        self.write_private("secret", "theFirstSecretOfTheTests+of/43to64characters");
        let key_manager = |number| {
            let name = if number == 0 { "keys".to_owned() } else { format!("keys-{number}") };
            format!(
                "[[key_manager]]\nname = '{name}'\nkind = 'software'\nfile = '{name}'\nprotector.passphrase_file = 'passphrase'\n"
            )
        };
        let key_managers: String = (0..key_managers).map(key_manager).collect();
        self.write_private("proxy.toml", &format!("{CONFIGURATION}{key_managers}{STORE}"));
        self.path("proxy.toml")
    }

    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn write_private(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
        std::fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).unwrap();
    }

    /// What it prints, which has those words in it.
    pub fn says(&self, what: &str, words: &[&str]) -> String {
        let (status, out, told) = self.run_with_store(words);
        assert!(status.success(), "{words:?}: {told}");
        assert!(out.contains(what), "{words:?}: {out}");
        out
    }

    /// It fails, prints nothing, and tells why in those words.
    pub fn refuses(&self, why: &str, words: &[&str]) {
        let (status, out, told) = self.run_with_store(words);
        assert!(!status.success(), "{words:?}: {out}");
        assert!(out.is_empty() && told.contains(why), "{words:?}: {out}{told}");
    }

    pub fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.says("", words)).unwrap()
    }

    pub fn run_with_store(&self, words: &[&str]) -> (ExitStatus, String, String) {
        let (store, passphrase) = (self.path("keys"), self.path("passphrase"));
        let named = ["--store", &store, "--passphrase-file", &passphrase];
        self.run_with(&[words, &named].concat(), None)
    }

    pub fn run_with(&self, words: &[&str], variable: Option<(&str, &str)>) -> (ExitStatus, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardea-xks-proxy"));
        let output = command.arg("key").args(words).envs(variable).stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status, text(output.stdout), text(output.stderr))
    }
}

pub const PASSPHRASE: &str = "correct horse battery staple";
const CONFIGURATION: &str =
    "data = 'data'\n[tls]\ncertificate = 'certificate.pem'\nprivate_key = 'private-key.pem'\n";
const STORE: &str = "[[store]]\npath_prefix = '/one'\nkey_manager = 'keys'\n[[store.credential]]\n\
    access_key_id = 'PAYMENTSPAYMENTSPAYMENTS'\nsecret_access_key_file = 'secret'\n";
