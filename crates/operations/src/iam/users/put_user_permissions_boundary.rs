//! `PutUserPermissionsBoundary`: bounds what the policies of a user can permit.

use crate::Fact;
use crate::iam::{entity::Sought, holder};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::User;
use keys::KeyStates;
use wire::member::iam::{Arn, UserName};

/// The operation.
#[derive(Debug)]
pub struct PutUserPermissionsBoundary;

wire::input! {
    /// What it takes.
    pub struct Input {
        required user_name: UserName = "UserName",
        required boundary: Arn = "PermissionsBoundary",
    }
}

impl Operation for PutUserPermissionsBoundary {
    const NAME: &'static str = "PutUserPermissionsBoundary";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<User>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("userName", input.user_name.as_str());
        record.string("permissionsBoundary", input.boundary.as_str());
    }

    fn facts<'a>(input: &'a Input, _: &str) -> Vec<Fact<'a>> {
        holder::boundary_facts(Some(&input.boundary))
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<User>, Failure> {
        scene.sought(input.user_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<User>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:PutUserPermissionsBoundary")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<User>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        holder::put_boundary(subject, &input.boundary, scene).await
    }
}
