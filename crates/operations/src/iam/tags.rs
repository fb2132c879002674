//! Tags of users, roles, policies and providers. Their keys compare without case, unlike those of KMS keys.

use crate::Fact;
use access::ConditionKey;
use keys::{InvalidTags, Tag, Tags};
use std::borrow::Cow;
use std::collections::HashSet;
use wire::member::iam;
use wire::{Fault, FaultKind, Members};

wire::output! {
    /// A tag in an answer.
    pub struct TagElement {
        required key: String = "Key",
        required value: String = "Value",
    }
}

/// The tags with others put on. A key that differs only in case is the same key and is then written as last given.
pub fn with(tags: &Tags, new: &iam::Tags) -> Result<Tags, Fault> {
    let mut keys = HashSet::new();
    if !new.0.iter().all(|tag| keys.insert(tag.key.as_str().to_lowercase())) {
        return Err(Fault::new(FaultKind::InvalidInput, DUPLICATE));
    }
    let tag = |tag: &iam::Tag| Tag { key: tag.key.as_str().into(), value: tag.value.as_str().into() };
    let others = without_keys(tags, &keys)?;
    others.with(new.0.iter().map(tag).collect()).map_err(|invalid| fault(&invalid))
}

/// The tags of something new.
pub fn of(new: Option<&iam::Tags>) -> Result<Tags, Fault> {
    new.map_or_else(|| Ok(Tags::default()), |new| with(&Tags::default(), new))
}

/// The tags without those of the given keys; keys that are not there are passed over.
pub fn without(tags: &Tags, keys: &iam::TagKeys) -> Result<Tags, Fault> {
    without_keys(tags, &keys.0.iter().map(|key| key.as_str().to_lowercase()).collect())
}

fn without_keys(tags: &Tags, keys: &HashSet<String>) -> Result<Tags, Fault> {
    let gone = tags.iter().map(|tag| tag.key.as_str()).filter(|key| keys.contains(&key.to_lowercase()));
    tags.without(gone).map_err(|invalid| fault(&invalid))
}

/// Tags as an answer shows them, if there are any.
pub fn elements(tags: &Tags) -> Option<Members<TagElement>> {
    let elements: Members<TagElement> = tags.iter().map(element).collect();
    (!elements.0.is_empty()).then_some(elements)
}

/// A tag as an answer shows it.
pub fn element(tag: &Tag) -> TagElement {
    TagElement { key: tag.key.clone(), value: tag.value.clone() }
}

/// What conditions may look at in a request that brings tags along.
pub fn facts(tags: Option<&iam::Tags>) -> Vec<Fact<'_>> {
    let Some(tags) = tags else { return Vec::new() };
    let pair = |tag: &iam::Tag| (tag.key.as_str().to_owned(), tag.value.as_str().to_owned());
    let names = tags.0.iter().map(|tag| Cow::Borrowed(tag.key.as_str()));
    vec![
        Fact::made_pairs(ConditionKey::RequestTag, tags.0.iter().map(pair).collect()),
        Fact::texts(ConditionKey::TagKeys, names),
    ]
}

/// What conditions may look at in a request that takes tags off.
pub fn key_facts(keys: &iam::TagKeys) -> Vec<Fact<'_>> {
    vec![Fact::texts(ConditionKey::TagKeys, keys.0.iter().map(|key| Cow::Borrowed(key.as_str())))]
}

fn fault(invalid: &InvalidTags) -> Fault {
    match invalid {
        InvalidTags::TooMany => Fault::new(FaultKind::LimitExceeded, TOO_MANY),
        _ => Fault::new(FaultKind::InvalidInput, format!("{invalid}.")),
    }
}

const DUPLICATE: &str = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
const TOO_MANY: &str = "The number of tags has reached the maximum limit.";

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Input as _;
    use wire::query::Form;

    wire::input! {
        /// Tags.
        pub struct Input {
            required tags: iam::Tags = "Tags",
        }
    }

    fn given(tags: &[(&str, &str)]) -> iam::Tags {
        let member = |(index, (key, value)): (usize, &(&str, &str))| {
            format!("Tags.member.{0}.Key={key}&Tags.member.{0}.Value={value}", index + 1)
        };
        let form: Vec<String> = tags.iter().enumerate().map(member).collect();
        Input::parse_query(&Form::parse(form.join("&").as_bytes()).unwrap()).unwrap().tags
    }

    fn shown(tags: &Tags) -> Vec<(&str, &str)> {
        tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect()
    }

    #[test]
    fn a_key_that_differs_in_case_is_the_same_key() {
        let tags = of(Some(&given(&[("Team", "red"), ("Cost", "1")]))).unwrap();
        let tags = with(&tags, &given(&[("team", "blue")])).unwrap();
        assert_eq!(shown(&tags), [("Cost", "1"), ("team", "blue")]);
        assert_eq!(with(&tags, &given(&[("a", ""), ("A", "")])).unwrap_err().message(), Some(DUPLICATE));
    }

    #[test]
    fn more_than_fifty_tags_and_reserved_keys_are_refused() {
        let named: Vec<String> = (0..50).map(|number| number.to_string()).collect();
        let fifty: Vec<(&str, &str)> = named.iter().map(|name| (name.as_str(), "")).collect();
        let tags = of(Some(&given(&fifty))).unwrap();
        assert_eq!(with(&tags, &given(&[("one more", "")])).unwrap_err().kind(), FaultKind::LimitExceeded);
        assert_eq!(of(Some(&given(&[("aws:x", "")]))).unwrap_err().kind(), FaultKind::InvalidInput);
        assert!(with(&tags, &given(&[("7", "new")])).is_ok());
    }
}
