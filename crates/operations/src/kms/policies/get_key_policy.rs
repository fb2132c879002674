//! `GetKeyPolicy`: the key policy as it was given, or the default one. Principals that are gone are shown by their unique ids.

use super::{DEFAULT, check_name};
use crate::kms::record_text;
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, Scene};
use access::Policy;
use audit::json::Object;
use keys::{KeyStates, default_policy};
use wire::Fault;
use wire::member::{KeyIdText, PolicyName};

/// The operation.
#[derive(Debug)]
pub struct GetKeyPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        optional policy_name: PolicyName = "PolicyName",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required policy: String = "Policy",
        required policy_name: &'static str = "PolicyName",
    }
}

impl Operation for GetKeyPolicy {
    const NAME: &'static str = "GetKeyPolicy";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record_text(record, "policyName", input.policy_name.as_ref().map(PolicyName::as_str));
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<NamedKey, Failure> {
        scene.key(&input.key_id, Naming::IdOrArn, PERMISSION).await
    }

    fn permissions<'a>(_: &Input, subject: &'a NamedKey) -> Vec<Permission<'a>> {
        vec![subject.permission(PERMISSION)]
    }

    fn fit(input: &Input, _: &NamedKey) -> Result<(), Fault> {
        check_name(input.policy_name.as_ref())
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let key = &subject.key;
        let policy = match &key.policy {
            Some(text) => Policy::shown(text, &scene.directory().gone(&key.policy_principals).await?),
            None => default_policy(&scene.settings().partition, &key.account),
        };
        Ok(Outcome::of(Answer { policy, policy_name: DEFAULT }))
    }
}

const PERMISSION: &str = "kms:GetKeyPolicy";
