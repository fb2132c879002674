//! `DeleteGroupPolicy`: deletes a group's own policy.

use crate::iam::{entity::Sought, holder};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Group;
use keys::KeyStates;
use wire::member::iam::{GroupName, PolicyName};

/// The operation.
#[derive(Debug)]
pub struct DeleteGroupPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required group_name: GroupName = "GroupName",
        required policy_name: PolicyName = "PolicyName",
    }
}

impl Operation for DeleteGroupPolicy {
    const NAME: &'static str = "DeleteGroupPolicy";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<Group>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("groupName", input.group_name.as_str());
        record.string("policyName", input.policy_name.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Group>, Failure> {
        scene.sought(input.group_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Group>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:DeleteGroupPolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Group>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        holder::delete_inline(subject, &input.policy_name, scene).await
    }
}
