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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithms::KeyMaterial;
    use crate::memory::Arena;
    use std::fs::{File, read_to_string};
    use std::io::BufRead;
    use std::os::unix::fs::FileExt;

    /// Private keys go through the library's heap and buffers of its; what it frees, it wipes. The scan finds an open key, so it would
    /// find what was left of it.
    #[test]
    fn of_a_key_that_was_opened_and_put_out_nothing_is_left_in_memory() {
        let arena = Arena::new(8).unwrap();
        for &spec in KeySpec::ALL.iter().filter(|spec| spec.is_asymmetric() && **spec != KeySpec::Sm2) {
            for &usage in spec.usages() {
                let material = KeyMaterial::generate(spec, &arena).unwrap();
                let sought = Sought::end_of(material.secret().bytes());
                assert!(sought.places() > 0, "{spec:?}");
                let secret = arena.keep(material.secret().bytes()).unwrap();
                drop(material);
                let key = OpenedKey::new(spec, usage, secret).unwrap();
                drop(key.public_key().unwrap());
                drop(key);
                assert_eq!(sought.places(), 0, "{spec:?} for {usage:?}");
            }
        }
    }

    /// The end of a secret, of which this holds no copy that a scan would find: its bytes are masked.
    struct Sought([u8; 24]);

    impl Sought {
        fn end_of(secret: &[u8]) -> Self {
            let mut masked = [0; 24];
            let end = secret.last_chunk::<24>().unwrap();
            masked.iter_mut().zip(end).for_each(|(masked, byte)| *masked = byte ^ MASK);
            Self(masked)
        }

        /// How often it is in the memory that this process can write, forwards as in an encoding or backwards as in a number.
        fn places(&self) -> usize {
            let (maps, memory) =
                (read_to_string("/proc/self/maps").unwrap(), File::open("/proc/self/mem").unwrap());
            let writable = maps.lines().filter(|line| line.contains(" rw-p "));
            writable.map(|line| self.places_in(&memory, line)).sum()
        }

        fn places_in(&self, memory: &File, mapping: &str) -> usize {
            let (range, _) = mapping.split_once(' ').unwrap();
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|hex| u64::from_str_radix(hex, 16).unwrap());
            let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
            let read = memory.read_at(&mut bytes, from).unwrap_or(0);
            let found = self.places_among(&bytes[..read]);
            frames::wipe(&mut bytes);
            found
        }

        /// Goes from each byte that could begin it to the next.
        fn places_among(&self, bytes: &[u8]) -> usize {
            let mut backwards = self.0;
            backwards.reverse();
            let mut found = 0;
            for sought in [self.0, backwards] {
                let mut rest = bytes;
                while rest.skip_until(sought[0] ^ MASK).unwrap() > 0 {
                    let behind = rest.iter().map(|byte| byte ^ MASK);
                    found += usize::from(behind.take(23).eq(sought[1..].iter().copied()));
                }
            }
            found
        }
    }

    const MASK: u8 = 0x5a;
}
