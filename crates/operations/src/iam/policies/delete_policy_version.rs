//! `DeletePolicyVersion`: deletes a version of a managed policy that is not in force.

use super::SoughtPolicy;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::ManagedPolicy;
use keys::KeyStates;
use wire::member::iam::{Arn, PolicyVersionId};
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct DeletePolicyVersion;

wire::input! {
    /// What it takes.
    pub struct Input {
        required policy_arn: Arn = "PolicyArn",
        required version_id: PolicyVersionId = "VersionId",
    }
}

impl Operation for DeletePolicyVersion {
    const NAME: &'static str = "DeletePolicyVersion";
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
        vec![subject.permission("iam:DeletePolicyVersion")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtPolicy>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let old = subject.own()?;
        let number = subject.version_number(&input.version_id)?;
        if number == old.default {
            return Err(Fault::new(FaultKind::DeleteConflict, DEFAULT).into());
        }
        let mut policy = ManagedPolicy::clone(old);
        policy.versions.retain(|version| version.number != number);
        scene.commit(subject, scene.changes().replace(old, &policy)).await?;
        Ok(Outcome::of(()))
    }
}

const DEFAULT: &str = "Cannot delete the default version of a policy.";
