//! TLS as it is served: versions, suites, the certificate of the moment. Only forward secrecy, never early data.

mod authority;
pub(crate) mod details;

use crate::ServerError;
use crate::config::Config;
use crate::data_dir::DataDir;
use jiff::Timestamp;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

pub use authority::Authority;

/// The certificate that is shown, where it comes from, and everything else that a handshake needs.
#[derive(Debug)]
pub struct Tls {
    source: Source,
    current: Arc<Current>,
    config: Arc<ServerConfig>,
}

impl Tls {
    /// Reads or makes the certificate.
    pub fn open(dir: &DataDir, config: &Config, now: Timestamp) -> Result<Self, ServerError> {
        let source = Source::of(dir, config);
        let current = Arc::new(Current(RwLock::new(Arc::new(source.load(now)?))));
        let config = server_config(&current, config.limits.tls_sessions)?;
        Ok(Self { source, current, config })
    }

    /// Reads the certificate again, or makes a new one if it is near its end. What was shown before stays if that fails.
    pub fn refresh(&self, now: Timestamp) -> Result<(), ServerError> {
        let certificate = Arc::new(self.source.load(now)?);
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = certificate;
        Ok(())
    }

    /// What every handshake uses.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

/// The file that clients are to trust, if it is not a CA that they trust already.
#[must_use]
pub fn ca_bundle(dir: &DataDir, config: &Config) -> Option<PathBuf> {
    match &config.tls.certificate {
        None => Some(Authority::of(dir).ca_file()),
        Some(_) => config
            .tls
            .ca_bundle
            .as_ref()
            .map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone())),
    }
}

#[derive(Debug)]
enum Source {
    Files { certificate: PathBuf, private_key: PathBuf },
    Own { authority: Authority, names: Vec<String> },
}

impl Source {
    fn of(dir: &DataDir, config: &Config) -> Self {
        match (&config.tls.certificate, &config.tls.private_key) {
            (Some(certificate), Some(private_key)) => {
                Self::Files { certificate: certificate.clone(), private_key: private_key.clone() }
            }
            _ => Self::Own { authority: Authority::of(dir), names: names(config) },
        }
    }

    fn load(&self, now: Timestamp) -> Result<CertifiedKey, ServerError> {
        match self {
            Self::Files { certificate, private_key } => read_certificate(certificate, private_key),
            Self::Own { authority, names } => authority.certificate(names, now),
        }
    }
}

/// The certificate of the moment.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn server_config(current: &Arc<Current>, sessions: usize) -> Result<Arc<ServerConfig>, ServerError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(ServerError::part("TLS cannot be set up"))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::<Current>::clone(current));
    config.alpn_protocols = vec![ALPN_H2.to_vec(), ALPN_HTTP_1_1.to_vec()];
    config.session_storage = match sessions {
        0 => Arc::new(NoServerSessionStorage {}),
        sessions => ServerSessionMemoryCache::new(sessions),
    };
    Ok(Arc::new(config))
}

/// Its default suites all have forward secrecy, and X25519MLKEM768 comes first: the feature `prefer-post-quantum`.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read_certificate(certificate: &Path, private_key: &Path) -> Result<CertifiedKey, ServerError> {
    let wrong = |reason: String| ServerError::Certificate { path: certificate.to_owned(), reason };
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(private_key)
        .map_err(|error| wrong(format!("its key `{}`: {error}", private_key.display())))?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(|error| wrong(error.to_string()))
}

/// The certificates of a file, in order. There is at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ServerError> {
    let wrong = |reason: String| ServerError::Certificate { path: path.to_owned(), reason };
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(|error| wrong(error.to_string()))?;
    if certificates.is_empty() { Err(wrong("it holds no certificate".to_owned())) } else { Ok(certificates) }
}

fn names(config: &Config) -> Vec<String> {
    let mut names: Vec<String> = LOCAL_NAMES.map(str::to_owned).into();
    let listen = config.listen.ip();
    let address = (!listen.is_unspecified()).then(|| listen.to_string());
    let endpoint = config.endpoint.as_deref().and_then(host).map(str::to_owned);
    for name in address.into_iter().chain(endpoint).chain(config.tls.names.iter().cloned()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn host(url: &str) -> Option<&str> {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next()?;
    match authority.strip_prefix('[') {
        Some(v6) => v6.split_once(']').map(|(host, _)| host),
        None => authority.split(':').next().filter(|host| !host.is_empty()),
    }
}

/// The protocol that the client chose by ALPN, if it is HTTP/2.
pub(crate) const ALPN_H2: &[u8] = b"h2";
const ALPN_HTTP_1_1: &[u8] = b"http/1.1";
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::NamedGroup;

    #[test]
    fn the_host_of_an_endpoint_is_found() {
        assert_eq!(host("https://kms.example.org:8443"), Some("kms.example.org"));
        assert_eq!(host("https://[::1]:8443/"), Some("::1"));
        assert_eq!(host("https://"), None);
    }

    #[test]
    fn the_certificate_holds_the_listen_address_the_endpoint_and_the_configured_names() {
        let config = Config {
            listen: "192.0.2.7:8443".parse().unwrap(),
            endpoint: Some("https://kms.example.org".to_owned()),
            tls: crate::config::Tls { names: vec!["localhost".into(), "other".into()], ..Default::default() },
            ..Config::default()
        };
        assert_eq!(
            names(&config),
            ["localhost", "127.0.0.1", "::1", "192.0.2.7", "kms.example.org", "other"]
        );
    }

    #[test]
    fn every_suite_has_forward_secrecy_and_the_hybrid_group_comes_first() {
        let provider = provider();
        assert_eq!(provider.kx_groups.first().unwrap().name(), NamedGroup::X25519MLKEM768);
        for suite in &provider.cipher_suites {
            let name = format!("{:?}", suite.suite());
            assert!(name.starts_with("TLS13_") || name.starts_with("TLS_ECDHE_"), "{name}");
        }
    }

    #[test]
    fn a_configured_certificate_goes_before_our_own_and_is_read_again() {
        let outside = tempfile::tempdir().unwrap();
        let dir = DataDir::create(outside.path()).unwrap();
        let other = DataDir::create(&outside.path().join("other")).unwrap();
        let now = Timestamp::now();
        let authority = Authority::of(&other);
        let first = authority.certificate(&["a.example".to_owned()], now).unwrap();
        let mut config = Config::default();
        config.tls.certificate = Some(other.file("tls/server.pem"));
        config.tls.private_key = Some(other.file("tls/server-key.pem"));
        let tls = Tls::open(&dir, &config, now).unwrap();
        assert!(!dir.file("tls").exists());
        assert_eq!(shown(&tls), first.cert);
        let second = authority.certificate(&["b.example".to_owned()], now).unwrap();
        tls.refresh(now).unwrap();
        assert_eq!(shown(&tls), second.cert);
    }

    #[test]
    fn a_key_that_is_not_the_certificates_is_refused() {
        let outside = tempfile::tempdir().unwrap();
        let dir = DataDir::create(outside.path()).unwrap();
        Authority::of(&dir).certificate(&["a.example".to_owned()], Timestamp::now()).unwrap();
        let mut config = Config::default();
        config.tls.certificate = Some(dir.file("tls/server.pem"));
        config.tls.private_key = Some(dir.file("tls/ca-key.pem"));
        let refused = Tls::open(&dir, &config, Timestamp::now()).unwrap_err();
        assert!(matches!(refused, ServerError::Certificate { .. }), "{refused}");
    }

    fn shown(tls: &Tls) -> Vec<CertificateDer<'static>> {
        tls.current.0.read().unwrap().cert.clone()
    }
}
