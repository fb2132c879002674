//! From the certificate that signed a document to a root. There is one way through the chain, the one that AWS documents, so that
//! no document can make this search.

use crate::AttestationError;
use pki_types::pem::PemObject;
use pki_types::{CertificateDer, SubjectPublicKeyInfoDer, TrustAnchor, UnixTime};
use std::time::Duration;
use webpki::aws_lc_rs::ECDSA_P384_SHA384;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// The roots that documents are held against. As far as a root is concerned only its name and its key count, not its dates.
#[derive(Clone, Debug, Default)]
pub struct Roots(Vec<TrustAnchor<'static>>);

impl Roots {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// [`AttestationError::UnreadableRoots`] if there is none, or one that cannot be read.
    pub fn from_pem(text: &[u8]) -> Result<Self, AttestationError> {
        let certificates = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
        let certificates = certificates.map_err(|_| AttestationError::UnreadableRoots("it is not PEM"))?;
        if certificates.is_empty() {
            return Err(AttestationError::UnreadableRoots("there is no certificate in it"));
        }
        certificates.iter().map(anchor).collect::<Result<_, _>>().map(Self)
    }

    /// Reads one certificate in DER.
    ///
    /// # Errors
    /// [`AttestationError::UnreadableRoots`] if it cannot be read.
    pub fn from_der(certificate: &[u8]) -> Result<Self, AttestationError> {
        anchor(&CertificateDer::from(certificate)).map(|anchor| Self(vec![anchor]))
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of that certificate if the certificates of the bundle lead from a root to it.
    pub(crate) fn signer(
        &self,
        certificate: &[u8],
        bundle: &[&[u8]],
        now: Duration,
    ) -> Result<SubjectPublicKeyInfoDer<'static>, AttestationError> {
        let certificate = CertificateDer::from(certificate);
        let bundle: Vec<CertificateDer<'_>> = bundle.iter().map(|one| CertificateDer::from(*one)).collect();
        let signer = self.verified(&certificate, &bundle, UnixTime::since_unix_epoch(now));
        signer.map_err(|_| AttestationError::Untrusted)
    }

    fn verified(
        &self,
        certificate: &CertificateDer<'_>,
        bundle: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<SubjectPublicKeyInfoDer<'static>, webpki::Error> {
        let signer = EndEntityCert::try_from(certificate)?;
        check_order(&signer, bundle)?;
        let usage = KeyUsage::required_if_present(ANY_EXTENDED_KEY_USAGE);
        signer.verify_for_usage(&[ECDSA_P384_SHA384], &self.0, bundle, now, usage, None, None)?;
        Ok(signer.subject_public_key_info())
    }
}

fn anchor(certificate: &CertificateDer<'_>) -> Result<TrustAnchor<'static>, AttestationError> {
    let anchor = anchor_from_trusted_cert(certificate).map(|anchor| anchor.to_owned());
    anchor.map_err(|_| AttestationError::UnreadableRoots("a certificate in it cannot be read"))
}

//= nitro: the bundle is the root, then whom each one certified, down to the issuer of the document's certificate
/// Each certificate is issued by the one before it, and no two have the same name.
fn check_order(signer: &EndEntityCert<'_>, bundle: &[CertificateDer<'_>]) -> Result<(), webpki::Error> {
    let mut names: Vec<Vec<u8>> = Vec::with_capacity(bundle.len());
    for certificate in bundle {
        let certificate = EndEntityCert::try_from(certificate)?;
        let is_next = names.last().is_none_or(|issuer| issuer == certificate.issuer());
        if !is_next || names.iter().any(|name| name == certificate.subject()) {
            return Err(webpki::Error::UnknownIssuer);
        }
        names.push(certificate.subject().to_owned());
    }
    let is_last = names.last().is_some_and(|issuer| issuer == signer.issuer());
    if is_last { Ok(()) } else { Err(webpki::Error::UnknownIssuer) }
}

/// 2.5.29.37.0: the certificates of AWS have no extended key usage, and one for another purpose is none for this.
const ANY_EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];
