//! The configuration of the proxy: TOML in, checked values out. Every file that it names is read with it, so that what is at hand is of
//! one moment; no secret of it is ever in a message.
//!
//! `docs/xks-proxy/configuration.md` describes every setting; a test holds it to that.

mod credentials;
mod files;
mod key_managers;
mod limits;
mod mistake;
mod reading;
mod section;
mod stores;
mod tls;
mod warnings;
pub mod watch;
mod written;

use crate::credential::Credential;
use http_server::tls::TlsVersion;
use jiff::Timestamp;
use key_manager::duration;
use reading::Reading;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use section::Section;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use files::{Files, Stamp};
pub use http_server::logging::Log;
pub use mistake::{ConfigError, Mistake};

/// A configuration that has been checked.
#[derive(Debug)]
pub struct Config {
    /// Where HTTPS is served.
    pub listen: SocketAddr,
    /// Where metrics are served, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// How many threads answer requests; as many as there are cores if absent.
    pub workers: Option<NonZeroUsize>,
    /// Where what the proxy keeps is; the audit journal is in `audit` below it.
    pub data: PathBuf,
    /// The name under which KMS reaches the proxy, if it is told: that of `https://NAME`.
    pub host: Option<String>,
    /// The Regions that signatures may be for; any if empty.
    pub regions: BTreeSet<String>,
    /// How many proxies there are behind the endpoint, for GetHealthStatus.
    pub fleet_size: NonZeroU32,
    /// How often it is found out how key managers are; the key managers themselves may do it more often.
    pub health_interval: Duration,
    /// Which ciphertexts are decrypted again before they are answered.
    pub verify: Verify,
    /// What is logged, and how. The environment's `CARDEA_LOG` goes before its filter.
    pub log: Log,
    /// The certificate, and whose certificates are asked for.
    pub tls: Tls,
    /// What clients must not be able to exhaust.
    pub limits: Limits,
    /// The audit journal.
    pub audit: Audit,
    /// What encrypts and decrypts.
    pub key_managers: Vec<KeyManager>,
    /// The tenants. No two have the same prefix, or a credential of the same id.
    pub stores: Vec<Store>,
    /// Every file that was read, the configuration first, each as it was then.
    pub files: Files,
    /// What can be meant but is likely not.
    doubts: Vec<Mistake>,
}

/// Which ciphertexts are decrypted again before they are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verify {
    /// All.
    Always,
    /// Those of which KMS asks for the integrity value.
    #[default]
    WhenAsked,
}

/// The certificate, and whose certificates are asked for.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain that is shown, and its key.
    pub certificate: Arc<CertifiedKey>,
    /// The subject of the certificate.
    pub subject: String,
    /// Until when the certificate is good.
    pub not_after: Timestamp,
    /// The oldest version that is spoken.
    pub minimum_version: TlsVersion,
    /// Who may connect, if not everybody.
    pub clients: Option<Clients>,
}

/// Whose certificates are accepted of those who connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clients {
    /// The CAs. At least one.
    pub authorities: Vec<CertificateDer<'static>>,
    /// The common names of the subject, one of which it is to be. At least one.
    pub subjects: Vec<String>,
}

/// What clients must not be able to exhaust.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of additional authenticated data, 8192 or more.
    pub additional_data_bytes: usize,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// How long a whole request body may take to arrive.
    #[serde(deserialize_with = "duration")]
    pub body_timeout: Duration,
    /// Bytes of unfinished request bodies in memory over all connections.
    pub buffered_body_bytes: usize,
    /// Connections at one time; further ones wait in the operating system's queue.
    pub connections: usize,
    /// How long the proxy waits for requests in flight when it is told to stop.
    #[serde(deserialize_with = "duration")]
    pub drain_timeout: Duration,
    /// How long a TLS handshake may take.
    #[serde(deserialize_with = "duration")]
    pub handshake_timeout: Duration,
    /// Bytes of all header lines of a request together.
    pub header_bytes: u32,
    /// How long the header of a request may take to arrive.
    #[serde(deserialize_with = "duration")]
    pub header_timeout: Duration,
    /// Header lines of a request.
    pub headers: usize,
    /// Connections at one time that speak HTTP/2; further ones speak HTTP/1.1, which takes less memory.
    pub http2_connections: usize,
    /// Requests at one time on one HTTP/2 connection.
    pub http2_streams: u32,
    /// How long a connection may stay open without a request.
    #[serde(deserialize_with = "duration")]
    pub idle_timeout: Duration,
    /// How long a key manager may take for all that one request wants of it.
    #[serde(deserialize_with = "duration")]
    pub key_manager_timeout: Duration,
    /// Bytes of plaintext, and of ciphertext, 4300 or more.
    pub plaintext_bytes: usize,
    /// Requests of one store at one time; further ones are answered `ThrottlingException`.
    pub requests: usize,
    /// TLS sessions remembered for resumption.
    pub tls_sessions: usize,
}

/// The audit journal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// The length of a file; the next one is begun when it is full.
    pub segment_bytes: u64,
}

/// A key manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyManager {
    /// What stores name it by. Unique.
    pub name: String,
    /// What it is.
    pub kind: KeyManagerKind,
}

/// What a key manager is, and what its kind needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyManagerKind {
    /// Tokens behind a PKCS#11 library.
    Pkcs11(key_manager_pkcs11::Settings),
    /// A file.
    Software(key_manager_software::Settings),
    /// The Transit engine of HashiCorp Vault or OpenBao.
    Vault(key_manager_vault::Settings),
}

/// A tenant: a path, who may use it, and the keys behind it.
#[derive(Debug)]
pub struct Store {
    /// What its path has before `/kms/xks/v1`: empty, or a slash and more. Unique.
    pub path_prefix: String,
    /// The name of its key manager. There is one of that name.
    pub key_manager: String,
    /// The ids of the keys that it shows; all that the key manager has if absent.
    pub keys: Option<BTreeSet<String>>,
    /// Requests a second; further ones are answered `ThrottlingException`.
    pub requests_per_second: NonZeroU32,
    /// Its credentials. At least one, and no other store has one of the same id.
    pub credentials: Vec<Credential>,
    /// What is asked beyond the signature, of requests for any of its keys.
    pub policy: Option<PolicyFile>,
    /// What is asked besides, of requests for that key.
    pub key_policies: BTreeMap<String, PolicyFile>,
    /// What a request gets that no statement speaks of.
    pub default: DefaultDecision,
}

/// A policy as it is in its file.
#[derive(Debug)]
pub struct PolicyFile {
    /// Where it is.
    pub path: PathBuf,
    /// What is there.
    pub text: String,
}

/// What a request gets that no statement speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DefaultDecision {
    /// It goes on.
    Allow,
    /// It is refused.
    Deny,
}

impl Config {
    /// Reads that file and all that it names.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them, each with its place.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::read_noting_files(path).0
    }

    /// The same, with every file that was looked at, whatever was found.
    fn read_noting_files(path: &Path) -> (Result<Self, ConfigError>, Files) {
        let (text, stamp) = files::read(path);
        let itself = (path.to_owned(), stamp);
        let text = text.map_err(|error| error.to_string());
        let text = text.and_then(|text| String::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned()));
        let (outcome, files) = match text {
            Ok(text) => {
                let reading = Reading::new(path, &text);
                let config = config(&reading, &text);
                reading.end(config)
            }
            Err(message) => {
                let mistake = Mistake { file: path.to_owned(), place: None, message };
                (Err(ConfigError { mistakes: vec![mistake] }), Vec::new())
            }
        };
        let files: Vec<_> = std::iter::once(itself).chain(files).collect();
        let config = outcome.map(|(config, doubts)| Self { doubts, files: files.clone(), ..config });
        (config, files)
    }
}

/// `None` where it is not worth reading on; otherwise what is wrong is with the reading.
fn config(reading: &Reading<'_>, text: &str) -> Option<Config> {
    let whole = Section::whole(text, reading)?;
    let file: Option<written::File> = whole.fields(reading);
    let host = file.as_ref().and_then(|file| host(file, &whole, reading));
    let tls = tls::read(&whole, host.as_deref(), reading);
    let limits = whole.or_default("limits", reading, limits::check);
    let audit = whole.or_default("audit", reading, limits::check_audit);
    let log = whole.or_default("log", reading, |_: &Log, _, _| ());
    let key_managers = key_managers::read(&whole, reading);
    let stores = stores::read(&whole, host.as_deref(), &key_managers, reading);
    let file = file?;
    check_addresses(&file, &whole, reading);
    limits::check_health_interval(file.health_interval, &whole, reading);
    Some(Config {
        listen: file.listen,
        metrics: file.metrics,
        workers: file.workers,
        data: reading.resolve(&file.data),
        host,
        regions: regions(file.regions, &whole, reading),
        fleet_size: file.fleet_size,
        health_interval: file.health_interval,
        verify: file.verify,
        log: log?,
        tls: tls?,
        limits: limits?,
        audit: audit?,
        key_managers: key_managers.into_iter().collect::<Option<_>>()?,
        stores: stores.into_iter().collect::<Option<_>>()?,
        files: Vec::new(),
        doubts: Vec::new(),
    })
}

//= xks-proxy: the endpoint is https and a fully qualified name: no address, no port, no path
fn host(file: &written::File, whole: &Section<'_>, reading: &Reading<'_>) -> Option<String> {
    let endpoint = file.endpoint.as_deref()?;
    let host = endpoint.strip_prefix("https://").unwrap_or_default();
    let is_name = host.len() <= LONGEST_NAME
        && host.contains('.')
        && host.split('.').all(is_label)
        && host.rsplit('.').next().is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_name {
        let message = format!(
            "`endpoint` is `https://` and a fully qualified name, without a port and a path, such as `https://xks.example.com`; `{endpoint}` is not"
        );
        reading.wrong(whole.at("endpoint"), message);
    }
    is_name.then(|| host.to_owned())
}

fn is_label(label: &str) -> bool {
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(is_one)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn check_addresses(file: &written::File, whole: &Section<'_>, reading: &Reading<'_>) {
    if file.metrics == Some(file.listen) && file.listen.port() != 0 {
        reading.wrong(whole.at("metrics"), "`metrics` and `listen` are the same address: each needs its own");
    }
}

fn regions(named: Vec<String>, whole: &Section<'_>, reading: &Reading<'_>) -> BTreeSet<String> {
    let is_one = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    for (index, region) in named.iter().enumerate() {
        if region.is_empty() || !region.bytes().all(is_one) {
            let place = whole.at_element("regions", index);
            reading.wrong(place, format!("`{region}` is no name of a Region, such as `eu-central-1`"));
        }
    }
    named.into_iter().collect()
}

/// Of the DNS.
const LONGEST_NAME: usize = 253;
