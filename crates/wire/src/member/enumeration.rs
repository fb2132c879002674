//! Members that are one of a set of names.

use keys::{
    DataKeyPairSpec, DataKeySpec, EncapsulationAlgorithm, EncryptionAlgorithm, GrantOperation,
    KeyAgreementAlgorithm, KeyOrigin, KeySpec, KeyUsage, MacAlgorithm, MessageType, SigningAlgorithm, named,
};

named! {
    /// What a dry run passes over.
    DryRunModifier {
        /// The ciphertext, which may then be absent.
        IgnoreCiphertext = "IGNORE_CIPHERTEXT",
    }
}

named! {
    /// How an answer is encrypted to an attested recipient.
    KeyEncryptionMechanism {
        /// RSAES-OAEP with SHA-256.
        RsaesOaepSha256 = "RSAES_OAEP_SHA_256",
    }
}

named! {
    /// Whose keys a list is to hold.
    ResourceOwner {
        /// The account's own.
        SelfOwned = "SELF",
        /// Those that other accounts share.
        OtherAccountsViaRam = "OTHER_ACCOUNTS_VIA_RAM",
    }
}

/// A key spec under its old name, `CustomerMasterKeySpec`, which knows only the old specs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegacyKeySpec(pub KeySpec);

impl LegacyKeySpec {
    const NAMES: &'static [&'static str] = &[
        "RSA_2048",
        "RSA_3072",
        "RSA_4096",
        "ECC_NIST_P256",
        "ECC_NIST_P384",
        "ECC_NIST_P521",
        "ECC_SECG_P256K1",
        "SYMMETRIC_DEFAULT",
        "HMAC_224",
        "HMAC_256",
        "HMAC_384",
        "HMAC_512",
        "SM2",
    ];

    fn of_name(name: &str) -> Option<Self> {
        KeySpec::of_name(name).filter(|spec| Self::NAMES.contains(&spec.name())).map(Self)
    }
}

/// Makes members of enumerations.
macro_rules! enumerations {
    ($($name:ident)+) => {$(
        impl $crate::member::Member for $name {
            type Raw = String;

            const SHAPE: $crate::Shape = $crate::Shape::Enumeration(Self::NAMES);

            fn read<'de, D: serde::de::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
                from.deserialize_any($crate::member::text::TextVisitor)
            }

            fn check(
                raw: String,
                path: &$crate::Path<'_>,
                violations: &mut $crate::Violations,
            ) -> Option<Self> {
                let known = Self::of_name(&raw);
                if known.is_none() {
                    violations.value(path, &raw, &$crate::member::enumeration::constraint(Self::NAMES));
                }
                known
            }
        }

        impl $crate::member::list::Scalar for $name {
            fn constraints() -> Vec<String> {
                vec![$crate::member::enumeration::constraint(Self::NAMES)]
            }

            fn within_limits(raw: &str) -> bool {
                Self::of_name(raw).is_some()
            }
        }
    )+};
}

pub(super) use enumerations;

enumerations! {
    DataKeyPairSpec DataKeySpec DryRunModifier EncapsulationAlgorithm EncryptionAlgorithm GrantOperation KeyAgreementAlgorithm
    KeyEncryptionMechanism KeyOrigin KeySpec KeyUsage LegacyKeySpec MacAlgorithm MessageType ResourceOwner SigningAlgorithm
}

pub(super) fn constraint(names: &[&str]) -> String {
    format!("Member must satisfy enum value set: [{}]", names.join(", "))
}
