//! Verifies attestation documents: what AWS's Nitro hypervisor signs of an enclave, or of an instance with a NitroTPM.
//!
//! A document is a COSE_Sign1 message (RFC 9052) of CBOR (RFC 8949), signed with ES384 by a certificate that it brings along, whose
//! chain ends at a configured root. This crate reads nothing but its arguments: no file, no clock. It says what was measured and
//! never what that is good for, and it never believes any of a document that is not verified.

#![forbid(unsafe_code)]

mod chain;
mod document;
mod error;
mod message;
mod reader;

pub use chain::Roots;
pub use document::Registers;
pub use error::AttestationError;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::PublicEncryptingKey;
use document::Document;
use message::Message;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What a verified document says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// The id of the enclave, or of the instance and its TPM.
    pub module_id: Box<str>,
    /// The RSA public key whose private key only the attested has, as SubjectPublicKeyInfo in DER.
    pub public_key: Box<[u8]>,
    /// The registers of an enclave; none in the document of a NitroTPM.
    pub pcrs: Registers,
    /// The registers of a NitroTPM; none in the document of an enclave.
    pub nitro_tpm_pcrs: Registers,
}

impl Attested {
    /// The measurement of the enclave's image, which is PCR0.
    #[must_use]
    pub fn image_sha384(&self) -> Option<&[u8]> {
        self.pcrs.value(0)
    }
}

impl Roots {
    /// Verifies a document. `now` is the time since 1970.
    ///
    /// # Errors
    /// Whatever is wrong with the document; [`AttestationError::NoRoots`] if there is nothing to hold it against.
    pub fn verify(&self, document: &[u8], now: Duration) -> Result<Attested, AttestationError> {
        if self.is_empty() {
            return Err(AttestationError::NoRoots);
        }
        let message = Message::read(document)?;
        let document = Document::read(message.payload)?;
        check_freshness(document.timestamp, now)?;
        check_public_key(document.public_key)?;
        let signer = self.signer(document.certificate, &document.cabundle, now)?;
        message.verify(&signer)?;
        Ok(Attested {
            module_id: document.module_id.into(),
            public_key: document.public_key.into(),
            pcrs: document.pcrs,
            nitro_tpm_pcrs: document.nitro_tpm_pcrs,
        })
    }
}

fn check_freshness(timestamp: Duration, now: Duration) -> Result<(), AttestationError> {
    if now.saturating_sub(timestamp) > FRESHNESS {
        return Err(AttestationError::Stale);
    }
    if timestamp.saturating_sub(now) > FRESHNESS {
        return Err(AttestationError::FromTheFuture);
    }
    Ok(())
}

/// The one encoding that there is of the key, with nothing after it.
fn check_public_key(key: &[u8]) -> Result<(), AttestationError> {
    let public = PublicEncryptingKey::from_der(key).map_err(|_| AttestationError::NotRsa)?;
    let encoded: PublicKeyX509Der<'_> = public.as_der().map_err(|_| AttestationError::NotRsa)?;
    let is_good = encoded.as_ref() == key && RSA_BITS.contains(&public.key_size_bits());
    if is_good { Ok(()) } else { Err(AttestationError::NotRsa) }
}

/// How old a document may be, and how far ahead of our clock. There is no nonce, so that whoever sees a document can send it again:
/// what that opens is encrypted to the attested alone, but a key policy that stops trusting a measurement must not be passed with a
/// document from before. Long enough for clocks that differ and for a document to be used for more than one call.
const FRESHNESS: Duration = Duration::from_mins(5);

/// What the security module encrypts to.
const RSA_BITS: RangeInclusive<usize> = 2048..=4096;
