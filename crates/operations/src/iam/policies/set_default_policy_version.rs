//! `SetDefaultPolicyVersion`: puts a version of a managed policy into force, for all that have the policy.

use super::SoughtPolicy;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::ManagedPolicy;
use keys::KeyStates;
use wire::member::iam::{Arn, PolicyVersionId};

/// The operation.
#[derive(Debug)]
pub struct SetDefaultPolicyVersion;

wire::input! {
    /// What it takes.
    pub struct Input {
        required policy_arn: Arn = "PolicyArn",
        required version_id: PolicyVersionId = "VersionId",
    }
}

impl Operation for SetDefaultPolicyVersion {
    const NAME: &'static str = "SetDefaultPolicyVersion";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = SoughtPolicy;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("policyArn", input.policy_arn.as_str());
        record.string("versionId", input.version_id.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtPolicy, Failure> {
        scene.sought_policy(&input.policy_arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtPolicy) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:SetDefaultPolicyVersion")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtPolicy>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = subject.own()?;
        let default = subject.version_number(&input.version_id)?;
        let policy = ManagedPolicy { default, updated: scene.now, ..ManagedPolicy::clone(old) };
        scene.commit(subject, scene.changes().replace(old, &policy)).await?;
        Ok(Outcome::of(()))
    }
}
