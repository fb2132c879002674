//! `AttachGroupPolicy`: attaches a managed policy to a group.

use crate::Fact;
use crate::iam::{entity::Sought, holder};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Group;
use keys::KeyStates;
use wire::member::iam::{Arn, GroupName};

/// The operation.
#[derive(Debug)]
pub struct AttachGroupPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required group_name: GroupName = "GroupName",
        required policy_arn: Arn = "PolicyArn",
    }
}

impl Operation for AttachGroupPolicy {
    const NAME: &'static str = "AttachGroupPolicy";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<Group>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("groupName", input.group_name.as_str());
        record.string("policyArn", input.policy_arn.as_str());
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        holder::policy_facts(&input.policy_arn)
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Group>, Failure> {
        scene.sought(input.group_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Group>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:AttachGroupPolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Group>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        holder::attach(subject, &input.policy_arn, scene).await
    }
}
