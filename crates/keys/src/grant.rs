//! Grants: permission for one principal to use one key for some operations, and which operations suit which key.
//!
//! Whether a request keeps to a grant's constraints is decided by `access`, not here.

use crate::{AccountId, GrantId, KeySpec, KeyUsage, Moment, named};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// All that is kept of a grant, besides the key that it is for. It never changes: it is made and deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Who may use the key by it.
    pub grantee: GrantPrincipal,
    /// Who may retire it, besides the account that issued it.
    pub retiring: Option<GrantPrincipal>,
    /// What the grantee may do.
    pub operations: GrantOperations,
    /// What a request must keep to.
    pub constraints: GrantConstraints,
    /// The name that makes it safe to repeat the call that made it.
    pub name: Option<String>,
    /// When it was made.
    pub created: Moment,
    /// The account of the principal that made it.
    pub issuing_account: AccountId,
}

/// A principal that a grant names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantPrincipal {
    /// Its ARN, or the name of a service.
    pub name: String,
    /// The unique id that its user or role had when the grant was made: another one of the same name is someone else.
    pub unique_id: Option<String>,
}

impl GrantPrincipal {
    /// What it is known by: its unique id, which it keeps if it gets another name, or else its name.
    #[must_use]
    pub fn identity(&self) -> &str {
        self.unique_id.as_deref().unwrap_or(&self.name)
    }
}

/// What a request that relies on a grant must keep to; nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GrantConstraints {
    /// The pairs that the encryption context must consist of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<BTreeMap<String, String>>,
    /// The pairs that the encryption context must hold, whatever else it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subset: Option<BTreeMap<String, String>>,
    /// The resource on whose behalf a service must call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_arn: Option<String>,
}

named! {
    /// An operation that a grant can permit. The order is that of AWS's model.
    GrantOperation {
        /// Decrypting.
        Decrypt = "Decrypt",
        /// Encrypting.
        Encrypt = "Encrypt",
        /// Generating a data key.
        GenerateDataKey = "GenerateDataKey",
        /// Generating a data key, returned encrypted only.
        GenerateDataKeyWithoutPlaintext = "GenerateDataKeyWithoutPlaintext",
        /// Reencrypting what this key encrypted.
        ReEncryptFrom = "ReEncryptFrom",
        /// Reencrypting under this key.
        ReEncryptTo = "ReEncryptTo",
        /// Signing.
        Sign = "Sign",
        /// Verifying a signature.
        Verify = "Verify",
        /// Reading the public key.
        GetPublicKey = "GetPublicKey",
        /// Granting what the grant permits to others.
        CreateGrant = "CreateGrant",
        /// Retiring the grant.
        RetireGrant = "RetireGrant",
        /// Reading the key's metadata.
        DescribeKey = "DescribeKey",
        /// Generating a data key pair.
        GenerateDataKeyPair = "GenerateDataKeyPair",
        /// Generating a data key pair whose private key is returned encrypted only.
        GenerateDataKeyPairWithoutPlaintext = "GenerateDataKeyPairWithoutPlaintext",
        /// Generating a MAC.
        GenerateMac = "GenerateMac",
        /// Verifying a MAC.
        VerifyMac = "VerifyMac",
        /// Deriving a shared secret.
        DeriveSharedSecret = "DeriveSharedSecret",
        /// Encapsulating a shared secret.
        Encapsulate = "Encapsulate",
        /// Decapsulating a shared secret.
        Decapsulate = "Decapsulate",
    }
}

/// A set of the operations that grants can permit. In records a list of names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrantOperations(u32);

impl GrantOperations {
    /// The operations that a grant on a key of that spec and usage can permit.
    //= grants.html#terms-grant-operations: which operation goes with which type of key
    #[must_use]
    pub const fn of_key(spec: KeySpec, usage: KeyUsage) -> Self {
        use GrantOperation::{
            Decapsulate, Decrypt, DeriveSharedSecret, Encapsulate, Encrypt, GenerateDataKey,
            GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext, GenerateDataKeyWithoutPlaintext,
            GenerateMac, GetPublicKey, ReEncryptFrom, ReEncryptTo, Sign, Verify, VerifyMac,
        };
        match (spec, usage) {
            (KeySpec::SymmetricDefault, _) => OF_EVERY_KEY
                .and(&[Encrypt, Decrypt, ReEncryptFrom, ReEncryptTo])
                .and(&[GenerateDataKey, GenerateDataKeyWithoutPlaintext])
                .and(&[GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext]),
            (_, KeyUsage::EncryptDecrypt) => {
                OF_EVERY_KEY.and(&[Encrypt, Decrypt, ReEncryptFrom, ReEncryptTo, GetPublicKey])
            }
            (_, KeyUsage::SignVerify) => OF_EVERY_KEY.and(&[Sign, Verify, GetPublicKey]),
            (_, KeyUsage::KeyAgreement) => OF_EVERY_KEY.and(&[DeriveSharedSecret, GetPublicKey]),
            (_, KeyUsage::EncapsulateDecapsulate) => {
                OF_EVERY_KEY.and(&[Encapsulate, Decapsulate, GetPublicKey])
            }
            (_, KeyUsage::GenerateVerifyMac) => OF_EVERY_KEY.and(&[GenerateMac, VerifyMac]),
        }
    }

    /// Whether the operation is among them.
    #[must_use]
    pub const fn contains(self, operation: GrantOperation) -> bool {
        self.0 & bit(operation) != 0
    }

    /// Whether all of them are among the others.
    #[must_use]
    pub const fn is_subset_of(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The operations, in the order of AWS's model.
    pub fn iter(self) -> impl Iterator<Item = GrantOperation> {
        GrantOperation::ALL.iter().copied().filter(move |operation| self.contains(*operation))
    }

    const fn and(self, mut operations: &[GrantOperation]) -> Self {
        let mut all = self.0;
        while let [operation, rest @ ..] = operations {
            all |= bit(*operation);
            operations = rest;
        }
        Self(all)
    }
}

impl FromIterator<GrantOperation> for GrantOperations {
    fn from_iter<I: IntoIterator<Item = GrantOperation>>(operations: I) -> Self {
        Self(operations.into_iter().fold(0, |all, operation| all | bit(operation)))
    }
}

impl Serialize for GrantOperations {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for GrantOperations {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Vec::<GrantOperation>::deserialize(from)?.into_iter().collect())
    }
}

const fn bit(operation: GrantOperation) -> u32 {
    1 << operation as u32
}

const OF_EVERY_KEY: GrantOperations = GrantOperations(
    bit(GrantOperation::CreateGrant) | bit(GrantOperation::RetireGrant) | bit(GrantOperation::DescribeKey),
);

#[cfg(test)]
mod tests {
    use super::*;

    fn names(spec: KeySpec, usage: KeyUsage) -> Vec<&'static str> {
        GrantOperations::of_key(spec, usage).iter().map(GrantOperation::name).collect()
    }

    #[test]
    fn each_type_of_key_has_the_operations_of_the_table() {
        assert_eq!(
            names(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt),
            [
                "Decrypt",
                "Encrypt",
                "GenerateDataKey",
                "GenerateDataKeyWithoutPlaintext",
                "ReEncryptFrom",
                "ReEncryptTo",
                "CreateGrant",
                "RetireGrant",
                "DescribeKey",
                "GenerateDataKeyPair",
                "GenerateDataKeyPairWithoutPlaintext"
            ]
        );
        let of_every_key = ["CreateGrant", "RetireGrant", "DescribeKey"];
        let rows: [(KeySpec, KeyUsage, &[&str]); 6] = [
            (
                KeySpec::Rsa2048,
                KeyUsage::EncryptDecrypt,
                &["Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"],
            ),
            (KeySpec::Rsa2048, KeyUsage::SignVerify, &["Sign", "Verify", "GetPublicKey"]),
            (KeySpec::MlDsa65, KeyUsage::SignVerify, &["Sign", "Verify", "GetPublicKey"]),
            (KeySpec::EccNistP256, KeyUsage::KeyAgreement, &["GetPublicKey", "DeriveSharedSecret"]),
            (KeySpec::Hmac256, KeyUsage::GenerateVerifyMac, &["GenerateMac", "VerifyMac"]),
            (
                KeySpec::MlKem768,
                KeyUsage::EncapsulateDecapsulate,
                &["GetPublicKey", "Encapsulate", "Decapsulate"],
            ),
        ];
        for (spec, usage, own) in rows {
            let found: Vec<_> =
                names(spec, usage).into_iter().filter(|name| !of_every_key.contains(name)).collect();
            assert_eq!(found, own, "{spec} {usage}");
            assert_eq!(names(spec, usage).len(), own.len() + of_every_key.len(), "{spec} {usage}");
        }
    }

    #[test]
    fn every_operation_goes_with_some_key() {
        let pairs = KeySpec::ALL.iter().flat_map(|spec| spec.usages().iter().map(|usage| (*spec, *usage)));
        let some: GrantOperations =
            pairs.flat_map(|(spec, usage)| GrantOperations::of_key(spec, usage).iter()).collect();
        assert!(GrantOperation::ALL.iter().all(|operation| some.contains(*operation)));
    }

    #[test]
    fn a_set_is_within_another_when_nothing_of_it_is_missing_there() {
        let of = |operations: &[GrantOperation]| operations.iter().copied().collect::<GrantOperations>();
        let two = of(&[GrantOperation::Decrypt, GrantOperation::Decapsulate]);
        assert!(of(&[GrantOperation::Decapsulate]).is_subset_of(two) && two.is_subset_of(two));
        assert!(!two.is_subset_of(of(&[GrantOperation::Decrypt])));
        assert!(GrantOperations::default().is_empty() && GrantOperations::default().is_subset_of(two));
        assert!(!two.is_empty());
    }
}
