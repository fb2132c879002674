//! `GetUserPolicy`: the text of a user's own policy.

use crate::iam::{entity::Sought, holder};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::User;
use keys::KeyStates;
use wire::UrlEncoded;
use wire::member::iam::{ExistingUserName, PolicyName};

/// The operation.
#[derive(Debug)]
pub struct GetUserPolicy;

wire::input! {
    /// What it takes.
    pub struct Input {
        required user_name: ExistingUserName = "UserName",
        required policy_name: PolicyName = "PolicyName",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required user_name: String = "UserName",
        required policy_name: String = "PolicyName",
        required policy_document: UrlEncoded = "PolicyDocument",
    }
}

impl Operation for GetUserPolicy {
    const NAME: &'static str = "GetUserPolicy";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<User>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("userName", input.user_name.as_str());
        record.string("policyName", input.policy_name.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<User>, Failure> {
        scene.sought(input.user_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<User>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:GetUserPolicy")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<User>>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let user = subject.found()?;
        let (policy_name, policy_document) = holder::inline(&***user, &input.policy_name)?;
        Ok(Outcome::of(Answer { user_name: user.name.clone(), policy_name, policy_document }))
    }
}
