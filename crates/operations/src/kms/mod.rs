//! The operations of AWS KMS, by family. One file an operation.

pub mod aliases;
mod backing;
pub mod cryptography;
pub mod custom_key_stores;
pub mod grants;
pub mod import;
pub mod keys;
mod managed;
mod metadata;
pub mod multi_region;
mod pages;
pub mod policies;
pub mod rotation;
pub mod tags;

pub use backing::{Backing, EventNames, event_data_of_place, new_key};
pub use managed::ManagedKey;

use crate::Fact;
use crate::operation::NamedKey;
use crate::registry::{Entry, entry};
use access::ConditionKey;
use audit::json::{Json, Object, object};
use std::borrow::Cow;
use std::collections::BTreeMap;
use wire::member::EncryptionContext;

/// Every operation, in the order of the names.
pub static OPERATIONS: &[Entry] = &[
    entry::<keys::CancelKeyDeletion>(),
    entry::<custom_key_stores::ConnectCustomKeyStore>(),
    entry::<aliases::CreateAlias>(),
    entry::<custom_key_stores::CreateCustomKeyStore>(),
    entry::<grants::CreateGrant>(),
    entry::<keys::CreateKey>(),
    entry::<cryptography::Decapsulate>(),
    entry::<cryptography::Decrypt>(),
    entry::<aliases::DeleteAlias>(),
    entry::<custom_key_stores::DeleteCustomKeyStore>(),
    entry::<import::DeleteImportedKeyMaterial>(),
    entry::<cryptography::DeriveSharedSecret>(),
    entry::<custom_key_stores::DescribeCustomKeyStores>(),
    entry::<keys::DescribeKey>(),
    entry::<keys::DisableKey>(),
    entry::<rotation::DisableKeyRotation>(),
    entry::<custom_key_stores::DisconnectCustomKeyStore>(),
    entry::<keys::EnableKey>(),
    entry::<rotation::EnableKeyRotation>(),
    entry::<cryptography::Encapsulate>(),
    entry::<cryptography::Encrypt>(),
    entry::<cryptography::GenerateDataKey>(),
    entry::<cryptography::GenerateDataKeyPair>(),
    entry::<cryptography::GenerateDataKeyPairWithoutPlaintext>(),
    entry::<cryptography::GenerateDataKeyWithoutPlaintext>(),
    entry::<cryptography::GenerateMac>(),
    entry::<cryptography::GenerateRandom>(),
    entry::<keys::GetKeyLastUsage>(),
    entry::<policies::GetKeyPolicy>(),
    entry::<rotation::GetKeyRotationStatus>(),
    entry::<import::GetParametersForImport>(),
    entry::<cryptography::GetPublicKey>(),
    entry::<import::ImportKeyMaterial>(),
    entry::<aliases::ListAliases>(),
    entry::<grants::ListGrants>(),
    entry::<policies::ListKeyPolicies>(),
    entry::<rotation::ListKeyRotations>(),
    entry::<keys::ListKeys>(),
    entry::<tags::ListResourceTags>(),
    entry::<grants::ListRetirableGrants>(),
    entry::<policies::PutKeyPolicy>(),
    entry::<cryptography::ReEncrypt>(),
    entry::<multi_region::ReplicateKey>(),
    entry::<grants::RetireGrant>(),
    entry::<grants::RevokeGrant>(),
    entry::<rotation::RotateKeyOnDemand>(),
    entry::<keys::ScheduleKeyDeletion>(),
    entry::<cryptography::Sign>(),
    entry::<tags::TagResource>(),
    entry::<tags::UntagResource>(),
    entry::<aliases::UpdateAlias>(),
    entry::<custom_key_stores::UpdateCustomKeyStore>(),
    entry::<keys::UpdateKeyDescription>(),
    entry::<multi_region::UpdatePrimaryRegion>(),
    entry::<cryptography::Verify>(),
    entry::<cryptography::VerifyMac>(),
];

/// `responseElements` of a change whose answer is empty: the key's ARN all the same.
fn key_element(named: &NamedKey) -> Json {
    object(|elements| elements.string("keyId", &named.arn.to_string()))
}

/// What conditions may look at in an encryption context.
pub fn context_facts(context: &BTreeMap<String, String>) -> [Fact<'_>; 2] {
    let names = context.keys().map(|name| Cow::Borrowed(name.as_str()));
    [
        Fact::pairs(ConditionKey::KmsEncryptionContext, context),
        Fact::texts(ConditionKey::KmsEncryptionContextKeys, names),
    ]
}

/// Shows an encryption context in a record.
pub fn record_context(record: &mut Object<'_>, name: &str, context: Option<&EncryptionContext>) {
    if let Some(context) = context {
        record.object(name, |pairs| context.0.iter().for_each(|(key, value)| pairs.string(key, value)));
    }
}

pub fn record_text(record: &mut Object<'_>, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        record.string(name, text);
    }
}

fn record_flag(record: &mut Object<'_>, name: &str, flag: Option<bool>) {
    if let Some(flag) = flag {
        record.boolean(name, flag);
    }
}

fn record_number(record: &mut Object<'_>, name: &str, number: Option<u16>) {
    if let Some(number) = number {
        record.number(name, number.into());
    }
}
