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
    let mut seed = arena.secret(SEED).map_err(|_| Refusal::Failed)?;
    random::fill(seed.bytes_mut())?;
    Ok(seed)
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
