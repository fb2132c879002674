//! `GetContextKeysForPrincipalPolicy`: the condition keys that the policies of a user, a group or a role ask for.

use super::SoughtSource;
use super::context_keys::{self, ContextKeys};
use crate::iam::record;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::iam::{Arn, PolicyDocument, PolicyInputs};

/// The operation.
#[derive(Debug)]
pub struct GetContextKeysForPrincipalPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required source: Arn = "PolicySourceArn",
        optional policies: PolicyInputs = "PolicyInputList",
    }
}

impl Operation for GetContextKeysForPrincipalPolicy {
    const NAME: &'static str = "GetContextKeysForPrincipalPolicy";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ContextKeys;
    type Subject = SoughtSource;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("policySourceArn", input.source.as_str());
        let policies = input.policies.iter().flat_map(|policies| &policies.0);
        record::texts(record, "policyInputList", policies.map(PolicyDocument::as_str));
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtSource, Failure> {
        scene.sought_source(&input.source).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtSource) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:GetContextKeysForPrincipalPolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtSource>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<ContextKeys>, Failure> {
        let own = subject.texts(scene).await?;
        let given = input.policies.iter().flat_map(|policies| &policies.0);
        let texts = own.iter().map(String::as_str).chain(given.map(PolicyDocument::as_str));
        Ok(Outcome::of(context_keys::of(texts)?))
    }
}
