//! A proxy with its files, and the process that it is.

use crate::client::{Credential, Trust};
use key_manager_software::{KeyStore, ProtectorSettings, Settings, Usage};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use xks_api::ExternalKeyId;

/// The files of a proxy.
pub struct Setup {
    pub dir: TempDir,
    pub authority: Authority,
}

/// A CA, and what it signs.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub certificate: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(parameters, key), certificate }
    }

    /// A certificate with those alternative names and, if any, that common name; and its key.
    pub fn certificate(&self, names: &[&str], common_name: Option<&str>) -> (String, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = CertificateParams::new(names).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(name) = common_name {
            parameters.distinguished_name.push(DnType::CommonName, name);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

impl Setup {
    /// With a certificate for `localhost`, a key store with the keys `one`, `two`, `encrypts`, `decrypts` and `disabled`, and the secrets of
    /// [`Credential::ALL`].
    pub fn new() -> Self {
        let setup = Self { dir: tempfile::tempdir().unwrap(), authority: Authority::new("authority") };
        let (certificate, key) = setup.authority.certificate(&["localhost"], Some("localhost"));
        setup.write("tls.pem", &certificate);
        setup.write("tls-key.pem", &key);
        setup.write("passphrase", "a passphrase that nobody guesses");
        for credential in Credential::ALL {
            setup.write(&format!("{}.secret", credential.access_key_id), credential.secret);
        }
        let store = setup.key_store();
        store.create().unwrap();
        let usages = [
            ("one", Usage::EncryptDecrypt),
            ("two", Usage::EncryptDecrypt),
            ("encrypts", Usage::Encrypt),
            ("decrypts", Usage::Decrypt),
            ("disabled", Usage::EncryptDecrypt),
        ];
        for (id, usage) in usages {
            store.create_key(ExternalKeyId::new(id).unwrap(), usage, 0).unwrap();
        }
        store.disable(ExternalKeyId::new("disabled").unwrap()).unwrap();
        setup
    }

    pub fn key_store(&self) -> KeyStore {
        let protector = ProtectorSettings::PassphraseFile(self.path("passphrase"));
        KeyStore::new(&Settings { file: self.path("keys"), protector })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file that nobody else may read, in one step.
    pub fn write(&self, name: &str, text: &str) {
        let new = self.path(&format!("{name}.new"));
        let file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new);
        std::io::Write::write_all(&mut file.unwrap(), text.as_bytes()).unwrap();
        fs::rename(new, self.path(name)).unwrap();
    }

    /// The configuration, with what goes before its tables, into `[tls]`, and behind all.
    pub fn configure(&self, top: &str, tls: &str, rest: &str) {
        let text = format!(
            "listen = '127.0.0.1:0'\nmetrics = '127.0.0.1:0'\ndata = 'data'\nworkers = 2\n{top}\n\
             [tls]\ncertificate = 'tls.pem'\nprivate_key = 'tls-key.pem'\n{tls}\n\
             [[key_manager]]\nname = 'soft'\nkind = 'software'\nfile = 'keys'\nprotector.passphrase_file = 'passphrase'\n{rest}"
        );
        self.write("proxy.toml", &text);
    }

    /// One that listens, with the store `/a` that shows `one`, `encrypts`, `decrypts`, `disabled` and `gone`, and the store `/b` that shows
    /// `two`.
    pub fn two_stores(&self) {
        self.configure("", "", &two_stores(""));
    }

    pub fn start(&self) -> Proxy {
        self.start_with(&[])
    }

    pub fn start_with(&self, arguments: &[&str]) -> Proxy {
        self.started(self.command(arguments))
    }

    /// In a mount namespace of its own, where that was done before.
    pub fn start_in(&self, first: &str) -> Proxy {
        let inner = self.command(&[]);
        let mut outer = Command::new("unshare");
        let script = format!("{first} && exec \"$0\" \"$@\"");
        outer.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
        outer.arg(inner.get_program()).args(inner.get_args()).current_dir(self.dir.path());
        self.started(outer)
    }

    fn started(&self, mut command: Command) -> Proxy {
        let log = fs::File::create(self.path("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = line.trim().strip_prefix("cardea-xks-proxy ready https://");
        let Some(address) = ready.and_then(|address| address.parse().ok()) else {
            child.wait().unwrap();
            panic!("the proxy does not start: {line}{}", self.log());
        };
        let trust = Trust { authority: self.authority.certificate.clone(), client: None };
        Proxy { child, address, trust }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardea-xks-proxy"));
        command.arg("--config").arg(self.path("proxy.toml")).args(arguments);
        command.env("CARDEA_LOG", "trace");
        command
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// The journal's records, when it has been verified.
    pub fn records(&self) -> Vec<serde_json::Value> {
        let journal = self.path("data/audit");
        audit::verify(&journal).unwrap();
        let records = audit::records(&journal).unwrap();
        records.map(|entry| serde_json::from_slice(&entry.unwrap().record).unwrap()).collect()
    }

    /// Waits until the log says that.
    pub fn wait_for_log(&self, what: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.log().contains(what) {
            assert!(Instant::now() < deadline, "the log never says `{what}`:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The stores of [`Setup::two_stores`]; the first with something more.
pub fn two_stores(more: &str) -> String {
    let [a, b, _] = Credential::ALL;
    format!(
        "{}{more}{}{}{}",
        store("/a", "keys = ['one', 'encrypts', 'decrypts', 'disabled', 'gone']\n"),
        credential(&a),
        store("/b", "keys = ['two']\n"),
        credential(&b)
    )
}

pub fn store(prefix: &str, more: &str) -> String {
    format!("[[store]]\npath_prefix = '{prefix}'\nkey_manager = 'soft'\n{more}")
}

pub fn credential(credential: &Credential) -> String {
    let id = credential.access_key_id;
    format!("[[store.credential]]\naccess_key_id = '{id}'\nsecret_access_key_file = '{id}.secret'\n")
}

/// A running proxy; ended when dropped.
pub struct Proxy {
    child: Child,
    pub address: SocketAddr,
    pub trust: Trust,
}

impl Proxy {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// What it has in memory besides its program, of which a build for tests has a multiple.
    pub fn anonymous_kilobytes(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
