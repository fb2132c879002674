//! `ListAttachedUserPolicies`: the managed policies that are attached to a user.

use crate::iam::{entity::Sought, holder, holder::AttachedPolicy, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::User;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{Marker, MaxItems, PolicyPath, UserName};

/// The operation.
#[derive(Debug)]
pub struct ListAttachedUserPolicies;

wire::input! {
    /// What it takes.
    pub struct Input {
        required user_name: UserName = "UserName",
        optional path_prefix: PolicyPath = "PathPrefix",
        optional marker: Marker = "Marker",
        optional max_items: MaxItems = "MaxItems",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required policies: Members<AttachedPolicy> = "AttachedPolicies",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for ListAttachedUserPolicies {
    const NAME: &'static str = "ListAttachedUserPolicies";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<User>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("userName", input.user_name.as_str());
        record::text(record, "pathPrefix", input.path_prefix.as_ref().map(PolicyPath::as_str));
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<User>, Failure> {
        scene.sought(input.user_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<User>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListAttachedUserPolicies")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<User>>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let prefix = input.path_prefix.as_ref();
        let page = holder::attached(&***subject.found()?, prefix, input.marker.as_ref(), input.max_items)?;
        let is_truncated = page.is_truncated();
        Ok(Outcome::of(Answer { policies: Members(page.entries), is_truncated, marker: page.marker }))
    }
}
