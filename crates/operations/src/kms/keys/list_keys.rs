//! `ListKeys`: the ids and ARNs of the account's keys in the region, in every state.

use crate::kms::pages;
use crate::kms::{record_number, record_text};
use crate::operation::{Failure, On, Operation, Outcome, Own, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Page;
use keys::{KeyId, KeyStates};
use wire::arn::KeyArn;
use wire::member::{Limit, Marker, ResourceOwner, ResourceOwners};

/// The operation.
#[derive(Debug)]
pub struct ListKeys;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional limit: Limit = "Limit",
        optional marker: Marker = "Marker",
        optional resource_owners: ResourceOwners = "ResourceOwners",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required keys: Vec<Entry> = "Keys",
        optional next_marker: String = "NextMarker",
        required truncated: bool = "Truncated",
    }
}

wire::output! {
    /// A key in the list.
    pub struct Entry {
        required key_id: KeyId = "KeyId",
        required arn: KeyArn = "KeyArn",
    }
}

impl Operation for ListKeys {
    const NAME: &'static str = "ListKeys";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Own;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record_number(record, "limit", input.limit.map(Limit::value));
        record_text(record, "marker", input.marker.as_ref().map(Marker::as_str));
        if let Some(owners) = &input.resource_owners {
            record
                .array("resourceOwners", |list| owners.0.iter().for_each(|owner| list.string(owner.name())));
        }
    }

    async fn resolve(_: &Input, _: &Scene<'_>) -> Result<Own, Failure> {
        Ok(Own)
    }

    fn permissions<'a>(_: &Input, _: &'a Own) -> Vec<Permission<'a>> {
        vec![Permission { action: "kms:ListKeys", on: On::Account }]
    }

    async fn execute(
        input: &Input,
        _: &Authorized<Own>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let page = page(input, scene).await?;
        let entry = |key_id: &KeyId| Entry { key_id: *key_id, arn: scene.own_key_arn(*key_id) };
        Ok(Outcome::of(Answer {
            keys: page.entries.iter().map(entry).collect(),
            next_marker: pages::marker(LIST, page.next.as_deref()),
            truncated: page.next.is_some(),
        }))
    }
}

async fn page(input: &Input, scene: &Scene<'_>) -> Result<Page<KeyId>, Failure> {
    let after = pages::after(LIST, input.marker.as_ref())?;
    // Nothing is shared by other accounts here, so without the caller's own keys nothing is left.
    if input.resource_owners.as_ref().is_some_and(|owners| !owners.0.contains(&ResourceOwner::SelfOwned)) {
        return Ok(Page { entries: Vec::new(), next: None });
    }
    let limit = pages::limit(input.limit, 100, 1000);
    Ok(scene.reader().key_ids(&scene.world(), after, limit).await?)
}

const LIST: &str = "keys";
