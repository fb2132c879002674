//! `ListUserPolicies`: the names of a user's own policies.

use crate::iam::{entity::Sought, holder, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::User;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{ExistingUserName, Marker, MaxItems};

/// The operation.
#[derive(Debug)]
pub struct ListUserPolicies;

wire::input! {
    /// What it takes.
    pub struct Input {
        required user_name: ExistingUserName = "UserName",
        optional marker: Marker = "Marker",
        optional max_items: MaxItems = "MaxItems",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required policy_names: Members<String> = "PolicyNames",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for ListUserPolicies {
    const NAME: &'static str = "ListUserPolicies";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<User>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("userName", input.user_name.as_str());
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<User>, Failure> {
        scene.sought(input.user_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<User>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListUserPolicies")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<User>>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let page = holder::inline_names(&***subject.found()?, input.marker.as_ref(), input.max_items)?;
        let is_truncated = page.is_truncated();
        Ok(Outcome::of(Answer { policy_names: Members(page.entries), is_truncated, marker: page.marker }))
    }
}
