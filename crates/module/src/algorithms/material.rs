//! Key material: what a backing key is made of, in the one canonical form in which it is sealed, named and taken in.
//!
//! The canonical form of a family is in its file: raw bytes for symmetric and HMAC keys, the scalar for elliptic curves, the seed for
//! Ed25519, ML-DSA and ML-KEM, PKCS#8 for RSA.

use super::{ed25519, elliptic, hmac, ml_dsa, ml_kem, rsa, symmetric};
use crate::memory::{Arena, Secret};
use keys::{KeyId, KeyMaterialId, KeySpec};
use module_api::Refusal;
use std::sync::Arc;

/// The material of a key of that spec.
#[derive(Debug)]
pub struct KeyMaterial {
    spec: KeySpec,
    secret: Secret,
}

impl KeyMaterial {
    /// New random material.
    pub fn generate(spec: KeySpec, arena: &Arc<Arena>) -> Result<Self, Refusal> {
        let secret = match Family::of(spec)? {
            Family::Symmetric => symmetric::generate(arena),
            Family::Hmac => hmac::generate(spec, arena),
            Family::Rsa => rsa::generate(spec, arena),
            Family::Elliptic => elliptic::generate(spec, arena),
            Family::Ed25519 => ed25519::generate(arena),
            Family::MlDsa => ml_dsa::generate(arena),
            Family::MlKem => ml_kem::generate(arena),
        };
        secret.map(|secret| Self { spec, secret })
    }

    /// Material from outside: raw bytes for symmetric and HMAC keys, PKCS#8 in DER for private keys. `IncorrectKeyMaterial` if it is
    /// not a key of that spec, `Unsupported` if keys of that spec are not imported.
    pub fn import(spec: KeySpec, material: &[u8], arena: &Arc<Arena>) -> Result<Self, Refusal> {
        let secret = match Family::of(spec)? {
            Family::Symmetric => symmetric::import(material, arena),
            Family::Hmac => hmac::import(spec, material, arena),
            Family::Rsa => rsa::import(spec, material, arena),
            Family::Elliptic => elliptic::import(spec, material, arena),
            Family::Ed25519 => ed25519::import(material, arena),
            Family::MlDsa | Family::MlKem => Err(Refusal::Unsupported),
        };
        secret.map(|secret| Self { spec, secret })
    }

    /// Material as it was sealed in a token.
    #[must_use]
    pub const fn sealed(spec: KeySpec, secret: Secret) -> Self {
        Self { spec, secret }
    }

    /// What kind of key it is for.
    #[must_use]
    pub const fn spec(&self) -> KeySpec {
        self.spec
    }

    /// The canonical bytes, which are what is sealed.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The id of the material in that key: of its canonical bytes, or of its public key for RSA, because one RSA key has several
    /// canonical encodings (the order of the primes, the private exponent).
    pub fn id(&self, key_id: &KeyId) -> Result<KeyMaterialId, Refusal> {
        match Family::of(self.spec)? {
            Family::Rsa => symmetric::material_id(&rsa::public_key_of(&self.secret)?, key_id),
            _ => symmetric::material_id(self.secret.bytes(), key_id),
        }
    }

    /// Appends the private key, PrivateKeyInfo in DER, to a vector that must have room for [`LONGEST_PRIVATE_KEY`] bytes: one that grew
    /// would leave the key behind.
    pub fn append_private_key(&self, out: &mut Vec<u8>) -> Result<(), Refusal> {
        match Family::of(self.spec)? {
            Family::Symmetric | Family::Hmac => Err(Refusal::Unsupported),
            Family::Rsa => {
                out.extend_from_slice(self.secret.bytes());
                Ok(())
            }
            Family::Elliptic => elliptic::append_private_key(self.spec, &self.secret, out),
            Family::Ed25519 => ed25519::append_private_key(&self.secret, out),
            Family::MlDsa => ml_dsa::append_private_key(self.spec, &self.secret, out),
            Family::MlKem => ml_kem::append_private_key(self.spec, &self.secret, out),
        }
    }

    /// The public key, SubjectPublicKeyInfo in DER; empty if the key is not a pair.
    pub fn public_key(&self) -> Result<Vec<u8>, Refusal> {
        match Family::of(self.spec)? {
            Family::Symmetric | Family::Hmac => Ok(Vec::new()),
            Family::Rsa => rsa::public_key_of(&self.secret),
            Family::Elliptic => elliptic::public_key_of(self.spec, &self.secret),
            Family::Ed25519 => ed25519::public_key_of(&self.secret),
            Family::MlDsa => ml_dsa::public_key_of(self.spec, &self.secret),
            Family::MlKem => ml_kem::public_key_of(self.spec, &self.secret),
        }
    }
}

/// Which file of this folder knows a spec. The one place of this crate that lists the specs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Ed25519,
    Elliptic,
    Hmac,
    MlDsa,
    MlKem,
    Rsa,
    Symmetric,
}

impl Family {
    pub(super) const fn of(spec: KeySpec) -> Result<Self, Refusal> {
        match spec {
            KeySpec::SymmetricDefault => Ok(Self::Symmetric),
            KeySpec::Hmac224 | KeySpec::Hmac256 | KeySpec::Hmac384 | KeySpec::Hmac512 => Ok(Self::Hmac),
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => Ok(Self::Rsa),
            KeySpec::EccNistP256 | KeySpec::EccNistP384 | KeySpec::EccNistP521 | KeySpec::EccSecgP256k1 => {
                Ok(Self::Elliptic)
            }
            KeySpec::EccNistEdwards25519 => Ok(Self::Ed25519),
            KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => Ok(Self::MlDsa),
            KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => Ok(Self::MlKem),
            // There is no implementation of SM2 that was reviewed.
            KeySpec::Sm2 => Err(Refusal::Unsupported),
        }
    }
}

/// More than the longest PrivateKeyInfo in bytes, which is that of RSA-4096.
pub const LONGEST_PRIVATE_KEY: usize = 4096;
