//! `GetRole`: shows a role.

use super::{RoleElement, element};
use crate::iam::entity::Sought;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Role;
use keys::KeyStates;
use wire::member::iam::RoleName;

/// The operation.
#[derive(Debug)]
pub struct GetRole;

wire::input! {
    /// What it takes.
    pub struct Input {
        required role_name: RoleName = "RoleName",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required role: RoleElement = "Role",
    }
}

impl Operation for GetRole {
    const NAME: &'static str = "GetRole";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<Role>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("roleName", input.role_name.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Role>, Failure> {
        scene.sought(input.role_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Role>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:GetRole")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<Sought<Role>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let role = subject.found()?;
        Ok(Outcome::of(Answer { role: element(role, scene).await? }))
    }
}
