//! `GetContextKeysForCustomPolicy`: the condition keys that given policies ask for.

use super::context_keys::{self, ContextKeys};
use crate::iam::record;
use crate::operation::{Failure, On, Operation, Outcome, Own, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::iam::{PolicyDocument, PolicyInputs};

/// The operation.
#[derive(Debug)]
pub struct GetContextKeysForCustomPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required policies: PolicyInputs = "PolicyInputList",
    }
}

impl Operation for GetContextKeysForCustomPolicy {
    const NAME: &'static str = "GetContextKeysForCustomPolicy";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ContextKeys;
    type Subject = Own;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::texts(record, "policyInputList", input.policies.0.iter().map(PolicyDocument::as_str));
    }

    async fn resolve(_: &Input, _: &Scene<'_>) -> Result<Own, Failure> {
        Ok(Own)
    }

    fn permissions<'a>(_: &Input, _: &'a Own) -> Vec<Permission<'a>> {
        vec![Permission { action: "iam:GetContextKeysForCustomPolicy", on: On::Account }]
    }

    async fn execute(
        input: &Input,
        _: &Authorized<Own>,
        _: &Scene<'_>,
    ) -> Result<Outcome<ContextKeys>, Failure> {
        let texts = input.policies.0.iter().map(PolicyDocument::as_str);
        Ok(Outcome::of(context_keys::of(texts)?))
    }
}
