//! The XKS proxy as it is shipped, with the files of a deployment: a certificate, a credential, a key manager.

use super::super::connection::{Endpoint, tls_trusting};
use super::super::process::Server;
use super::super::store::remove;
use super::super::{BenchError, Places};
use super::api::Api;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sigv4::Credentials;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    program: PathBuf,
}

/// A proxy that runs.
#[derive(Debug)]
pub struct Proxy {
    /// Its process.
    pub server: Server,
    /// What it offers.
    pub api: Api,
}

impl Folder {
    /// A new one, in place of whatever is there, with all but a key manager.
    pub fn new(places: &Places, path: PathBuf) -> Result<Self, BenchError> {
        remove(&path)?;
        fs::create_dir_all(path.join("tls")).map_err(BenchError::io("make a directory"))?;
        let this = Self { path, program: places.program("cardea-xks-proxy") };
        this.write_certificates()?;
        this.write("secret", SECRET)?;
        Ok(this)
    }

    /// Where it is: the bare server finds the certificate there, too.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file that only its owner may read.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, BenchError> {
        let path = self.path.join(name);
        let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(BenchError::io("write a file of the proxy")).map(|()| path)
    }

    /// Makes a key store of the software key manager with the external key. What the configuration is to say of it.
    pub fn software(&self) -> Result<String, BenchError> {
        self.write("passphrase", "a passphrase that nobody guesses")?;
        for what in [["init"].as_slice(), &["create", KEY]] {
            let made = Command::new(&self.program)
                .args(["key", "--store", "keys", "--passphrase-file", "passphrase"])
                .args(what)
                .current_dir(&self.path)
                .output()
                .map_err(BenchError::io("run the program of the proxy"))?;
            if !made.status.success() {
                let text = String::from_utf8_lossy(&made.stderr).into_owned();
                return Err(BenchError::malformed("what is said of a new key", text));
            }
        }
        Ok("kind = 'software'\nfile = 'keys'\nprotector.passphrase_file = 'passphrase'\n".to_owned())
    }

    /// Starts the proxy with that key manager.
    pub fn start(&self, key_manager: &str) -> Result<Proxy, BenchError> {
        // The quota is not what is measured.
        let configuration = format!(
            "listen = '127.0.0.1:0'\nmetrics = '127.0.0.1:0'\ndata = 'data'\n\n\
             [tls]\ncertificate = 'tls/server.pem'\nprivate_key = 'tls/server-key.pem'\n\n\
             [[key_manager]]\nname = 'bench'\n{key_manager}\n\
             [[store]]\npath_prefix = '{PREFIX}'\nkey_manager = 'bench'\nkeys = ['{KEY}']\nrequests_per_second = 1000000\n\n\
             [[store.credential]]\naccess_key_id = '{ACCESS_KEY_ID}'\nsecret_access_key_file = 'secret'\n"
        );
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(self.write("proxy.toml", &configuration)?);
        let server = Server::start(command, READY, &self.path.join("log"))?;
        let address = server.ready_line.strip_prefix(READY).and_then(|address| address.trim().parse().ok());
        let address = address.ok_or_else(|| BenchError::malformed("the ready line", &server.ready_line))?;
        let api = Api {
            endpoint: Endpoint::secure(address, tls_trusting(&self.path.join("tls/ca.pem"))?),
            host: address.to_string(),
            path_prefix: PREFIX.to_owned(),
            key: KEY.to_owned(),
            credentials: Credentials::new(ACCESS_KEY_ID.to_owned(), SECRET.to_owned(), None),
            region: "us-east-1".to_owned(),
        };
        Ok(Proxy { server, api })
    }

    fn write_certificates(&self) -> Result<(), BenchError> {
        let refused = |error: rcgen::Error| BenchError::Tls(error.to_string());
        let (authority_key, key) =
            (KeyPair::generate().map_err(refused)?, KeyPair::generate().map_err(refused)?);
        let mut authority = CertificateParams::new(Vec::new()).map_err(refused)?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = authority.self_signed(&authority_key).map_err(refused)?;
        self.write("tls/ca.pem", &certificate.pem())?;
        let issuer = Issuer::new(authority, authority_key);
        let server = CertificateParams::new(["127.0.0.1".to_owned()]).map_err(refused)?;
        let certificate = server.signed_by(&key, &issuer).map_err(refused)?;
        self.write("tls/server.pem", &certificate.pem())?;
        self.write("tls/server-key.pem", &key.serialize_pem()).map(drop)
    }
}

/// A journal of a whole measurement is gigabytes. Whatever else is there tells what was measured.
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = remove(&self.path.join("data"));
    }
}

/// The id of the external key.
pub const KEY: &str = "bench-key";
/// The id of the credential.
pub const ACCESS_KEY_ID: &str = "BENCHCREDENTIAL234567AAA";
const SECRET: &str = "bench/secret+of/forty/three/characters=====";
const PREFIX: &str = "/bench";
const READY: &str = "cardea-xks-proxy ready https://";
