//! `DeleteRole`: deletes a role without policies. Its sessions end with it.

use crate::iam::entity::Sought;
use crate::iam::holder;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Role;
use keys::KeyStates;
use wire::member::iam::RoleName;

/// The operation.
#[derive(Debug)]
pub struct DeleteRole;

wire::input! {
    /// What it takes.
    pub struct Input {
        required role_name: RoleName = "RoleName",
    }
}

impl Operation for DeleteRole {
    const NAME: &'static str = "DeleteRole";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<Role>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("roleName", input.role_name.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Role>, Failure> {
        scene.sought(input.role_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Role>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:DeleteRole")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<Sought<Role>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let role = subject.found()?;
        holder::check_without_policies(&***role)?;
        scene.commit(subject, scene.changes().delete(role)).await?;
        Ok(Outcome::of(()))
    }
}
