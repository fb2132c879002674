//! What the records of IAM's operations say of their requests, where several say the same.

use audit::json::Object;
use keys::Moment;
use wire::member::iam::{Marker, MaxItems, Tags};

/// Shows a text, if there is one.
pub fn text(record: &mut Object<'_>, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        record.string(name, text);
    }
}

/// Shows which page of a list is asked for.
pub fn page(record: &mut Object<'_>, marker: Option<&Marker>, max_items: Option<MaxItems>) {
    text(record, "marker", marker.map(Marker::as_str));
    if let Some(max_items) = max_items {
        record.number("maxItems", max_items.value().into());
    }
}

/// Shows tags, if there are some.
pub fn tags(record: &mut Object<'_>, tags: Option<&Tags>) {
    let Some(tags) = tags else { return };
    record.array("tags", |list| {
        for tag in &tags.0 {
            list.object(|entry| {
                entry.string("key", tag.key.as_str());
                entry.string("value", tag.value.as_str());
            });
        }
    });
}

/// Shows a list of texts.
pub fn texts<'a>(record: &mut Object<'_>, name: &str, texts: impl IntoIterator<Item = &'a str>) {
    record.array(name, |list| texts.into_iter().for_each(|text| list.string(text)));
}

/// Shows when something was made.
pub fn created(record: &mut Object<'_>, created: Moment) {
    record.string("createDate", &audit::console_time(created));
}
