//! Which servers are trusted: those that a root of the machine or of the configuration vouches for, and for one provider those
//! whose chain holds a certificate with a registered thumbprint.
//!
//! A thumbprint takes the place of a root and of nothing else: the signatures down to the server's certificate, its name, its
//! dates and the handshake are verified all the same. Revocation is not looked up.

use std::sync::Arc;

use aws_lc_rs::digest;
use https::Tls;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::SettingsError;

/// The roots, and how a handshake is made.
#[derive(Debug)]
pub(crate) struct Trust {
    crypto: Arc<CryptoProvider>,
    /// None if there is not one root.
    roots: Option<Arc<WebPkiServerVerifier>>,
}

impl Trust {
    /// The machine's roots, of which those that cannot be read are left out, and these.
    pub(crate) fn with_roots(extra: &[CertificateDer<'static>]) -> Result<Self, SettingsError> {
        let mut store = https::Roots::system().into_store();
        for (index, root) in extra.iter().enumerate() {
            let refused = |source| SettingsError::Root { position: index.saturating_add(1), source };
            store.add(root.clone()).map_err(refused)?;
        }
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let roots = verifier(store, &crypto);
        Ok(Self { crypto, roots })
    }

    /// What is needed to speak to one provider.
    pub(crate) fn client(&self, thumbprints: &[String]) -> Result<Tls, Error> {
        let verifier = ProviderVerifier {
            crypto: Arc::clone(&self.crypto),
            roots: self.roots.clone(),
            thumbprints: thumbprints.iter().filter_map(|text| thumbprint(text)).collect(),
        };
        let client = ClientConfig::builder_with_provider(Arc::clone(&self.crypto))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Tls::from(client))
    }
}

#[derive(Debug)]
struct ProviderVerifier {
    crypto: Arc<CryptoProvider>,
    roots: Option<Arc<WebPkiServerVerifier>>,
    thumbprints: Vec<[u8; digest::SHA1_OUTPUT_LEN]>,
}

impl ProviderVerifier {
    /// A verifier whose only roots are those certificates of the chain that are registered.
    fn registered(&self, chain: &[&CertificateDer<'_>]) -> Option<Arc<WebPkiServerVerifier>> {
        let is_registered = |certificate: &CertificateDer<'_>| {
            let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
            self.thumbprints.iter().any(|thumbprint| thumbprint == digest.as_ref())
        };
        let mut store = RootCertStore::empty();
        let registered = chain.iter().filter(|certificate| is_registered(certificate));
        store.add_parsable_certificates(registered.map(|certificate| (**certificate).clone().into_owned()));
        verifier(store, &self.crypto)
    }
}

impl ServerCertVerifier for ProviderVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let unknown = Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        let verify = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        let by_roots = self.roots.as_deref().map_or(unknown, verify);
        if by_roots.is_ok() {
            return by_roots;
        }
        let chain: Vec<&CertificateDer<'_>> = std::iter::once(end_entity).chain(intermediates).collect();
        self.registered(&chain).as_deref().map_or(by_roots, verify)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.crypto.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.crypto.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.crypto.signature_verification_algorithms.supported_schemes()
    }
}

/// None if there is nothing to trust.
fn verifier(roots: RootCertStore, crypto: &Arc<CryptoProvider>) -> Option<Arc<WebPkiServerVerifier>> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(crypto)).build().ok()
}

/// Forty hexadecimal digits, as IAM stores them.
fn thumbprint(text: &str) -> Option<[u8; digest::SHA1_OUTPUT_LEN]> {
    let mut bytes = [0; digest::SHA1_OUTPUT_LEN];
    if text.len() != bytes.len().saturating_mul(2) || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        let at = index.saturating_mul(2);
        *byte = u8::from_str_radix(text.get(at..at.saturating_add(2))?, 16).ok()?;
    }
    Some(bytes)
}
