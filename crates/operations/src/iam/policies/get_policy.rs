//! `GetPolicy`: shows a managed policy without its text.

use super::{PolicyElement, SoughtPolicy};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::iam::Arn;

/// The operation.
#[derive(Debug)]
pub struct GetPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required policy_arn: Arn = "PolicyArn",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required policy: PolicyElement = "Policy",
    }
}

impl Operation for GetPolicy {
    const NAME: &'static str = "GetPolicy";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = SoughtPolicy;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("policyArn", input.policy_arn.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<SoughtPolicy, Failure> {
        scene.sought_policy(&input.policy_arn).await
    }

    fn permissions<'a>(_: &Input, subject: &'a SoughtPolicy) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:GetPolicy")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<SoughtPolicy>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        Ok(Outcome::of(Answer { policy: subject.found()?.element(scene).await? }))
    }
}
