//! `DeleteUserPolicy`: deletes a user's own policy.

use crate::iam::{entity::Sought, holder};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::User;
use keys::KeyStates;
use wire::member::iam::{ExistingUserName, PolicyName};

/// The operation.
#[derive(Debug)]
pub struct DeleteUserPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required user_name: ExistingUserName = "UserName",
        required policy_name: PolicyName = "PolicyName",
    }
}

impl Operation for DeleteUserPolicy {
    const NAME: &'static str = "DeleteUserPolicy";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<User>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("userName", input.user_name.as_str());
        record.string("policyName", input.policy_name.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<User>, Failure> {
        scene.sought(input.user_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<User>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:DeleteUserPolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<User>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        holder::delete_inline(subject, &input.policy_name, scene).await
    }
}
