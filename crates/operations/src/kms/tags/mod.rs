//! Tags of keys.

mod list_resource_tags;
mod tag_resource;
mod untag_resource;

pub use list_resource_tags::ListResourceTags;
pub use tag_resource::TagResource;
pub use untag_resource::UntagResource;

use audit::json::Object;
use keys::{InvalidTags, Tag};
use wire::{Fault, FaultKind, member};

/// The tags of a request.
pub fn tags_of(tags: &member::Tags) -> Vec<Tag> {
    let tag = |tag: &member::Tag| Tag { key: tag.key.as_str().into(), value: tag.value.as_str().into() };
    tags.0.iter().map(tag).collect()
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
