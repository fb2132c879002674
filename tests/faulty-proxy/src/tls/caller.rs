//! Which client certificates are let in: those of an authority whose subject has one common name. Names elsewhere in the
//! certificate do not count.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

/// An authority's certificates, narrowed to one common name.
#[derive(Debug)]
pub(crate) struct NamedCaller {
    chain: Arc<dyn ClientCertVerifier>,
    common_name: String,
}

impl NamedCaller {
    pub(crate) fn new(chain: Arc<dyn ClientCertVerifier>, common_name: &str) -> Self {
        Self { chain, common_name: common_name.to_owned() }
    }
}

impl ClientCertVerifier for NamedCaller {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chain.verify_client_cert(end_entity, intermediates, now)?;
        let certificate = webpki::EndEntityCert::try_from(end_entity)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let named = common_name(certificate.subject()) == Some(self.common_name.as_bytes());
        let refused = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
        named.then_some(verified).ok_or(refused)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Of the contents of a Name: SETs of SEQUENCEs of a type and a string. None if there is none, or more than one.
fn common_name(mut name: &[u8]) -> Option<&[u8]> {
    let mut found = None;
    while !name.is_empty() {
        let (mut set, rest) = value(name)?;
        name = rest;
        while !set.is_empty() {
            let (attribute, rest) = value(set)?;
            set = rest;
            let (kind, text) = value(attribute)?;
            if kind == COMMON_NAME && found.replace(value(text)?.0).is_some() {
                return None;
            }
        }
    }
    found
}

/// The contents of the first DER value, and what follows it.
fn value(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0x00..=0x7f => (usize::from(first), rest),
        0x81 => rest.split_first().map(|(&length, rest)| (usize::from(length), rest))?,
        0x82 => {
            rest.split_first_chunk().map(|(&length, rest)| (usize::from(u16::from_be_bytes(length)), rest))?
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// 2.5.4.3
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
