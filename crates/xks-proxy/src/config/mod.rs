//! The configuration of the proxy: TOML in, checked values out. Every file that it names is read with it, so that what is at hand is of
//! one moment; no secret of it is ever in a message.
//!
//! `docs/xks-proxy/configuration.md` describes every setting; a test holds it to that.

mod mistake;

use crate::credential::Credential;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

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
    /// What is logged, and how.
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
    /// Every file that was read, the configuration first. [`watch`] looks at them.
    pub files: Vec<PathBuf>,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A level, or levels by part, as in `info,xks_proxy=debug`. The environment's `CARDEA_LOG` goes before.
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// The certificate, and whose certificates are asked for.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain that is shown, and its key.
    pub certificate: Arc<CertifiedKey>,
    /// The oldest version that is spoken.
    pub minimum_version: TlsVersion,
    /// Who may connect, if not everybody.
    pub clients: Option<Clients>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// 1.2.
    V1_2,
    /// 1.3.
    V1_3,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of additional authenticated data, 8192 or more.
    pub additional_data_bytes: usize,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// How long a whole request body may take to arrive.
    pub body_timeout: Duration,
    /// Bytes of unfinished request bodies in memory over all connections.
    pub buffered_body_bytes: usize,
    /// Connections at one time; further ones wait in the operating system's queue.
    pub connections: usize,
    /// How long the proxy waits for requests in flight when it is told to stop.
    pub drain_timeout: Duration,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// Bytes of all header lines of a request together.
    pub header_bytes: u32,
    /// How long the header of a request may take to arrive.
    pub header_timeout: Duration,
    /// Header lines of a request.
    pub headers: usize,
    /// Requests at one time on one HTTP/2 connection.
    pub http2_streams: u32,
    /// How long a connection may stay open without a request.
    pub idle_timeout: Duration,
    /// How long a key manager may take for all that one request wants of it.
    pub key_manager_timeout: Duration,
    /// Bytes of plaintext, and of ciphertext, 4300 or more.
    pub plaintext_bytes: usize,
    /// Requests at one time at key managers; further ones are answered `ThrottlingException`.
    pub requests: usize,
    /// TLS sessions remembered for resumption.
    pub tls_sessions: usize,
}

/// The audit journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The length of a file; the next one is begun when it is full.
    pub segment_bytes: u64,
}

/// A key manager.
#[derive(Debug)]
pub struct KeyManager {
    /// What stores name it by. Unique.
    pub name: String,
    /// What it is.
    pub kind: KeyManagerKind,
}

/// What a key manager is, and what its kind needs to know.
#[derive(Debug)]
pub enum KeyManagerKind {
    /// Tokens behind a PKCS#11 library.
    Pkcs11(toml::Table),
    /// A file.
    Software(toml::Table),
    /// The Transit engine of HashiCorp Vault or OpenBao.
    Vault(toml::Table),
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
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
        Err(ConfigError::unreadable(path, "the reader is being written"))
    }
}
