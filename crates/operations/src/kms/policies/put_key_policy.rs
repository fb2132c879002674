//! `PutKeyPolicy`: gives a key another key policy.

use super::{KeyPolicy, check_name};
use crate::Fact;
use crate::kms::{key_element, record_flag};
use crate::operation::{Failure, NamedKey, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Naming, PolicyHolder, Scene};
use access::ConditionKey;
use audit::json::Object;
use keys::{Key, KeyStates};
use wire::Fault;
use wire::member::{KeyIdText, PolicyName, PolicyText};

/// The operation.
#[derive(Debug)]
pub struct PutKeyPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required key_id: KeyIdText = "KeyId",
        optional policy_name: PolicyName = "PolicyName",
        required policy: PolicyText = "Policy",
        optional bypass_lockout_check: bool = "BypassPolicyLockoutSafetyCheck",
    }
}

impl Operation for PutKeyPolicy {
    const NAME: &'static str = "PutKeyPolicy";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = NamedKey;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("keyId", input.key_id.as_str());
        record.string("policyName", input.policy_name.as_ref().map_or(super::DEFAULT, PolicyName::as_str));
        record.string("policy", input.policy.as_str());
        record_flag(record, "bypassPolicyLockoutSafetyCheck", Some(input.bypass_lockout_check == Some(true)));
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        let bypass = input.bypass_lockout_check == Some(true);
        vec![Fact::flag(ConditionKey::KmsBypassPolicyLockoutSafetyCheck, bypass)]
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
        input: &Input,
        subject: &Authorized<NamedKey>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let holder = PolicyHolder::Existing(subject);
        let policy = KeyPolicy::accept(&input.policy, holder, input.bypass_lockout_check, scene).await?;
        let KeyPolicy { text, principals } = policy;
        let governed = Key { policy: Some(text), policy_principals: principals, ..Key::clone(&subject.key) };
        scene.commit(subject, scene.changes().replace_key(&subject.key, &governed)).await?;
        Ok(Outcome::of(()).with_elements(key_element(subject)))
    }
}

const PERMISSION: &str = "kms:PutKeyPolicy";
