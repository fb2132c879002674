//! Elliptic curves: ECDSA (FIPS 186-5, SEC 1) and ECDH (SP 800-56A). The canonical private key is the scalar, big-endian and as long as
//! the curve's order.
//!
//! A key that signs never agrees on secrets, and one that agrees never signs: they are two types, made from the usage in the token.

use super::der;
use super::message::Message;
use crate::memory::{Arena, Secret};
use aws_lc_rs::agreement::{
    self, ECDH_P256, ECDH_P384, ECDH_P521, ParsedPublicKey, ParsedPublicKeyFormat, agree,
};
use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1,
    ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P521_SHA512_ASN1, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    EcdsaVerificationAlgorithm, KeyPair as _, ParsedPublicKey as VerificationKey,
};
use keys::{KeySpec, SigningAlgorithm};
use module_api::Refusal;
use std::sync::Arc;

/// A key that signs and verifies.
#[derive(Debug)]
pub struct SigningKey {
    pair: EcdsaKeyPair,
    verification: VerificationKey,
    algorithm: SigningAlgorithm,
}

impl SigningKey {
    /// The key in that material.
    pub fn new(spec: KeySpec, material: &Secret) -> Result<Self, Refusal> {
        let curve = Curve::of(spec)?;
        let pair = curve.pair(material)?;
        let verification = VerificationKey::new(curve.verification, pair.public_key().as_ref());
        Ok(Self {
            pair,
            verification: verification.map_err(|_| Refusal::Failed)?,
            algorithm: curve.algorithm,
        })
    }

    /// Appends to `out` the signature, SEQUENCE { r, s } in DER.
    ///
    /// Standard: ECDSA, FIPS 186-5 §6.4.1. The library draws the secret number k at random for each signature and mixes the key and the
    /// digest into it, so that even a generator that repeats itself gives no two digests the same k.
    pub fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        self.check(algorithm)?;
        let signature = match message {
            Message::Raw(message) => self.pair.sign(&SystemRandom::new(), message),
            _ => self.pair.sign_digest(&message.digest(algorithm)?),
        };
        out.extend_from_slice(signature.map_err(|_| Refusal::Failed)?.as_ref());
        Ok(())
    }

    /// Checks a signature in DER. Standard: FIPS 186-5 §6.4.2.
    pub fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), Refusal> {
        self.check(algorithm)?;
        verify(&self.verification, algorithm, message, signature)
    }

    /// The public key, SubjectPublicKeyInfo in DER with the curve's name and the uncompressed point.
    pub fn public_key(&self) -> Result<Vec<u8>, Refusal> {
        public_key(&self.pair)
    }

    fn check(&self, algorithm: SigningAlgorithm) -> Result<(), Refusal> {
        if algorithm == self.algorithm { Ok(()) } else { Err(Refusal::Unsupported) }
    }
}

fn verify(
    key: &VerificationKey,
    algorithm: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), Refusal> {
    let verified = match message {
        Message::Raw(message) => key.verify_sig(message, signature),
        _ => key.verify_digest_sig(&message.digest(algorithm)?, signature),
    };
    verified.map_err(|_| Refusal::InvalidSignature)
}

/// A key that agrees on secrets.
#[derive(Debug)]
pub struct AgreementKey(agreement::PrivateKey);

impl AgreementKey {
    /// The key in that material.
    pub fn new(spec: KeySpec, material: &Secret) -> Result<Self, Refusal> {
        let algorithm = Curve::of(spec)?.agreement.ok_or(Refusal::Unsupported)?;
        let key = agreement::PrivateKey::from_private_key(algorithm, material.bytes());
        key.map(Self).map_err(|_| Refusal::Failed)
    }

    /// Appends to `out` the x coordinate of key · peer's point, big-endian and as long as the field. The peer's public key is a
    /// SubjectPublicKeyInfo in DER.
    ///
    /// Standard: SP 800-56A rev. 3 §5.7.1.2, whose cofactor is 1 on these curves. The library refuses points that are not on the curve,
    /// on another one, or at infinity. There is no nonce: two keys have one shared secret.
    pub fn agree(&self, peer: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
        let peer = agreement::UnparsedPublicKey::new(self.0.algorithm(), peer);
        let peer = ParsedPublicKey::try_from(peer).map_err(|_| Refusal::InvalidPublicKey)?;
        // The library would also take the point alone.
        if peer.format() != ParsedPublicKeyFormat::X509 || !der::is_one(peer.as_ref()) {
            return Err(Refusal::InvalidPublicKey);
        }
        agree(&self.0, peer, Refusal::InvalidPublicKey, |secret| {
            out.extend_from_slice(secret);
            Ok(())
        })
    }

    /// The public key, SubjectPublicKeyInfo in DER with the curve's name and the uncompressed point.
    pub fn public_key(&self) -> Result<Vec<u8>, Refusal> {
        let public = self.0.compute_public_key().map_err(|_| Refusal::Failed)?;
        let der: PublicKeyX509Der<'_> = public.as_der().map_err(|_| Refusal::Failed)?;
        Ok(der.as_ref().to_vec())
    }
}

/// A new random private key.
pub(super) fn generate(spec: KeySpec, arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    let curve = Curve::of(spec)?;
    scalar(&EcdsaKeyPair::generate(curve.signing).map_err(|_| Refusal::Failed)?, arena)
}

/// A private key from outside, PKCS#8 in DER with the curve's name.
pub(super) fn import(spec: KeySpec, pkcs8: &[u8], arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    let pair = EcdsaKeyPair::from_pkcs8(Curve::of(spec)?.signing, pkcs8);
    let pair = pair.map_err(|_| Refusal::IncorrectKeyMaterial)?;
    if der::is_one(pkcs8) { scalar(&pair, arena) } else { Err(Refusal::IncorrectKeyMaterial) }
}

/// Appends the private key, PrivateKeyInfo in DER, to `out`.
pub(super) fn append_private_key(spec: KeySpec, material: &Secret, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let pair = Curve::of(spec)?.pair(material)?;
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| Refusal::Failed)?;
    out.extend_from_slice(pkcs8.as_ref());
    Ok(())
}

/// The public key of canonical material, SubjectPublicKeyInfo in DER.
pub(super) fn public_key_of(spec: KeySpec, material: &Secret) -> Result<Vec<u8>, Refusal> {
    public_key(&Curve::of(spec)?.pair(material)?)
}

fn public_key(pair: &EcdsaKeyPair) -> Result<Vec<u8>, Refusal> {
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| Refusal::Failed)?;
    Ok(der.as_ref().to_vec())
}

fn scalar(pair: &EcdsaKeyPair, arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    let scalar: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().map_err(|_| Refusal::Failed)?;
    arena.keep(scalar.as_ref()).map_err(|_| Refusal::Failed)
}

/// A curve, and what the library calls things on it.
struct Curve {
    algorithm: SigningAlgorithm,
    signing: &'static EcdsaSigningAlgorithm,
    verification: &'static EcdsaVerificationAlgorithm,
    agreement: Option<&'static agreement::Algorithm>,
    scalar: u8,
}

impl Curve {
    fn of(spec: KeySpec) -> Result<Self, Refusal> {
        match spec {
            KeySpec::EccNistP256 => Ok(Self {
                algorithm: SigningAlgorithm::EcdsaSha256,
                signing: &ECDSA_P256_SHA256_ASN1_SIGNING,
                verification: &ECDSA_P256_SHA256_ASN1,
                agreement: Some(&ECDH_P256),
                scalar: 32,
            }),
            KeySpec::EccNistP384 => Ok(Self {
                algorithm: SigningAlgorithm::EcdsaSha384,
                signing: &ECDSA_P384_SHA384_ASN1_SIGNING,
                verification: &ECDSA_P384_SHA384_ASN1,
                agreement: Some(&ECDH_P384),
                scalar: 48,
            }),
            KeySpec::EccNistP521 => Ok(Self {
                algorithm: SigningAlgorithm::EcdsaSha512,
                signing: &ECDSA_P521_SHA512_ASN1_SIGNING,
                verification: &ECDSA_P521_SHA512_ASN1,
                agreement: Some(&ECDH_P521),
                scalar: 66,
            }),
            KeySpec::EccSecgP256k1 => Ok(Self {
                algorithm: SigningAlgorithm::EcdsaSha256,
                signing: &ECDSA_P256K1_SHA256_ASN1_SIGNING,
                verification: &ECDSA_P256K1_SHA256_ASN1,
                agreement: None,
                scalar: 32,
            }),
            _ => Err(Refusal::Unsupported),
        }
    }

    /// The pair of that scalar. The library takes a scalar by itself only for agreement, so it is put into an ECPrivateKey (RFC 5915)
    /// without the public key, which is then computed.
    fn pair(&self, material: &Secret) -> Result<EcdsaKeyPair, Refusal> {
        let scalar = material.bytes();
        if scalar.len() != usize::from(self.scalar) {
            return Err(Refusal::Failed);
        }
        let header = [0x30, self.scalar.saturating_add(5), 0x02, 1, 1, 0x04, self.scalar];
        let length = header.len().saturating_add(scalar.len());
        let mut private_key = material.arena().secret(length).map_err(|_| Refusal::Failed)?;
        let (start, rest) =
            private_key.bytes_mut().split_at_mut_checked(header.len()).ok_or(Refusal::Failed)?;
        start.copy_from_slice(&header);
        rest.copy_from_slice(scalar);
        EcdsaKeyPair::from_private_key_der(self.signing, private_key.bytes()).map_err(|_| Refusal::Failed)
    }
}
