//! `DeletePolicy`: deletes a managed policy that nobody uses and that has one version.

use super::{SoughtPolicy, Usage};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::iam::Arn;
use wire::{Fault, FaultKind};

/// The operation.
#[derive(Debug)]
pub struct DeletePolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required policy_arn: Arn = "PolicyArn",
    }
}

impl Operation for DeletePolicy {
    const NAME: &'static str = "DeletePolicy";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = SoughtPolicy;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("policyArn", input.policy_arn.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtPolicy, Failure> {
        scene.sought_policy(&input.policy_arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtPolicy) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:DeletePolicy")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<SoughtPolicy>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let policy = subject.own()?;
        if Usage::of(subject.arn(), scene).await?.is_some() {
            return Err(Fault::new(FaultKind::DeleteConflict, ATTACHED).into());
        }
        if policy.versions.len() > 1 {
            return Err(Fault::new(FaultKind::DeleteConflict, MORE_VERSIONS).into());
        }
        // Whoever begins to use it writes its record again, and so one of the two is tried again.
        scene.commit(subject, scene.changes().delete(policy)).await?;
        Ok(Outcome::of(()))
    }
}

const ATTACHED: &str = "Cannot delete a policy attached to entities.";
const MORE_VERSIONS: &str = "This policy has more than one version. Before you delete a policy, you must delete the \
                             policy's versions. The default version is deleted with the policy.";
