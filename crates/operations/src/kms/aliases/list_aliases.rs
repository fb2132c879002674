//! `ListAliases`: the aliases of the account in the region, or of one key.

use crate::kms::{pages, record_number, record_text};
use crate::operation::{Failure, NamedKey, On, Operation, Outcome, Permission, Subject};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use catalog::{Page, Stored};
use keys::{Alias, KeyId, KeyStates};
use std::sync::Arc;
use wire::Timestamp;
use wire::arn::AliasArn;
use wire::member::{KeyIdText, Limit, Marker};

/// The operation.
#[derive(Debug)]
pub struct ListAliases;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional key_id: KeyIdText = "KeyId",
        optional limit: Limit = "Limit",
        optional marker: Marker = "Marker",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required aliases: Vec<Entry> = "Aliases",
        optional next_marker: String = "NextMarker",
        required truncated: bool = "Truncated",
    }
}

wire::output! {
    /// An alias in the list.
    pub struct Entry {
        required name: String = "AliasName",
        required arn: AliasArn = "AliasArn",
        required target: KeyId = "TargetKeyId",
        required created: Timestamp = "CreationDate",
        required updated: Timestamp = "LastUpdatedDate",
    }
}

/// Whose aliases are listed: one key's or, without one, the account's.
#[derive(Debug)]
pub struct Listed(Option<NamedKey>);

impl Subject for Listed {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        self.0.iter()
    }
}

impl Operation for ListAliases {
    const NAME: &'static str = "ListAliases";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Listed;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record_text(record, "keyId", input.key_id.as_ref().map(KeyIdText::as_str));
        record_number(record, "limit", input.limit.map(Limit::value));
        record_text(record, "marker", input.marker.as_ref().map(Marker::as_str));
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Listed, Failure> {
        match &input.key_id {
            Some(key_id) => Ok(Listed(Some(scene.key(key_id, Naming::IdOrArn, PERMISSION).await?))),
            None => Ok(Listed(None)),
        }
    }

    /// Whichever key the list is for: its policy has no say in who may see names.
    fn permissions<'a>(_: &Input, _: &'a Listed) -> Vec<Permission<'a>> {
        vec![Permission { action: PERMISSION, on: On::Account }]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Listed>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let page = page(input, subject, scene).await?;
        let next_marker = pages::marker(LIST, page.next.as_deref());
        let entry = |alias: &Arc<Stored<Alias>>| Entry {
            name: alias.name.clone(),
            arn: scene.alias_arn(&alias.name),
            target: alias.target,
            created: Timestamp(alias.created),
            updated: Timestamp(alias.updated),
        };
        let truncated = page.next.is_some();
        Ok(Outcome::of(Answer { aliases: page.entries.iter().map(entry).collect(), next_marker, truncated }))
    }
}

async fn page(
    input: &Input,
    subject: &Listed,
    scene: &Scene<'_>,
) -> Result<Page<Arc<Stored<Alias>>>, Failure> {
    let after = pages::after(LIST, input.marker.as_ref())?;
    let limit = pages::limit(input.limit, 50, 100);
    Ok(match &subject.0 {
        Some(key) => scene.reader().aliases_of_key(&key.address(), after, limit).await?,
        None => scene.reader().aliases(&scene.world(), after, limit).await?,
    })
}

const LIST: &str = "aliases";
const PERMISSION: &str = "kms:ListAliases";
