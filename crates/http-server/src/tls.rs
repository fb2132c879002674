//! TLS as it is served: versions, suites, certificates of files. Only forward secrecy, never early data.

use crate::HttpServerError;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, NoServerSessionStorage, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion, version};
use std::path::Path;
use std::sync::Arc;

/// What a service chooses of its handshakes.
#[derive(Clone, Debug)]
pub struct Handshakes {
    /// Finds the certificate to show: a `Current<CertifiedKey>`, or any other.
    pub certificate: Arc<dyn ResolvesServerCert>,
    /// What clients' certificates must be; none is asked for if absent.
    pub clients: Option<Arc<dyn ClientCertVerifier>>,
    /// The oldest version that is spoken.
    pub minimum_version: TlsVersion,
    /// Sessions remembered for resumption. Sessions of a replaced configuration are forgotten with it: who was let in under other rules
    /// has to show its certificate again.
    pub sessions: usize,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl Handshakes {
    /// What the handshakes use, with HTTP/2 and HTTP/1.1 to choose from.
    pub fn server_config(self) -> Result<ServerConfig, HttpServerError> {
        let clients = self.clients.unwrap_or_else(|| Arc::new(NoClientAuth));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(self.minimum_version.and_later())
            .map_err(HttpServerError::part("TLS cannot be set up"))?
            .with_client_cert_verifier(clients)
            .with_cert_resolver(self.certificate);
        config.alpn_protocols = vec![ALPN_H2.to_vec(), ALPN_HTTP_1_1.to_vec()];
        config.session_storage = match self.sessions {
            0 => Arc::new(NoServerSessionStorage {}),
            sessions => ServerSessionMemoryCache::new(sessions),
        };
        Ok(config)
    }
}

/// The same, but that HTTP/2 is not offered.
pub(crate) fn without_http2(config: &ServerConfig) -> ServerConfig {
    let mut config = config.clone();
    config.alpn_protocols.retain(|protocol| protocol != ALPN_H2);
    config
}

impl TlsVersion {
    fn and_later(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Tls12 => FROM_TLS12,
            Self::Tls13 => FROM_TLS13,
        }
    }
}

/// Its default suites all have forward secrecy, and X25519MLKEM768 comes first: the feature `prefer-post-quantum`.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// A certificate chain and its key, each from a file in PEM.
pub fn read_certificate(certificate: &Path, private_key: &Path) -> Result<CertifiedKey, HttpServerError> {
    let wrong = |reason: String| HttpServerError::Certificate { path: certificate.to_owned(), reason };
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(private_key)
        .map_err(|error| wrong(format!("its key `{}`: {error}", private_key.display())))?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(|error| wrong(error.to_string()))
}

/// The certificates of a file, in order. There is at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, HttpServerError> {
    let wrong = |reason: String| HttpServerError::Certificate { path: path.to_owned(), reason };
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(|error| wrong(error.to_string()))?;
    if certificates.is_empty() { Err(wrong("it holds no certificate".to_owned())) } else { Ok(certificates) }
}

/// The protocol that the client chose by ALPN, if it is HTTP/2.
pub(crate) const ALPN_H2: &[u8] = b"h2";
const ALPN_HTTP_1_1: &[u8] = b"http/1.1";

const FROM_TLS12: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];
const FROM_TLS13: &[&SupportedProtocolVersion] = &[&version::TLS13];

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::NamedGroup;

    #[test]
    fn every_suite_has_forward_secrecy_and_the_hybrid_group_comes_first() {
        let provider = provider();
        assert_eq!(provider.kx_groups.first().unwrap().name(), NamedGroup::X25519MLKEM768);
        for suite in &provider.cipher_suites {
            let name = format!("{:?}", suite.suite());
            assert!(name.starts_with("TLS13_") || name.starts_with("TLS_ECDHE_"), "{name}");
        }
    }
}
