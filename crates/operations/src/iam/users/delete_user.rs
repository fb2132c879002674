//! `DeleteUser`: deletes a user who has nothing left.

use crate::iam::{
    entity::{Sought, delete_conflict},
    holder,
};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::User;
use keys::KeyStates;
use wire::member::iam::ExistingUserName;

/// The operation.
#[derive(Debug)]
pub struct DeleteUser;

wire::input! {
    /// What it takes.
    pub struct Input {
        required user_name: ExistingUserName = "UserName",
    }
}

impl Operation for DeleteUser {
    const NAME: &'static str = "DeleteUser";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<User>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("userName", input.user_name.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<User>, Failure> {
        scene.sought(input.user_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<User>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:DeleteUser")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<Sought<User>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let user = subject.found()?;
        if !user.groups.is_empty() {
            return Err(delete_conflict("remove users from group").into());
        }
        if !user.access_keys.is_empty() {
            return Err(delete_conflict("delete access keys").into());
        }
        holder::check_without_policies(&***user)?;
        scene.commit(subject, scene.changes().delete(user)).await?;
        Ok(Outcome::of(()))
    }
}
