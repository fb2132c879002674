//! `AttachUserPolicy`: attaches a managed policy to a user.

use crate::Fact;
use crate::iam::{entity::Sought, holder};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::User;
use keys::KeyStates;
use wire::member::iam::{Arn, UserName};

/// The operation.
#[derive(Debug)]
pub struct AttachUserPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required user_name: UserName = "UserName",
        required policy_arn: Arn = "PolicyArn",
    }
}

impl Operation for AttachUserPolicy {
    const NAME: &'static str = "AttachUserPolicy";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<User>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("userName", input.user_name.as_str());
        record.string("policyArn", input.policy_arn.as_str());
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        holder::policy_facts(&input.policy_arn)
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<User>, Failure> {
        scene.sought(input.user_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<User>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:AttachUserPolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<User>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        holder::attach(subject, &input.policy_arn, scene).await
    }
}
