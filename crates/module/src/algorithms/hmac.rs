//! HMAC with SHA-2: RFC 2104, FIPS 198-1. The key's length is that of the spec.

use super::random;
use crate::memory::{Arena, Secret};
use aws_lc_rs::hmac::{Algorithm, HMAC_SHA224, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, Key, sign, verify};
use keys::{KeySpec, MacAlgorithm};
use module_api::{MAX_PLAINTEXT, Refusal};
use std::sync::Arc;

/// A key that makes MACs with its one algorithm.
#[derive(Debug)]
pub struct HmacKey {
    // Not the library's key: that one would be copied about with the hashed key in it, and costs two blocks of hashing to make.
    secret: Secret,
    hash: Hash,
}

impl HmacKey {
    /// The key of that spec.
    pub fn new(spec: KeySpec, material: Secret) -> Result<Self, Refusal> {
        let hash = Hash::of(spec)?;
        if material.bytes().len() == hash.key {
            Ok(Self { secret: material, hash })
        } else {
            Err(Refusal::Failed)
        }
    }

    /// Appends HMAC(key, message) to `out`.
    ///
    /// Standard: RFC 2104; all of the tag. Deterministic; there is no nonce.
    pub fn generate(
        &self,
        algorithm: MacAlgorithm,
        message: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let key = self.key(algorithm, message)?;
        out.extend_from_slice(sign(&key, message).as_ref());
        Ok(())
    }

    /// Compares, in constant time, all of the MAC.
    pub fn verify(&self, algorithm: MacAlgorithm, message: &[u8], mac: &[u8]) -> Result<(), Refusal> {
        let key = self.key(algorithm, message)?;
        verify(&key, message, mac).map_err(|_| Refusal::InvalidMac)
    }

    //= kms:GenerateMac Message: 1 to 4096 bytes
    fn key(&self, algorithm: MacAlgorithm, message: &[u8]) -> Result<Key, Refusal> {
        match message.len() {
            _ if algorithm != self.hash.algorithm => Err(Refusal::Unsupported),
            0 => Err(Refusal::Malformed),
            1..=MAX_PLAINTEXT => Ok(Key::new(self.hash.hmac, self.secret.bytes())),
            _ => Err(Refusal::TooLarge),
        }
    }
}

/// A new random key.
pub(super) fn generate(spec: KeySpec, arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    let mut secret = arena.secret(Hash::of(spec)?.key).map_err(|_| Refusal::Failed)?;
    random::fill(secret.bytes_mut())?;
    Ok(secret)
}

/// A key from outside, exactly as long as the spec says.
pub(super) fn import(spec: KeySpec, material: &[u8], arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    if material.len() != Hash::of(spec)?.key {
        return Err(Refusal::IncorrectKeyMaterial);
    }
    arena.keep(material).map_err(|_| Refusal::Failed)
}

/// Which hash, for which algorithm, with a key of how many bytes.
#[derive(Clone, Copy, Debug)]
struct Hash {
    algorithm: MacAlgorithm,
    hmac: Algorithm,
    key: usize,
}

impl Hash {
    const fn of(spec: KeySpec) -> Result<Self, Refusal> {
        let (algorithm, hmac, key) = match spec {
            KeySpec::Hmac224 => (MacAlgorithm::HmacSha224, HMAC_SHA224, 28),
            KeySpec::Hmac256 => (MacAlgorithm::HmacSha256, HMAC_SHA256, 32),
            KeySpec::Hmac384 => (MacAlgorithm::HmacSha384, HMAC_SHA384, 48),
            KeySpec::Hmac512 => (MacAlgorithm::HmacSha512, HMAC_SHA512, 64),
            _ => return Err(Refusal::Unsupported),
        };
        Ok(Self { algorithm, hmac, key })
    }
}
