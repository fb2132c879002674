//! Key material: what a backing key is made of, in the one canonical form in which it is sealed, named and taken in.
//!
//! Canonical forms: raw bytes for symmetric and HMAC keys; the private scalar, big-endian and of the field's length, for elliptic
//! curves; the seed for Ed25519 (32 bytes), ML-DSA (32) and ML-KEM (64); PKCS#8 for RSA.

use super::{random, symmetric};
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
        match spec {
            KeySpec::SymmetricDefault => {
                let mut secret = arena.secret(symmetric::BACKING_KEY).map_err(|_| Refusal::Failed)?;
                random::fill(secret.bytes_mut())?;
                Ok(Self { spec, secret })
            }
            _ => Err(Refusal::Unsupported),
        }
    }

    /// Material from outside: raw bytes for symmetric and HMAC keys, PKCS#8 in DER for private keys. `IncorrectKeyMaterial` if it is
    /// not a key of that spec.
    pub fn import(_spec: KeySpec, _material: &[u8], _arena: &Arc<Arena>) -> Result<Self, Refusal> {
        Err(Refusal::Unsupported)
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

    /// The id of the material in that key.
    pub fn id(&self, key_id: &KeyId) -> Result<KeyMaterialId, Refusal> {
        symmetric::material_id(&self.secret, key_id)
    }

    /// Appends the private key, PrivateKeyInfo in DER, to a vector that must have room for [`LONGEST_PRIVATE_KEY`] bytes.
    pub fn append_private_key(&self, _out: &mut Vec<u8>) -> Result<(), Refusal> {
        Err(Refusal::Unsupported)
    }

    /// The public key, SubjectPublicKeyInfo in DER; empty if the key is not a pair.
    pub fn public_key(&self) -> Result<Vec<u8>, Refusal> {
        if self.spec.is_asymmetric() { Err(Refusal::Unsupported) } else { Ok(Vec::new()) }
    }
}

/// The longest PrivateKeyInfo in bytes: ML-KEM-1024 with its seed and its expanded key.
pub const LONGEST_PRIVATE_KEY: usize = 4096;
