//! Whom we trust, who we are, and how a connection is encrypted: TLS 1.2 and 1.3 with AES-256-GCM or ChaCha20. It never takes a
//! certificate that does not verify, or another name's.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ClientConfig, RootCertStore};

/// How connections are secured; cheap to clone.
#[derive(Clone, Debug)]
pub struct Tls(pub(crate) Arc<ClientConfig>);

impl Tls {
    /// Trusts those roots, and shows that certificate to servers that ask for one.
    ///
    /// # Errors
    ///
    /// Of a certificate and a private key that are not of each other.
    pub fn new(roots: Roots, certificate: Option<ClientCertificate>) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_root_certificates(roots.0);
        let config = match certificate {
            Some(ClientCertificate { chain, key }) => builder.with_client_auth_cert(chain, key)?,
            None => builder.with_no_client_auth(),
        };
        Ok(Self::from(config))
    }
}

/// A configuration with a verifier of its own. Only HTTP/1.1 is offered, whatever it says.
impl From<ClientConfig> for Tls {
    fn from(mut config: ClientConfig) -> Self {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self(Arc::new(config))
    }
}

/// The certificate authorities that vouch for servers.
#[derive(Clone, Debug)]
pub struct Roots(RootCertStore);

impl Roots {
    /// None: nobody is trusted until some are added.
    #[must_use]
    pub fn none() -> Self {
        Self(RootCertStore::empty())
    }

    /// Those of the machine, of which what cannot be read is left out.
    #[must_use]
    pub fn system() -> Self {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self(store)
    }

    /// And one more.
    ///
    /// # Errors
    ///
    /// Of what is not a certificate.
    pub fn add(&mut self, root: CertificateDer<'_>) -> Result<(), TlsError> {
        Ok(self.0.add(root.into_owned())?)
    }

    /// And all those of a PEM file.
    ///
    /// # Errors
    ///
    /// If it has none, or one that cannot be read.
    pub fn add_pem(&mut self, pem: &[u8]) -> Result<(), TlsError> {
        certificates(pem)?.into_iter().try_for_each(|root| self.add(root))
    }

    /// The roots themselves, for a verifier of one's own.
    #[must_use]
    pub fn into_store(self) -> RootCertStore {
        self.0
    }
}

/// Who we are to servers that ask: a chain of certificates and the private key of the first.
#[derive(Debug)]
pub struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl ClientCertificate {
    /// From PEM: the chain, and the private key.
    ///
    /// # Errors
    ///
    /// If either has none.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoPrivateKey)?;
        Ok(Self { chain: certificates(chain)?, key })
    }
}

impl Clone for ClientCertificate {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

/// Why connections cannot be secured as configured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate or private key that cannot be used, or not with the other.
    #[error("a certificate or private key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// A PEM file without a certificate.
    #[error("there is no PEM certificate in it")]
    NoCertificate,
    /// A PEM file without a private key.
    #[error("there is no PEM private key in it")]
    NoPrivateKey,
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    read.ok().filter(|read| !read.is_empty()).ok_or(TlsError::NoCertificate)
}

fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| SUITES.contains(&suite.suite()));
    provider
}

//= xks: at least one of these four
const SUITES: [CipherSuite; 4] = [
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_four_suites_are_offered() {
        let Tls(config) = Tls::new(Roots::none(), None).unwrap();
        let mut offered: Vec<_> =
            config.crypto_provider().cipher_suites.iter().map(|suite| suite.suite()).collect();
        offered.sort_by_key(|suite| u16::from(*suite));
        let mut expected = SUITES.to_vec();
        expected.sort_by_key(|suite| u16::from(*suite));
        assert_eq!(offered, expected);
    }

    #[test]
    fn files_without_what_they_should_hold_are_refused() {
        assert!(matches!(Roots::none().add_pem(b""), Err(TlsError::NoCertificate)));
        assert!(matches!(ClientCertificate::from_pem(b"", b""), Err(TlsError::NoPrivateKey)));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(Roots::none().add_pem(broken), Err(TlsError::Unusable(_))));
    }
}
