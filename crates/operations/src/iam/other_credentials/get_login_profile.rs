//! `GetLoginProfile`: the password of a user for a console, of which there is none.

use super::{Never, no_login_profile};
use crate::iam::{oneself::Oneself, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use keys::KeyStates;
use wire::member::iam::UserName;

/// The operation.
#[derive(Debug)]
pub struct GetLoginProfile;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional user_name: UserName = "UserName",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required profile: Never = "LoginProfile",
    }
}

impl Operation for GetLoginProfile {
    const NAME: &'static str = "GetLoginProfile";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Oneself;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::text(record, "userName", input.user_name.as_ref().map(UserName::as_str));
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Oneself, Failure> {
        scene.oneself(input.user_name.as_ref().map(UserName::as_str)).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Oneself) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:GetLoginProfile")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<Oneself>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        Err(no_login_profile(subject)?.into())
    }
}
