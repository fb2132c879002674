//! `ListKeyPolicies`: the names of a key's policies, of which there is one.

use super::DEFAULT;
use crate::kms::{pages, record_number, record_text};
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::Fault;
use wire::member::{KeyIdText, Limit, Marker};

/// The operation.
#[derive(Debug)]
pub struct ListKeyPolicies;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        optional limit: Limit = "Limit",
        optional marker: Marker = "Marker",
    }
}

wire::output! {
    /// What it answers. The list has one page, so that there is never a next one.
    pub struct Answer {
        required policy_names: [&'static str; 1] = "PolicyNames",
        optional next_marker: String = "NextMarker",
        required truncated: bool = "Truncated",
    }
}

impl Operation for ListKeyPolicies {
    const NAME: &'static str = "ListKeyPolicies";
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

    fn fit(input: &Input, _: &NamedKey) -> Result<(), Fault> {
        input.marker.as_ref().map_or(Ok(()), |_| Err(pages::invalid_marker()))
    }

    async fn execute(_: &Input, _: &Authorized<NamedKey>, _: &Scene<'_>) -> Result<Outcome<Answer>, Failure> {
        Ok(Outcome::of(Answer { policy_names: [DEFAULT], next_marker: None, truncated: false }))
    }
}

const PERMISSION: &str = "kms:ListKeyPolicies";
