//! `TagResource`: puts tags on a key.

use super::{record_tags, tag_facts, tag_fault, tags_of};
use crate::Fact;
use crate::kms::key_element;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use keys::{Key, KeyStates};
use wire::member::{KeyIdText, Tags};

/// The operation.
#[derive(Debug)]
pub struct TagResource;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        required tags: Tags = "Tags",
    }
}

impl Operation for TagResource {
    const NAME: &'static str = "TagResource";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::NotAwaitingDeletion;
    type Input = Input;
    type Output = ();
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record_tags(record, &input.tags);
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        tag_facts(&input.tags).into()
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
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let tags = subject.key.tags.with(tags_of(&input.tags)).map_err(tag_fault)?;
        let tagged = Key { tags, ..Key::clone(&subject.key) };
        scene.commit(subject, scene.changes().replace_key(&subject.key, &tagged)).await?;
        Ok(Outcome::of(()).with_elements(key_element(subject)))
    }
}

const PERMISSION: &str = "kms:TagResource";
