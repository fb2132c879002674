//! `GetRolePolicy`: shows a policy of a role's own.

use crate::iam::entity::Sought;
use crate::iam::holder;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Role;
use keys::KeyStates;
use wire::UrlEncoded;
use wire::member::iam::{PolicyName, RoleName};

/// The operation.
#[derive(Debug)]
pub struct GetRolePolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required role_name: RoleName = "RoleName",
        required policy_name: PolicyName = "PolicyName",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required role_name: String = "RoleName",
        required policy_name: String = "PolicyName",
        required document: UrlEncoded = "PolicyDocument",
    }
}

impl Operation for GetRolePolicy {
    const NAME: &'static str = "GetRolePolicy";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<Role>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("roleName", input.role_name.as_str());
        record.string("policyName", input.policy_name.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Role>, Failure> {
        scene.sought(input.role_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Role>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:GetRolePolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Role>>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let role = subject.found()?;
        let (policy_name, document) = holder::inline(&***role, &input.policy_name)?;
        Ok(Outcome::of(Answer { role_name: role.name.clone(), policy_name, document }))
    }
}
