//! Who may connect: the certificate is of a configured CA, and the common name of its subject is a configured one. An alternative name
//! counts for nothing: the specification has the subject, and whoever gets a certificate of the same CA may choose the rest.

use super::{TlsError, common_name};
use crate::config::Clients;
use http_server::tls::provider;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Accepts certificates of those CAs with one of those names.
#[derive(Debug)]
pub(super) struct NamedClients {
    authorities: Arc<dyn ClientCertVerifier>,
    subjects: Vec<String>,
    /// When somebody was last told of a refusal, in seconds since 1970.
    told: AtomicI64,
}

impl NamedClients {
    /// Those of a configuration.
    pub(super) fn of(clients: &Clients) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for authority in &clients.authorities {
            roots.add(authority.clone()).map_err(TlsError::Authority)?;
        }
        let authorities = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
        Ok(Self { authorities, subjects: clients.subjects.clone(), told: AtomicI64::new(0) })
    }

    /// Tells no more than one a second: whoever can connect can be refused.
    fn refuse(&self, reason: &str, subject: Option<&str>, now: UnixTime) -> Error {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if self.told.swap(now, Ordering::Relaxed) != now {
            let subject = subject.map(|subject| subject.chars().take(LONGEST_TOLD).collect::<String>());
            tracing::warn!(reason, subject, "a client's certificate is refused");
        }
        // An error of this kind ends the handshake with the alert `handshake_failure`, whatever was wrong.
        Error::General(reason.to_owned())
    }
}

impl ClientCertVerifier for NamedClients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.authorities.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.authorities.verify_client_cert(certificate, intermediates, now);
        let verified = verified.map_err(|error| self.refuse(&error.to_string(), None, now))?;
        match common_name(certificate) {
            Some(name) if self.subjects.contains(&name) => Ok(verified),
            name => Err(self.refuse("its subject is none of tls.client_subjects", name.as_deref(), now)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

const LONGEST_TOLD: usize = 128;
