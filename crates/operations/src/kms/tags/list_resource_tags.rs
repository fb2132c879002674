//! `ListResourceTags`: the tags of a key, in the order in which they were first put on it.

use crate::kms::{pages, record_number, record_text};
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::{KeyIdText, Limit, Marker};

/// The operation.
#[derive(Debug)]
pub struct ListResourceTags;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        optional limit: Limit = "Limit",
        optional marker: Marker = "Marker",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required tags: Vec<Entry> = "Tags",
        optional next_marker: String = "NextMarker",
        required truncated: bool = "Truncated",
    }
}

wire::output! {
    /// A tag in the list.
    pub struct Entry {
        required key: String = "TagKey",
        required value: String = "TagValue",
    }
}

impl Operation for ListResourceTags {
    const NAME: &'static str = "ListResourceTags";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record_number(record, "limit", input.limit.map(Limit::value));
        record_text(record, "marker", input.marker.as_ref().map(Marker::as_str));
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedKey, Failure> {
        scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<NamedKey>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let from = match pages::after(LIST, input.marker.as_ref())? {
            Some(place) => place.parse::<usize>().map_err(|_| pages::invalid_marker())?,
            None => 0,
        };
        let limit = pages::limit(input.limit, 50, 50);
        let all = subject.key.tags.iter().skip(from);
        let tags = all.take(limit).map(|tag| Entry { key: tag.key.clone(), value: tag.value.clone() });
        let next = from.saturating_add(limit);
        let truncated = subject.key.tags.iter().len() > next;
        let next_marker = pages::marker(LIST, truncated.then(|| next.to_string()).as_deref());
        Ok(Outcome::of(Answer { tags: tags.collect(), next_marker, truncated }))
    }
}

const LIST: &str = "tags";
const PERMISSION: &str = "kms:ListResourceTags";
