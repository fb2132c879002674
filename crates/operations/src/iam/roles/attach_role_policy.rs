//! `AttachRolePolicy`: attaches a managed policy to a role.

use crate::Fact;
use crate::iam::entity::Sought;
use crate::iam::holder;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Role;
use keys::KeyStates;
use wire::member::iam::{Arn, RoleName};

/// The operation.
#[derive(Debug)]
pub struct AttachRolePolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required role_name: RoleName = "RoleName",
        required policy_arn: Arn = "PolicyArn",
    }
}

impl Operation for AttachRolePolicy {
    const NAME: &'static str = "AttachRolePolicy";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<Role>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("roleName", input.role_name.as_str());
        record.string("policyArn", input.policy_arn.as_str());
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        holder::policy_facts(&input.policy_arn)
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Role>, Failure> {
        scene.sought(input.role_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Role>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:AttachRolePolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Role>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        holder::attach(subject, &input.policy_arn, scene).await
    }
}
