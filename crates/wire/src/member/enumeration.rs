//! Members that are one of a set of names.

use super::Member;
use super::text::TextVisitor;
use crate::{Path, Shape, Violations};
use keys::{DataKeySpec, EncryptionAlgorithm, KeyOrigin, KeySpec, KeyUsage, named};
use serde::de::Deserializer;

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

macro_rules! enumerations {
    ($($name:ident)+) => {$(
        impl Member for $name {
            type Raw = String;

            const SHAPE: Shape = Shape::Enumeration(Self::NAMES);

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
                from.deserialize_any(TextVisitor)
            }

            fn check(raw: String, path: &Path<'_>, violations: &mut Violations) -> Option<Self> {
                let known = Self::of_name(&raw);
                if known.is_none() {
                    violations.value(path, &raw, &constraint(Self::NAMES));
                }
                known
            }
        }

        impl super::list::Scalar for $name {
            fn constraints() -> Vec<String> {
                vec![constraint(Self::NAMES)]
            }

            fn within_limits(raw: &str) -> bool {
                Self::of_name(raw).is_some()
            }
        }
    )+};
}

enumerations! {
    DataKeySpec DryRunModifier EncryptionAlgorithm KeyEncryptionMechanism KeyOrigin KeySpec KeyUsage LegacyKeySpec ResourceOwner
}

fn constraint(names: &[&str]) -> String {
    format!("Member must satisfy enum value set: [{}]", names.join(", "))
}
