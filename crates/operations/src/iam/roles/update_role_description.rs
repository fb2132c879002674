//! `UpdateRoleDescription`: changes what a role is said to be.

use super::{RoleElement, element};
use crate::iam::entity::Sought;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Role;
use keys::KeyStates;
use wire::member::iam::{RoleDescription, RoleName};

/// The operation.
#[derive(Debug)]
pub struct UpdateRoleDescription;

wire::input! {
    /// What it takes.
    pub struct Input {
        required role_name: RoleName = "RoleName",
        required description: RoleDescription = "Description",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required role: RoleElement = "Role",
    }
}

impl Operation for UpdateRoleDescription {
    const NAME: &'static str = "UpdateRoleDescription";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<Role>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("roleName", input.role_name.as_str());
        record.string("description", input.description.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Role>, Failure> {
        scene.sought(input.role_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Role>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:UpdateRoleDescription")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Role>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let old = subject.found()?;
        let role = Role { description: input.description.as_str().to_owned(), ..Role::clone(old) };
        scene.commit(subject, scene.changes().replace(old, &role)).await?;
        Ok(Outcome::of(Answer { role: element(&role, scene).await? }))
    }
}
