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
    fn every_spec_has_a_usage() {
        assert!(KeySpec::ALL.iter().all(|spec| !spec.usages().is_empty()));
    }
}
