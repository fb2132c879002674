//! `UpdateRole`: changes what a role is said to be and how long its sessions may last.

use crate::iam::entity::Sought;
use crate::iam::record;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Role;
use keys::KeyStates;
use wire::member::iam::{MaxSessionDuration, RoleDescription, RoleName};

/// The operation.
#[derive(Debug)]
pub struct UpdateRole;

wire::input! {
    /// What it takes.
    pub struct Input {
        required role_name: RoleName = "RoleName",
        optional description: RoleDescription = "Description",
        optional max_session_duration: MaxSessionDuration = "MaxSessionDuration",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {}
}

impl Operation for UpdateRole {
    const NAME: &'static str = "UpdateRole";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<Role>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("roleName", input.role_name.as_str());
        record::text(record, "description", input.description.as_ref().map(RoleDescription::as_str));
        if let Some(duration) = input.max_session_duration {
            record.number("maxSessionDuration", duration.value().into());
        }
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Role>, Failure> {
        scene.sought(input.role_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Role>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:UpdateRole")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Role>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let old = subject.found()?;
        let mut role = Role::clone(old);
        if let Some(description) = &input.description {
            description.as_str().clone_into(&mut role.description);
        }
        if let Some(duration) = input.max_session_duration {
            role.max_session_seconds = duration.value();
        }
        scene.commit(subject, scene.changes().replace(old, &role)).await?;
        Ok(Outcome::of(Answer {}))
    }
}
