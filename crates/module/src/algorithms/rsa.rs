//! RSA: RSAES-OAEP, RSASSA-PKCS1-v1_5 and RSASSA-PSS, all of RFC 8017. The canonical private key is PKCS#8 in DER.
//!
//! A key that decrypts never signs, and one that signs never decrypts: they are two types, made from the usage in the token.

use super::message::Message;
use crate::memory::{Arena, Secret};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair, RsaParameters,
};
use keys::{EncryptionAlgorithm, KeySpec, SigningAlgorithm};
use module_api::Refusal;
use std::sync::Arc;
use zeroize::Zeroize;

/// A key that encrypts and decrypts.
#[derive(Debug)]
pub struct EncryptionKey {
    private: OaepPrivateDecryptingKey,
    public: OaepPublicEncryptingKey,
    public_key: Vec<u8>,
}

impl EncryptionKey {
    /// The key in that material.
    pub fn new(material: &Secret) -> Result<Self, Refusal> {
        let private = PrivateDecryptingKey::from_pkcs8(material.bytes()).map_err(|_| Refusal::Failed)?;
        let public = private.public_key();
        let public_key: PublicKeyX509Der<'_> = public.as_der().map_err(|_| Refusal::Failed)?;
        Ok(Self {
            public_key: public_key.as_ref().to_vec(),
            public: OaepPublicEncryptingKey::new(public).map_err(|_| Refusal::Failed)?,
            private: OaepPrivateDecryptingKey::new(private).map_err(|_| Refusal::Failed)?,
        })
    }

    /// Leaves in `out` RSAES-OAEP-ENCRYPT(key, plaintext) with an empty label and MGF1 with the algorithm's hash.
    ///
    /// Standard: RFC 8017 §7.1.1. The seed is random; the library draws it.
    pub fn encrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let padding = oaep(algorithm)?;
        if plaintext.is_empty() {
            return Err(Refusal::Malformed);
        }
        if plaintext.len() > self.public.max_plaintext_size(padding) {
            return Err(Refusal::TooLarge);
        }
        out.clear();
        out.resize(self.public.ciphertext_size(), 0);
        let written = self.public.encrypt(padding, plaintext, out, None).map_err(|_| Refusal::Failed)?;
        if written.len() == self.public.ciphertext_size() { Ok(()) } else { Err(Refusal::Failed) }
    }

    /// Leaves in `out` the plaintext of what [`EncryptionKey::encrypt`] made with the same key and algorithm.
    ///
    /// Standard: RFC 8017 §7.1.2. Whatever does not hold gives the one error `InvalidCiphertext`, and the library takes the same time
    /// for every padding that is wrong.
    pub fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let padding = oaep(algorithm)?;
        if ciphertext.len() != self.private.key_size_bytes() {
            return Err(Refusal::InvalidCiphertext);
        }
        out.clear();
        out.resize(self.private.min_output_size(), 0);
        let decrypted = self.private.decrypt(padding, ciphertext, out, None);
        let length = decrypted.map(|plaintext| plaintext.len()).map_err(|_| Refusal::InvalidCiphertext);
        // What the library left behind the plaintext goes too.
        out.get_mut(*length.as_ref().unwrap_or(&0)..).unwrap_or_default().zeroize();
        out.truncate(length?);
        Ok(())
    }

    /// The public key, SubjectPublicKeyInfo in DER.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }
}

/// A key that signs and verifies.
#[derive(Debug)]
pub struct SigningKey {
    pair: RsaKeyPair,
    public_key: Vec<u8>,
}

impl SigningKey {
    /// The key in that material.
    pub fn new(material: &Secret) -> Result<Self, Refusal> {
        let pair = RsaKeyPair::from_pkcs8(material.bytes()).map_err(|_| Refusal::Failed)?;
        let public_key = public_key(&pair)?;
        Ok(Self { pair, public_key })
    }

    /// Appends to `out` the signature, as long as the modulus.
    ///
    /// Standards: RSASSA-PKCS1-v1_5, RFC 8017 §8.2.1, which has no nonce; RSASSA-PSS, §8.1.1, with MGF1 with the algorithm's hash and a
    /// random salt as long as its digest, which the library draws.
    pub fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let Padding { encoding, .. } = padding(algorithm)?;
        let start = out.len();
        out.resize(start.saturating_add(self.pair.public_modulus_len()), 0);
        let signature = out.get_mut(start..).ok_or(Refusal::Failed)?;
        let signed = match message {
            Message::Raw(message) => self.pair.sign(encoding, &SystemRandom::new(), message, signature),
            _ => self.pair.sign_digest(encoding, &message.digest(algorithm)?, signature),
        };
        signed.map_err(|_| Refusal::Failed)
    }

    /// Checks a signature. Standards as for signing; of PSS a salt of another length is refused.
    pub fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), Refusal> {
        verify(&self.public_key, algorithm, message, signature)
    }

    /// The public key, SubjectPublicKeyInfo in DER.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }
}

fn verify(
    public_key: &[u8],
    algorithm: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), Refusal> {
    let Padding { verification, .. } = padding(algorithm)?;
    let public_key = ParsedPublicKey::new(verification, public_key).map_err(|_| Refusal::Failed)?;
    let verified = match message {
        Message::Raw(message) => public_key.verify_sig(message, signature),
        _ => public_key.verify_digest_sig(&message.digest(algorithm)?, signature),
    };
    verified.map_err(|_| Refusal::InvalidSignature)
}

/// A new private key with the public exponent 65537, FIPS 186-5.
pub(super) fn generate(spec: KeySpec, arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    let size = match bits(spec)? {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        _ => KeySize::Rsa4096,
    };
    canonical(&RsaKeyPair::generate(size).map_err(|_| Refusal::Failed)?, arena)
}

/// A private key from outside, PKCS#8 in DER. The library checks that its numbers belong together.
pub(super) fn import(spec: KeySpec, pkcs8: &[u8], arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| Refusal::IncorrectKeyMaterial)?;
    let fits = pair.public_modulus_len().checked_mul(8) == Some(bits(spec)?)
        && super::der::is_one(pkcs8)
        && has_safe_exponent(pair.public_key().as_ref(), pair.public_modulus_len());
    if fits { canonical(&pair, arena) } else { Err(Refusal::IncorrectKeyMaterial) }
}

fn canonical(pair: &RsaKeyPair, arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| Refusal::Failed)?;
    arena.keep(pkcs8.as_ref()).map_err(|_| Refusal::Failed)
}

/// The public key of canonical material, SubjectPublicKeyInfo in DER.
pub(super) fn public_key_of(material: &Secret) -> Result<Vec<u8>, Refusal> {
    public_key(&RsaKeyPair::from_pkcs8(material.bytes()).map_err(|_| Refusal::Failed)?)
}

fn public_key(pair: &RsaKeyPair) -> Result<Vec<u8>, Refusal> {
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| Refusal::Failed)?;
    Ok(der.as_ref().to_vec())
}

/// Whether the public exponent is at least 65537, as FIPS 186-5 §5.1 wants it. The bytes are an RSAPublicKey: two headers of four bytes,
/// a zero and the modulus, and then the exponent, which is odd and of at most 33 bits: the library refuses others.
fn has_safe_exponent(public_key: &[u8], modulus: usize) -> bool {
    let exponent = public_key.get(modulus.saturating_add(4 + 4 + 1)..).unwrap_or_default();
    matches!(exponent, [0x02, 3..=255, most_significant, ..] if *most_significant > 0)
        || matches!(exponent, [0x02, 4..=255, 0, ..])
}

fn bits(spec: KeySpec) -> Result<usize, Refusal> {
    match spec {
        KeySpec::Rsa2048 => Ok(2048),
        KeySpec::Rsa3072 => Ok(3072),
        KeySpec::Rsa4096 => Ok(4096),
        _ => Err(Refusal::Unsupported),
    }
}

fn oaep(algorithm: EncryptionAlgorithm) -> Result<&'static OaepAlgorithm, Refusal> {
    match algorithm {
        EncryptionAlgorithm::RsaesOaepSha1 => Ok(&OAEP_SHA1_MGF1SHA1),
        EncryptionAlgorithm::RsaesOaepSha256 => Ok(&OAEP_SHA256_MGF1SHA256),
        _ => Err(Refusal::Unsupported),
    }
}

struct Padding {
    encoding: &'static dyn RsaEncoding,
    verification: &'static RsaParameters,
}

fn padding(algorithm: SigningAlgorithm) -> Result<Padding, Refusal> {
    use SigningAlgorithm as Algorithm;
    let (encoding, verification): (&'static dyn RsaEncoding, _) = match algorithm {
        Algorithm::RsassaPkcs1V15Sha256 => (&RSA_PKCS1_SHA256, &RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RsassaPkcs1V15Sha384 => (&RSA_PKCS1_SHA384, &RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RsassaPkcs1V15Sha512 => (&RSA_PKCS1_SHA512, &RSA_PKCS1_2048_8192_SHA512),
        Algorithm::RsassaPssSha256 => (&RSA_PSS_SHA256, &RSA_PSS_2048_8192_SHA256),
        Algorithm::RsassaPssSha384 => (&RSA_PSS_SHA384, &RSA_PSS_2048_8192_SHA384),
        Algorithm::RsassaPssSha512 => (&RSA_PSS_SHA512, &RSA_PSS_2048_8192_SHA512),
        _ => return Err(Refusal::Unsupported),
    };
    Ok(Padding { encoding, verification })
}
