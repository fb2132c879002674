//! Opened keys: ready to use, parsed and checked once. One variant a family, and two where a family has two usages, so that a key does
//! only what its token is for.

use super::ed25519;
use super::elliptic::{self, AgreementKey};
use super::hmac::HmacKey;
use super::material::Family;
use super::message::Message;
use super::ml_dsa;
use super::ml_kem::EncapsulationPair;
use super::rsa;
use crate::memory::Secret;
use keys::{KeySpec, KeyUsage, SigningAlgorithm};
use module_api::Refusal;

/// A key ready to use, for its one usage.
#[derive(Debug)]
pub enum OpenedKey {
    /// Signs with Ed25519.
    Ed25519(Box<ed25519::SigningKey>),
    /// Agrees on secrets over an elliptic curve.
    EllipticAgreement(Box<AgreementKey>),
    /// Signs with ECDSA.
    EllipticSigning(Box<elliptic::SigningKey>),
    /// Makes MACs.
    Hmac(HmacKey),
    /// Signs with ML-DSA.
    MlDsa(Box<ml_dsa::SigningKey>),
    /// Encapsulates with ML-KEM.
    MlKem(Box<EncapsulationPair>),
    /// Encrypts with RSA.
    RsaEncryption(Box<rsa::EncryptionKey>),
    /// Signs with RSA.
    RsaSigning(Box<rsa::SigningKey>),
    /// SYMMETRIC_DEFAULT.
    Symmetric(Secret),
}

impl OpenedKey {
    /// Makes canonical material ready to use.
    pub fn new(spec: KeySpec, usage: KeyUsage, material: Secret) -> Result<Self, Refusal> {
        use KeyUsage::{EncapsulateDecapsulate, EncryptDecrypt, GenerateVerifyMac, KeyAgreement, SignVerify};
        match (Family::of(spec)?, usage) {
            (Family::Symmetric, EncryptDecrypt) => Ok(Self::Symmetric(material)),
            (Family::Hmac, GenerateVerifyMac) => HmacKey::new(spec, material).map(Self::Hmac),
            (Family::Rsa, EncryptDecrypt) => {
                rsa::EncryptionKey::new(&material).map(Box::new).map(Self::RsaEncryption)
            }
            (Family::Rsa, SignVerify) => rsa::SigningKey::new(&material).map(Box::new).map(Self::RsaSigning),
            (Family::Elliptic, SignVerify) => {
                elliptic::SigningKey::new(spec, &material).map(Box::new).map(Self::EllipticSigning)
            }
            (Family::Elliptic, KeyAgreement) => {
                AgreementKey::new(spec, &material).map(Box::new).map(Self::EllipticAgreement)
            }
            (Family::Ed25519, SignVerify) => {
                ed25519::SigningKey::new(&material).map(Box::new).map(Self::Ed25519)
            }
            (Family::MlDsa, SignVerify) => {
                ml_dsa::SigningKey::new(spec, &material).map(Box::new).map(Self::MlDsa)
            }
            (Family::MlKem, EncapsulateDecapsulate) => {
                EncapsulationPair::new(spec, &material).map(Box::new).map(Self::MlKem)
            }
            _ => Err(Refusal::Unsupported),
        }
    }

    /// Appends the signature to `out`.
    pub fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        match self {
            Self::Ed25519(key) => key.sign(algorithm, message, out),
            Self::EllipticSigning(key) => key.sign(algorithm, message, out),
            Self::MlDsa(key) => key.sign(algorithm, message, out),
            Self::RsaSigning(key) => key.sign(algorithm, message, out),
            _ => Err(Refusal::Unsupported),
        }
    }

    /// Checks a signature.
    pub fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), Refusal> {
        match self {
            Self::Ed25519(key) => key.verify(algorithm, message, signature),
            Self::EllipticSigning(key) => key.verify(algorithm, message, signature),
            Self::MlDsa(key) => key.verify(algorithm, message, signature),
            Self::RsaSigning(key) => key.verify(algorithm, message, signature),
            _ => Err(Refusal::Unsupported),
        }
    }

    /// The public key of a pair, SubjectPublicKeyInfo in DER.
    pub fn public_key(&self) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Ed25519(key) => key.public_key(),
            Self::EllipticAgreement(key) => key.public_key(),
            Self::EllipticSigning(key) => key.public_key(),
            Self::MlDsa(key) => key.public_key(),
            Self::MlKem(key) => key.public_key(),
            Self::RsaEncryption(key) => Ok(key.public_key().to_vec()),
            Self::RsaSigning(key) => Ok(key.public_key().to_vec()),
            Self::Hmac(_) | Self::Symmetric(_) => Err(Refusal::Unsupported),
        }
    }

    /// What it takes of the memory for opened keys, in kibibytes, rounded up to the largest of its family: what the library keeps of it,
    /// and its token. The ignored test `memory_of_an_opened_key` measures it.
    #[must_use]
    pub const fn weight(&self) -> usize {
        match self {
            Self::Hmac(_) | Self::Symmetric(_) => 1,
            Self::EllipticAgreement(_) | Self::EllipticSigning(_) | Self::Ed25519(_) => 2,
            Self::MlKem(_) => 8,
            Self::RsaEncryption(_) | Self::RsaSigning(_) => 16,
            Self::MlDsa(_) => 24,
        }
    }
}
