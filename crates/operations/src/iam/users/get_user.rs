//! `GetUser`: says what there is to know of a user, or of the caller itself.

use super::UserElement;
use crate::iam::{oneself::Oneself, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::iam::ExistingUserName;

/// The operation.
#[derive(Debug)]
pub struct GetUser;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional user_name: ExistingUserName = "UserName",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required user: UserElement = "User",
    }
}

impl Operation for GetUser {
    const NAME: &'static str = "GetUser";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Oneself;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::text(record, "userName", input.user_name.as_ref().map(ExistingUserName::as_str));
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Oneself, Failure> {
        scene.oneself(input.user_name.as_ref().map(ExistingUserName::as_str)).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Oneself) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:GetUser")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<Oneself>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let user = match &**subject {
            Oneself::User(user) => UserElement::of(user.found()?, scene),
            Oneself::Root(root) => UserElement::of_root(&root.arn, scene).await?,
        };
        Ok(Outcome::of(Answer { user }))
    }
}
