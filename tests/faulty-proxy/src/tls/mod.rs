//! How a proxy speaks TLS: with which certificate, versions, suites and protocols, and whom it lets in.

mod authority;
mod caller;
mod old;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, RootCertStore, ServerConfig, SupportedProtocolVersion};

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
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// The only suite; any of rustls by default. One with RSA in its name needs [`KeyKind::Rsa`].
    pub suite: Option<CipherSuite>,
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
            versions: vec![&TLS12, &TLS13],
            suite: None,
            client_auth: None,
            protocols: vec![Protocol::Http2, Protocol::Http11],
        }
    }

    pub(crate) fn config(&self) -> Result<ServerConfig, Error> {
        let provider = self.provider();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions)?;
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
            provider.cipher_suites.retain(|it| it.suite() == suite);
        }
        Arc::new(provider)
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
