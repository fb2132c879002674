//! A folder with a configuration and every file that it names.

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use xks_proxy::config::{Config, ConfigError};

pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.certificate("certificate.pem", "private-key.pem");
        let key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new([]).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        folder.write("ca.pem", &ca.self_signed(&key).unwrap().pem());
        folder.write("passphrase", "correct horse battery staple");
        folder.write("one.secret", ONE);
        folder.write("two.secret", &format!("{TWO}\n"));
        folder.write("policy.json", POLICY);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file that only its owner can read.
    pub(crate) fn write(&self, name: &str, contents: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), contents).unwrap();
        self.mode(name, 0o600);
    }

    pub(crate) fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A certificate of its own making for `xks.example.com`, and its key.
    pub(crate) fn certificate(&self, certificate: &str, private_key: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["xks.example.com".to_owned()]).unwrap();
        self.write(certificate, &params.self_signed(&key).unwrap().pem());
        self.write(private_key, &key.serialize_pem());
    }

    pub(crate) fn read(&self, text: &str) -> Result<Config, ConfigError> {
        self.write(CONFIGURATION, text);
        Config::read(&self.path(CONFIGURATION))
    }

    /// Every mistake of a configuration as it is shown, without the folder's name.
    pub(crate) fn mistakes(&self, text: &str) -> String {
        let shown = self.read(text).unwrap_err().to_string();
        shown.replace(&format!("{}/", self.0.path().display()), "")
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }
}

pub(crate) const CONFIGURATION: &str = "proxy.toml";
pub(crate) const ONE: &str = "theFirstSecretOfTheTests+of/43to64characters";
pub(crate) const TWO: &str = "theOtherSecretOfTheTests+of/43to64characters";

/// A configuration without a mistake. The tests of refusals count on its lines.
pub(crate) const GOOD: &str = r#"listen = "127.0.0.1:8443"
data = "data"
endpoint = "https://xks.example.com"
regions = ["eu-central-1"]
[tls]
certificate = "certificate.pem"
private_key = "private-key.pem"
[limits]
key_manager_timeout = "150ms"
[audit]
segment_bytes = 1048576
[[key_manager]]
name = "file"
kind = "software"
file = "keys"
protector.passphrase_file = "passphrase"
[[store]]
path_prefix = "/payments"
key_manager = "file"
keys = ["payments-2026"]
policy = "policy.json"
default = "deny"
[store.key_policy]
"payments-2026" = "policy.json"
[[store.credential]]
access_key_id = "PAYMENTSPAYMENTSPAYMENTS"
secret_access_key_file = "one.secret"
not_before = "2026-11-01T00:00:00Z"
not_after = 2126-11-01T00:00:00Z
[[store]]
path_prefix = "/cards"
key_manager = "file"
keys = ["cards-2026"]
[[store.credential]]
access_key_id = "CARDSCARDSCARDSCARDSCARDS"
secret_access_key_file = "two.secret"
"#;

pub(crate) const POLICY: &str =
    r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}"#;
