//! `DeleteUserPermissionsBoundary`: lets a user go without a boundary.

use crate::iam::{entity::Sought, holder};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::User;
use keys::KeyStates;
use wire::member::iam::UserName;

/// The operation.
#[derive(Debug)]
pub struct DeleteUserPermissionsBoundary;

wire::input! {
    /// What it takes.
    pub struct Input {
        required user_name: UserName = "UserName",
    }
}

impl Operation for DeleteUserPermissionsBoundary {
    const NAME: &'static str = "DeleteUserPermissionsBoundary";
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
        vec![subject.permission("iam:DeleteUserPermissionsBoundary")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<Sought<User>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        holder::delete_boundary(subject, scene).await
    }
}
