//! Tags of keys.

mod list_resource_tags;
mod tag_resource;
mod untag_resource;

pub use list_resource_tags::ListResourceTags;
pub use tag_resource::TagResource;
pub use untag_resource::UntagResource;

use crate::Fact;
use access::ConditionKey;
use audit::json::Object;
use keys::{InvalidTags, Tag, Tags};
use std::borrow::Cow;
use wire::{Fault, FaultKind, member};

/// The tags of a request.
pub fn tags_of(tags: &member::Tags) -> Vec<Tag> {
    let tag = |tag: &member::Tag| Tag { key: tag.key.as_str().into(), value: tag.value.as_str().into() };
    tags.0.iter().map(tag).collect()
}

/// The tags of a key that a request makes.
pub fn tags_of_new_key(tags: Option<&member::Tags>) -> Result<Tags, Fault> {
    Tags::default().with(tags.map(tags_of).unwrap_or_default()).map_err(tag_fault)
}

/// What conditions may look at in a request that brings tags along.
pub fn tag_facts(tags: &member::Tags) -> [Fact<'_>; 2] {
    let pair = |tag: &member::Tag| (tag.key.as_str().to_owned(), tag.value.as_str().to_owned());
    let names = tags.0.iter().map(|tag| Cow::Borrowed(tag.key.as_str()));
    [
        Fact::made_pairs(ConditionKey::RequestTag, tags.0.iter().map(pair).collect()),
        Fact::texts(ConditionKey::TagKeys, names),
    ]
}

/// What a caller is told of tags that a key cannot have.
pub fn tag_fault(invalid: InvalidTags) -> Fault {
    Fault::new(FaultKind::Tag, invalid.to_string())
}

/// Shows tags in a record.
pub fn record_tags(record: &mut Object<'_>, tags: &member::Tags) {
    record.array("tags", |list| {
        for tag in &tags.0 {
            list.object(|entry| {
                entry.string("tagKey", tag.key.as_str());
                entry.string("tagValue", tag.value.as_str());
            });
        }
    });
}
