//! TLS as it is served: the certificate of the moment, of our own making or from files.

mod authority;
pub(crate) mod details;

use crate::ServerError;
use crate::config::Config;
use crate::data_dir::DataDir;
use http_server::Current;
use http_server::tls::{Handshakes, TlsVersion, read_certificate};
use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::sign::CertifiedKey;
use std::path::PathBuf;
use std::sync::Arc;

pub use authority::Authority;

/// The certificate that is shown, where it comes from, and everything else that a handshake needs.
#[derive(Debug)]
pub struct Tls {
    source: Source,
    certificate: Arc<Current<CertifiedKey>>,
    config: Arc<Current<ServerConfig>>,
}

impl Tls {
    /// Reads or makes the certificate.
    pub fn open(dir: &DataDir, config: &Config, now: Timestamp) -> Result<Self, ServerError> {
        let source = Source::of(dir, config);
        let certificate = Current::new(source.load(now)?);
        let handshakes = Handshakes {
            certificate: Arc::<Current<CertifiedKey>>::clone(&certificate),
            clients: None,
            minimum_version: TlsVersion::Tls12,
            sessions: config.limits.tls_sessions,
        };
        let config = Current::new(handshakes.server_config()?);
        Ok(Self { source, certificate, config })
    }

    /// Reads the certificate again, or makes a new one if it is near its end. What was shown before stays if that fails.
    pub fn refresh(&self, now: Timestamp) -> Result<(), ServerError> {
        self.certificate.replace(self.source.load(now)?);
        Ok(())
    }

    /// What every handshake uses.
    #[must_use]
    pub fn config(&self) -> Arc<Current<ServerConfig>> {
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
            Self::Files { certificate, private_key } => Ok(read_certificate(certificate, private_key)?),
            Self::Own { authority, names } => authority.certificate(names, now),
        }
    }
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

const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

#[cfg(test)]
mod tests {
    use super::*;
    use http_server::HttpServerError;
    use rustls::pki_types::CertificateDer;

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
        assert!(matches!(refused, ServerError::Http(HttpServerError::Certificate { .. })), "{refused}");
    }

    fn shown(tls: &Tls) -> Vec<CertificateDer<'static>> {
        tls.certificate.now().cert.clone()
    }
}
