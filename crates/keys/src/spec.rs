//! Specs, usages and origins: which there are, and which go together. A new key spec is a row here.

use crate::named;

named! {
    /// What kind of key it is.
    KeySpec {
        /// ECDSA or ECDH on P-256.
        EccNistP256 = "ECC_NIST_P256",
        /// ECDSA or ECDH on P-384.
        EccNistP384 = "ECC_NIST_P384",
        /// ECDSA or ECDH on P-521.
        EccNistP521 = "ECC_NIST_P521",
        /// Ed25519.
        EccNistEdwards25519 = "ECC_NIST_EDWARDS25519",
        /// ECDSA on secp256k1.
        EccSecgP256k1 = "ECC_SECG_P256K1",
        /// HMAC with SHA-224.
        Hmac224 = "HMAC_224",
        /// HMAC with SHA-256.
        Hmac256 = "HMAC_256",
        /// HMAC with SHA-384.
        Hmac384 = "HMAC_384",
        /// HMAC with SHA-512.
        Hmac512 = "HMAC_512",
        /// ML-DSA-44.
        MlDsa44 = "ML_DSA_44",
        /// ML-DSA-65.
        MlDsa65 = "ML_DSA_65",
        /// ML-DSA-87.
        MlDsa87 = "ML_DSA_87",
        /// ML-KEM-512.
        MlKem512 = "ML_KEM_512",
        /// ML-KEM-768.
        MlKem768 = "ML_KEM_768",
        /// ML-KEM-1024.
        MlKem1024 = "ML_KEM_1024",
        /// RSA, 2048 bits.
        Rsa2048 = "RSA_2048",
        /// RSA, 3072 bits.
        Rsa3072 = "RSA_3072",
        /// RSA, 4096 bits.
        Rsa4096 = "RSA_4096",
        /// SM2, China Regions only.
        Sm2 = "SM2",
        /// AES-256-GCM under keys derived for each message.
        SymmetricDefault = "SYMMETRIC_DEFAULT",
    }
}

named! {
    /// What a key is for.
    KeyUsage {
        /// Encapsulating and decapsulating shared secrets.
        EncapsulateDecapsulate = "ENCAPSULATE_DECAPSULATE",
        /// Encrypting and decrypting.
        EncryptDecrypt = "ENCRYPT_DECRYPT",
        /// Generating and verifying MACs.
        GenerateVerifyMac = "GENERATE_VERIFY_MAC",
        /// Deriving shared secrets.
        KeyAgreement = "KEY_AGREEMENT",
        /// Signing and verifying.
        SignVerify = "SIGN_VERIFY",
    }
}

named! {
    /// Where a key's material comes from.
    KeyOrigin {
        /// A PKCS#11 HSM cluster.
        AwsCloudHsm = "AWS_CLOUDHSM",
        /// The service's own security module.
        AwsKms = "AWS_KMS",
        /// Imported by its owner.
        External = "EXTERNAL",
        /// An external key manager behind an XKS proxy.
        ExternalKeyStore = "EXTERNAL_KEY_STORE",
    }
}

named! {
    /// How a plaintext is encrypted. The order is that of AWS's answers.
    EncryptionAlgorithm {
        /// AES-256-GCM under keys derived for each message.
        SymmetricDefault = "SYMMETRIC_DEFAULT",
        /// RSAES-OAEP with SHA-1.
        RsaesOaepSha1 = "RSAES_OAEP_SHA_1",
        /// RSAES-OAEP with SHA-256.
        RsaesOaepSha256 = "RSAES_OAEP_SHA_256",
        /// SM2 public key encryption.
        Sm2Pke = "SM2PKE",
    }
}

named! {
    /// How a message is signed. The order is that of AWS's answers.
    SigningAlgorithm {
        /// RSASSA-PKCS1-v1_5 with SHA-256.
        RsassaPkcs1V15Sha256 = "RSASSA_PKCS1_V1_5_SHA_256",
        /// RSASSA-PKCS1-v1_5 with SHA-384.
        RsassaPkcs1V15Sha384 = "RSASSA_PKCS1_V1_5_SHA_384",
        /// RSASSA-PKCS1-v1_5 with SHA-512.
        RsassaPkcs1V15Sha512 = "RSASSA_PKCS1_V1_5_SHA_512",
        /// RSASSA-PSS with SHA-256 and a salt as long as the digest.
        RsassaPssSha256 = "RSASSA_PSS_SHA_256",
        /// RSASSA-PSS with SHA-384 and a salt as long as the digest.
        RsassaPssSha384 = "RSASSA_PSS_SHA_384",
        /// RSASSA-PSS with SHA-512 and a salt as long as the digest.
        RsassaPssSha512 = "RSASSA_PSS_SHA_512",
        /// ECDSA with SHA-256.
        EcdsaSha256 = "ECDSA_SHA_256",
        /// ECDSA with SHA-384.
        EcdsaSha384 = "ECDSA_SHA_384",
        /// ECDSA with SHA-512.
        EcdsaSha512 = "ECDSA_SHA_512",
        /// SM2 signatures.
        Sm2Dsa = "SM2DSA",
        /// ML-DSA, hedged, with an empty context.
        MlDsaShake256 = "ML_DSA_SHAKE_256",
        /// Ed25519.
        Ed25519Sha512 = "ED25519_SHA_512",
        /// Ed25519ph.
        Ed25519PhSha512 = "ED25519_PH_SHA_512",
    }
}

named! {
    /// What it is that is given to be signed.
    MessageType {
        /// The message.
        Raw = "RAW",
        /// Its digest.
        Digest = "DIGEST",
        /// ML-DSA's message representative mu.
        ExternalMu = "EXTERNAL_MU",
    }
}

named! {
    /// How a MAC is computed.
    MacAlgorithm {
        /// HMAC with SHA-224.
        HmacSha224 = "HMAC_SHA_224",
        /// HMAC with SHA-256.
        HmacSha256 = "HMAC_SHA_256",
        /// HMAC with SHA-384.
        HmacSha384 = "HMAC_SHA_384",
        /// HMAC with SHA-512.
        HmacSha512 = "HMAC_SHA_512",
    }
}

named! {
    /// How a shared secret is derived.
    KeyAgreementAlgorithm {
        /// Elliptic curve Diffie-Hellman, with the cofactor.
        Ecdh = "ECDH",
    }
}

named! {
    /// How a shared secret is encapsulated.
    EncapsulationAlgorithm {
        /// ML-KEM.
        MlKem = "ML_KEM",
    }
}

named! {
    /// Which pair of keys a data key pair is.
    DataKeyPairSpec {
        /// RSA, 2048 bits.
        Rsa2048 = "RSA_2048",
        /// RSA, 3072 bits.
        Rsa3072 = "RSA_3072",
        /// RSA, 4096 bits.
        Rsa4096 = "RSA_4096",
        /// P-256.
        EccNistP256 = "ECC_NIST_P256",
        /// P-384.
        EccNistP384 = "ECC_NIST_P384",
        /// P-521.
        EccNistP521 = "ECC_NIST_P521",
        /// secp256k1.
        EccSecgP256k1 = "ECC_SECG_P256K1",
        /// SM2, China Regions only.
        Sm2 = "SM2",
        /// Ed25519.
        EccNistEdwards25519 = "ECC_NIST_EDWARDS25519",
        /// ML-KEM-512.
        MlKem512 = "ML_KEM_512",
        /// ML-KEM-768.
        MlKem768 = "ML_KEM_768",
        /// ML-KEM-1024.
        MlKem1024 = "ML_KEM_1024",
    }
}

named! {
    /// How key material is encrypted for its import.
    WrappingAlgorithm {
        /// No longer offered.
        RsaesPkcs1V15 = "RSAES_PKCS1_V1_5",
        /// RSAES-OAEP with SHA-1.
        RsaesOaepSha1 = "RSAES_OAEP_SHA_1",
        /// RSAES-OAEP with SHA-256.
        RsaesOaepSha256 = "RSAES_OAEP_SHA_256",
        /// An AES key under RSAES-OAEP with SHA-1, and the material under AES-KWP with it.
        RsaAesKeyWrapSha1 = "RSA_AES_KEY_WRAP_SHA_1",
        /// An AES key under RSAES-OAEP with SHA-256, and the material under AES-KWP with it.
        RsaAesKeyWrapSha256 = "RSA_AES_KEY_WRAP_SHA_256",
        /// SM2 public key encryption.
        Sm2Pke = "SM2PKE",
    }
}

named! {
    /// Which key pair key material is encrypted under for its import.
    WrappingKeySpec {
        /// RSA, 2048 bits.
        Rsa2048 = "RSA_2048",
        /// RSA, 3072 bits.
        Rsa3072 = "RSA_3072",
        /// RSA, 4096 bits.
        Rsa4096 = "RSA_4096",
        /// SM2, China Regions only.
        Sm2 = "SM2",
    }
}

named! {
    /// How long a data key is.
    DataKeySpec {
        /// 16 bytes.
        Aes128 = "AES_128",
        /// 32 bytes.
        Aes256 = "AES_256",
    }
}

impl DataKeySpec {
    /// The bytes of such a data key.
    #[must_use]
    pub const fn bytes(self) -> u16 {
        match self {
            Self::Aes128 => 16,
            Self::Aes256 => 32,
        }
    }
}

impl SigningAlgorithm {
    /// The length of the digest that it signs, unless it signs none.
    #[must_use]
    pub const fn digest_length(self) -> Option<usize> {
        match self {
            Self::RsassaPkcs1V15Sha256 | Self::RsassaPssSha256 | Self::EcdsaSha256 | Self::Sm2Dsa => Some(32),
            Self::RsassaPkcs1V15Sha384 | Self::RsassaPssSha384 | Self::EcdsaSha384 => Some(48),
            Self::RsassaPkcs1V15Sha512
            | Self::RsassaPssSha512
            | Self::EcdsaSha512
            | Self::Ed25519PhSha512 => Some(64),
            Self::MlDsaShake256 | Self::Ed25519Sha512 => None,
        }
    }

    /// The types of message that it signs.
    //= kms:Sign MessageType: Ed25519 wants RAW and Ed25519ph DIGEST; EXTERNAL_MU is for ML-DSA, which signs no digest
    #[must_use]
    pub const fn message_types(self) -> &'static [MessageType] {
        match self {
            Self::Ed25519Sha512 => &[MessageType::Raw],
            Self::Ed25519PhSha512 => &[MessageType::Digest],
            Self::MlDsaShake256 => &[MessageType::Raw, MessageType::ExternalMu],
            _ => &[MessageType::Raw, MessageType::Digest],
        }
    }
}

impl DataKeyPairSpec {
    /// The key spec of the same name.
    #[must_use]
    pub const fn key_spec(self) -> KeySpec {
        match self {
            Self::Rsa2048 => KeySpec::Rsa2048,
            Self::Rsa3072 => KeySpec::Rsa3072,
            Self::Rsa4096 => KeySpec::Rsa4096,
            Self::EccNistP256 => KeySpec::EccNistP256,
            Self::EccNistP384 => KeySpec::EccNistP384,
            Self::EccNistP521 => KeySpec::EccNistP521,
            Self::EccSecgP256k1 => KeySpec::EccSecgP256k1,
            Self::Sm2 => KeySpec::Sm2,
            Self::EccNistEdwards25519 => KeySpec::EccNistEdwards25519,
            Self::MlKem512 => KeySpec::MlKem512,
            Self::MlKem768 => KeySpec::MlKem768,
            Self::MlKem1024 => KeySpec::MlKem1024,
        }
    }
}

impl KeySpec {
    /// The algorithms with which a key of this spec encrypts, if that is its usage.
    #[must_use]
    pub const fn encryption_algorithms(self) -> &'static [EncryptionAlgorithm] {
        match self {
            Self::SymmetricDefault => &[EncryptionAlgorithm::SymmetricDefault],
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => {
                &[EncryptionAlgorithm::RsaesOaepSha1, EncryptionAlgorithm::RsaesOaepSha256]
            }
            Self::Sm2 => &[EncryptionAlgorithm::Sm2Pke],
            _ => &[],
        }
    }

    /// The most bytes that a key of this spec encrypts at once with that algorithm, which must be one of its own.
    //= RFC 8017 §7.1.1: the length of the modulus, less twice that of the hash, less 2
    #[must_use]
    pub const fn largest_plaintext(self, algorithm: EncryptionAlgorithm) -> usize {
        match (self, algorithm) {
            (Self::Rsa2048, EncryptionAlgorithm::RsaesOaepSha1) => 214,
            (Self::Rsa2048, EncryptionAlgorithm::RsaesOaepSha256) => 190,
            (Self::Rsa3072, EncryptionAlgorithm::RsaesOaepSha1) => 342,
            (Self::Rsa3072, EncryptionAlgorithm::RsaesOaepSha256) => 318,
            (Self::Rsa4096, EncryptionAlgorithm::RsaesOaepSha1) => 470,
            (Self::Rsa4096, EncryptionAlgorithm::RsaesOaepSha256) => 446,
            (Self::Sm2, _) => 1024,
            _ => 4096,
        }
    }

    /// The algorithms with which a key of this spec signs, if that is its usage.
    #[must_use]
    pub const fn signing_algorithms(self) -> &'static [SigningAlgorithm] {
        use SigningAlgorithm as Algorithm;
        match self {
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => &[
                Algorithm::RsassaPkcs1V15Sha256,
                Algorithm::RsassaPkcs1V15Sha384,
                Algorithm::RsassaPkcs1V15Sha512,
                Algorithm::RsassaPssSha256,
                Algorithm::RsassaPssSha384,
                Algorithm::RsassaPssSha512,
            ],
            Self::EccNistP256 | Self::EccSecgP256k1 => &[Algorithm::EcdsaSha256],
            Self::EccNistP384 => &[Algorithm::EcdsaSha384],
            Self::EccNistP521 => &[Algorithm::EcdsaSha512],
            Self::EccNistEdwards25519 => &[Algorithm::Ed25519Sha512, Algorithm::Ed25519PhSha512],
            Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => &[Algorithm::MlDsaShake256],
            Self::Sm2 => &[Algorithm::Sm2Dsa],
            _ => &[],
        }
    }

    /// The algorithms with which a key of this spec makes MACs.
    #[must_use]
    pub const fn mac_algorithms(self) -> &'static [MacAlgorithm] {
        match self {
            Self::Hmac224 => &[MacAlgorithm::HmacSha224],
            Self::Hmac256 => &[MacAlgorithm::HmacSha256],
            Self::Hmac384 => &[MacAlgorithm::HmacSha384],
            Self::Hmac512 => &[MacAlgorithm::HmacSha512],
            _ => &[],
        }
    }

    /// The algorithms with which a key of this spec agrees on secrets, if that is its usage.
    #[must_use]
    pub const fn key_agreement_algorithms(self) -> &'static [KeyAgreementAlgorithm] {
        match self {
            Self::EccNistP256 | Self::EccNistP384 | Self::EccNistP521 | Self::Sm2 => {
                &[KeyAgreementAlgorithm::Ecdh]
            }
            _ => &[],
        }
    }

    /// The algorithms with which a key of this spec decapsulates secrets.
    #[must_use]
    pub const fn encapsulation_algorithms(self) -> &'static [EncapsulationAlgorithm] {
        match self {
            Self::MlKem512 | Self::MlKem768 | Self::MlKem1024 => &[EncapsulationAlgorithm::MlKem],
            _ => &[],
        }
    }

    /// The wrapping algorithms with which material for a key of this spec can be imported; none if it cannot.
    //= crypto: ML-DSA is not importable; symmetric and HMAC material never under RSA_AES_KEY_WRAP, RSA private keys only under it
    #[must_use]
    pub const fn wrapping_algorithms(self) -> &'static [WrappingAlgorithm] {
        use WrappingAlgorithm::{RsaAesKeyWrapSha1, RsaAesKeyWrapSha256, RsaesOaepSha1, RsaesOaepSha256};
        match self {
            Self::SymmetricDefault | Self::Hmac224 | Self::Hmac256 | Self::Hmac384 | Self::Hmac512 => {
                &[RsaesOaepSha1, RsaesOaepSha256]
            }
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => &[RsaAesKeyWrapSha1, RsaAesKeyWrapSha256],
            Self::EccNistP256
            | Self::EccNistP384
            | Self::EccNistP521
            | Self::EccSecgP256k1
            | Self::EccNistEdwards25519 => {
                &[RsaesOaepSha1, RsaesOaepSha256, RsaAesKeyWrapSha1, RsaAesKeyWrapSha256]
            }
            _ => &[],
        }
    }

    /// Whether material for a key of this spec is too long to be encrypted by that algorithm under a key of that spec.
    //= kms:GetParametersForImport: an RSA_2048 public key cannot directly wrap an ECC_NIST_P521 private key
    #[must_use]
    pub const fn is_too_long_for(self, algorithm: WrappingAlgorithm, wrapping: WrappingKeySpec) -> bool {
        let is_direct =
            matches!(algorithm, WrappingAlgorithm::RsaesOaepSha1 | WrappingAlgorithm::RsaesOaepSha256);
        is_direct && matches!((self, wrapping), (Self::EccNistP521, WrappingKeySpec::Rsa2048))
    }

    /// Whether keys of this spec are made here. SM2 has no audited implementation to make them with.
    #[must_use]
    pub const fn is_offered(self) -> bool {
        !matches!(self, Self::Sm2)
    }

    /// Whether a key of this spec is a symmetric encryption key: the only kind that binds encryption contexts, that can have other
    /// material in its life, and that custom key stores have.
    #[must_use]
    pub const fn is_symmetric_encryption(self) -> bool {
        matches!(self, Self::SymmetricDefault)
    }

    /// Whether a key of this spec is a pair of keys, of which the public one can be had.
    #[must_use]
    pub const fn is_asymmetric(self) -> bool {
        !matches!(
            self,
            Self::SymmetricDefault | Self::Hmac224 | Self::Hmac256 | Self::Hmac384 | Self::Hmac512
        )
    }

    /// The usages that a key of this spec can have.
    #[must_use]
    pub const fn usages(self) -> &'static [KeyUsage] {
        use KeyUsage::{EncapsulateDecapsulate, EncryptDecrypt, GenerateVerifyMac, KeyAgreement, SignVerify};
        match self {
            Self::SymmetricDefault => &[EncryptDecrypt],
            Self::Hmac224 | Self::Hmac256 | Self::Hmac384 | Self::Hmac512 => &[GenerateVerifyMac],
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => &[EncryptDecrypt, SignVerify],
            Self::EccNistP256 | Self::EccNistP384 | Self::EccNistP521 => &[SignVerify, KeyAgreement],
            Self::EccSecgP256k1 | Self::EccNistEdwards25519 => &[SignVerify],
            Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => &[SignVerify],
            Self::MlKem512 | Self::MlKem768 | Self::MlKem1024 => &[EncapsulateDecapsulate],
            Self::Sm2 => &[EncryptDecrypt, SignVerify, KeyAgreement],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_finds_its_variant_and_no_other_text_does() {
        for spec in KeySpec::ALL {
            assert_eq!(KeySpec::of_name(spec.name()), Some(*spec));
        }
        assert_eq!(KeySpec::of_name("symmetric_default"), None);
    }

    #[test]
    fn what_rsa_encrypts_is_its_modulus_less_the_padding() {
        //= RFC 8017 §7.1.1
        for (spec, modulus) in [(KeySpec::Rsa2048, 256), (KeySpec::Rsa3072, 384), (KeySpec::Rsa4096, 512)] {
            for (algorithm, hash) in
                [(EncryptionAlgorithm::RsaesOaepSha1, 20), (EncryptionAlgorithm::RsaesOaepSha256, 32)]
            {
                assert_eq!(spec.largest_plaintext(algorithm), modulus - 2 * hash - 2, "{spec} {algorithm}");
            }
        }
        assert_eq!(KeySpec::SymmetricDefault.largest_plaintext(EncryptionAlgorithm::SymmetricDefault), 4096);
    }

    #[test]
    fn an_algorithm_signs_digests_exactly_if_it_has_a_length_for_them() {
        for algorithm in SigningAlgorithm::ALL {
            let signs_digests = algorithm.message_types().contains(&MessageType::Digest);
            assert_eq!(signs_digests, algorithm.digest_length().is_some(), "{algorithm}");
        }
    }

    #[test]
    fn a_p521_key_is_too_long_for_rsa_2048_alone_and_directly() {
        //= kms:GetParametersForImport: an RSA_2048 public key cannot directly wrap an ECC_NIST_P521 private key
        let (p521, direct) = (KeySpec::EccNistP521, WrappingAlgorithm::RsaesOaepSha256);
        assert!(p521.is_too_long_for(direct, WrappingKeySpec::Rsa2048));
        assert!(!p521.is_too_long_for(direct, WrappingKeySpec::Rsa3072));
        assert!(!p521.is_too_long_for(WrappingAlgorithm::RsaAesKeyWrapSha256, WrappingKeySpec::Rsa2048));
        assert!(!KeySpec::EccNistP384.is_too_long_for(direct, WrappingKeySpec::Rsa2048));
    }

    #[test]
    fn every_spec_has_a_usage() {
        assert!(KeySpec::ALL.iter().all(|spec| !spec.usages().is_empty()));
    }
}
