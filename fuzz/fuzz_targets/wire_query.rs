//! No form may make the reader of the Query protocol panic, and what it refuses it refuses with one of two errors, whose XML
//! any parser can read. What is read was in the form, and goes out as text that stands for itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::member::iam::{ContextEntries, MaxItems, Path, PolicyDocument, PolicyExclusions, TagKeys, Tags, UserName};
use wire::member::sts::{PolicyDescriptors, WebIdentityToken};
use wire::member::{CiphertextBlob, EncryptionContext};
use wire::query::Form;
use wire::{FaultKind, Input as _, Members, UrlEncoded, xml};

wire::input! {
    /// One member of every kind.
    pub struct Everything {
        required user_name: UserName = "UserName",
        optional path: Path = "Path",
        optional document: PolicyDocument = "PolicyDocument",
        optional flag: bool = "Flag",
        optional max_items: MaxItems = "MaxItems",
        optional blob: CiphertextBlob = "Blob",
        optional tags: Tags = "Tags",
        optional tag_keys: TagKeys = "TagKeys",
        optional policies: PolicyDescriptors = "PolicyArns",
        optional entries: ContextEntries = "ContextEntries",
        optional exclusions: PolicyExclusions = "PolicyExclusionList",
        optional context: EncryptionContext = "Context",
        optional token: WebIdentityToken = "WebIdentityToken",
    }
}

wire::output! {
    /// Text of every kind.
    pub struct Echo {
        optional document: String = "Document",
        optional encoded: UrlEncoded = "Encoded",
        optional values: Members<String> = "Values",
    }
}

fuzz_target!(|body: &[u8]| {
    match Form::parse(body).and_then(|form| Everything::parse_query(&form)) {
        Ok(input) => {
            let document = input.document.map(PolicyDocument::into_string);
            let encoded = document.clone().map(UrlEncoded);
            let values = input.context.map(|context| Members(context.0.into_values().collect()));
            let answer = xml::answer("Echo", "namespace", &Echo { document, encoded, values }, &"id");
            well_formed(&answer.expect("text can be written"));
        }
        Err(fault) => {
            assert!(matches!(fault.kind(), FaultKind::Serialization | FaultKind::Validation));
            well_formed(&xml::fault(&fault, "namespace", &"id"));
        }
    }
});

/// Each tag is closed before the one around it, and no character is there that XML cannot hold.
fn well_formed(xml: &[u8]) {
    let xml = std::str::from_utf8(xml).expect("it is text");
    assert!(!xml.contains(|c| matches!(c, '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')));
    let mut open = Vec::new();
    for tag in xml.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'));
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap_or_default()),
        }
    }
    assert!(open.is_empty());
}
