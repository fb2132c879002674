//! No body may make the reader of requests panic, and what it refuses it refuses with one of two errors. What names a key is
//! written as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::arn::KeyReference;
use wire::member::{
    AliasName, EncryptionContext, GrantTokens, KeyIdText, Limit, Plaintext, RecipientInfo, TagKeys, Tags,
};
use wire::{FaultKind, Input as _, is_json};

wire::input! {
    /// One member of every kind.
    pub struct Everything {
        required key_id: KeyIdText = "KeyId",
        optional alias_name: AliasName = "AliasName",
        optional plaintext: Plaintext = "Plaintext",
        optional algorithm: keys::EncryptionAlgorithm = "EncryptionAlgorithm",
        optional context: EncryptionContext = "EncryptionContext",
        optional grant_tokens: GrantTokens = "GrantTokens",
        optional limit: Limit = "Limit",
        optional dry_run: bool = "DryRun",
        optional recipient: RecipientInfo = "Recipient",
        optional tags: Tags = "Tags",
        optional tag_keys: TagKeys = "TagKeys",
    }
}

fuzz_target!(|body: &[u8]| {
    match Everything::parse(body) {
        Ok(input) => {
            assert!(is_json(body));
            same_again(input.key_id.as_str());
        }
        Err(fault) => assert!(matches!(fault.kind(), FaultKind::Serialization | FaultKind::Validation)),
    }
});

fn same_again(text: &str) {
    match text.parse() {
        Ok(KeyReference::Arn(arn)) => assert_eq!(arn.to_string(), text),
        Ok(KeyReference::AliasArn(arn)) => assert_eq!(arn.to_string(), text),
        Ok(KeyReference::Id(id)) => assert_eq!(id.to_string(), text),
        Ok(KeyReference::Alias(name)) => assert_eq!(&*name, text),
        Err(_) => {}
    }
}
