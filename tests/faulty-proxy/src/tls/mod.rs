//! How a proxy speaks TLS: with which certificate, versions, suites and protocols, and whom it lets in.

mod authority;
mod caller;
mod old;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::{CipherSuite, RootCertStore, ServerConfig, SupportedProtocolVersion, version};

pub use authority::{Authority, Identity, KeyKind, Leaf};
pub use old::OldTlsServer;

use crate::error::Error;
use caller::NamedCaller;

/// The TLS side of a proxy.
#[derive(Debug)]
pub struct Tls {
    /// What it shows.
    pub identity: Identity,
    /// What it speaks; TLS 1.2 and 1.3 by default.
    pub versions: Vec<TlsVersion>,
    /// The only suite; any of rustls by default.
    pub suite: Option<Suite>,
    /// Whom it lets in; everybody by default.
    pub client_auth: Option<ClientAuth>,
    /// What it offers by ALPN, the best first; HTTP/2 and HTTP/1.1 by default.
    pub protocols: Vec<Protocol>,
}

impl Tls {
    /// With that certificate, and the defaults.
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            versions: vec![TlsVersion::Tls12, TlsVersion::Tls13],
            suite: None,
            client_auth: None,
            protocols: vec![Protocol::Http2, Protocol::Http11],
        }
    }

    pub(crate) fn config(&self) -> Result<ServerConfig, Error> {
        let versions: Vec<&'static SupportedProtocolVersion> =
            self.versions.iter().map(|&it| it.into()).collect();
        let provider = self.provider();
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&versions)?;
        let builder = match &self.client_auth {
            Some(client_auth) => builder.with_client_cert_verifier(client_auth.verifier(provider)?),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(self.identity.chain(), self.identity.key())?;
        config.alpn_protocols = self.protocols.iter().map(|protocol| protocol.alpn().to_vec()).collect();
        Ok(config)
    }

    fn provider(&self) -> Arc<CryptoProvider> {
        let mut provider = aws_lc_rs::default_provider();
        if let Some(suite) = self.suite {
            provider.cipher_suites.retain(|it| it.suite() == suite.into());
        }
        Arc::new(provider)
    }
}

/// A version of TLS that rustls has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their own names")]
pub enum TlsVersion {
    Tls12,
    Tls13,
}

impl From<TlsVersion> for &'static SupportedProtocolVersion {
    fn from(version: TlsVersion) -> Self {
        match version {
            TlsVersion::Tls12 => &version::TLS12,
            TlsVersion::Tls13 => &version::TLS13,
        }
    }
}

/// A suite of the specification's list, and one that is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// TLS 1.3, listed.
    Aes256GcmSha384,
    /// TLS 1.3, listed.
    Chacha20Poly1305Sha256,
    /// TLS 1.2, listed.
    EcdheEcdsaAes256GcmSha384,
    /// TLS 1.2, listed; needs [`KeyKind::Rsa`].
    EcdheRsaAes256GcmSha384,
    /// TLS 1.3, not listed.
    Aes128GcmSha256,
}

impl From<Suite> for CipherSuite {
    fn from(suite: Suite) -> Self {
        match suite {
            Suite::Aes128GcmSha256 => Self::TLS13_AES_128_GCM_SHA256,
            Suite::Aes256GcmSha384 => Self::TLS13_AES_256_GCM_SHA384,
            Suite::Chacha20Poly1305Sha256 => Self::TLS13_CHACHA20_POLY1305_SHA256,
            Suite::EcdheEcdsaAes256GcmSha384 => Self::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            Suite::EcdheRsaAes256GcmSha384 => Self::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        }
    }
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their own names")]
pub enum Protocol {
    Http11,
    Http2,
}

impl Protocol {
    pub(crate) fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http11 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

/// Who is let in: a certificate of that authority whose subject has that common name. Any other ends the handshake.
#[derive(Clone, Debug)]
pub struct ClientAuth {
    /// The authority's certificate, in PEM.
    pub authority_pem: String,
    /// Such as `cks.kms.us-east-1.amazonaws.com`.
    pub common_name: String,
}

impl ClientAuth {
    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in authority::certificates(&self.authority_pem) {
            roots.add(certificate)?;
        }
        let chain =
            rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        Ok(Arc::new(NamedCaller::new(chain, &self.common_name)))
    }
}
