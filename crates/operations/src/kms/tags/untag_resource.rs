//! `UntagResource`: takes tags off a key.

use super::tag_fault;
use crate::Fact;
use crate::kms::key_element;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use access::ConditionKey;
use audit::json::Object;
use keys::{Key, KeyStates};
use std::borrow::Cow;
use wire::member::{KeyIdText, TagKey, TagKeys};

/// The operation.
#[derive(Debug)]
pub struct UntagResource;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        required tag_keys: TagKeys = "TagKeys",
    }
}

impl Operation for UntagResource {
    const NAME: &'static str = "UntagResource";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::NotAwaitingDeletion;
    type Input = Input;
    type Output = ();
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record.array("tagKeys", |list| input.tag_keys.0.iter().for_each(|key| list.string(key.as_str())));
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        let names = input.tag_keys.0.iter().map(|key| Cow::Borrowed(key.as_str()));
        vec![Fact::texts(ConditionKey::TagKeys, names)]
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
        let tags =
            subject.key.tags.without(input.tag_keys.0.iter().map(TagKey::as_str)).map_err(tag_fault)?;
        if tags != subject.key.tags {
            let untagged = Key { tags, ..Key::clone(&subject.key) };
            scene.commit(subject, scene.changes().replace_key(&subject.key, &untagged)).await?;
        }
        Ok(Outcome::of(()).with_elements(key_element(subject)))
    }
}

const PERMISSION: &str = "kms:UntagResource";
