//! `GetPolicyVersion`: shows a version of a managed policy with its text.

use super::{SoughtPolicy, VersionElement};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::iam::{Arn, PolicyVersionId};

/// The operation.
#[derive(Debug)]
pub struct GetPolicyVersion;

wire::input! {
    /// What it takes.
    pub struct Input {
        required policy_arn: Arn = "PolicyArn",
        required version_id: PolicyVersionId = "VersionId",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required version: VersionElement = "PolicyVersion",
    }
}

impl Operation for GetPolicyVersion {
    const NAME: &'static str = "GetPolicyVersion";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = SoughtPolicy;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("policyArn", input.policy_arn.as_str());
        record.string("versionId", input.version_id.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtPolicy, Failure> {
        scene.sought_policy(&input.policy_arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtPolicy) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:GetPolicyVersion")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<SoughtPolicy>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let versions = subject.found()?.versions();
        let version = versions.into_iter().find(|version| version.version_id == input.version_id.as_str());
        let version = version.ok_or_else(|| subject.no_such_version(&input.version_id))?;
        Ok(Outcome::of(Answer { version }))
    }
}
