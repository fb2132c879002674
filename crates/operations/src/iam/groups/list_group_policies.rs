//! `ListGroupPolicies`: the names of a group's own policies.

use crate::iam::{entity::Sought, holder, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Group;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{GroupName, Marker, MaxItems};

/// The operation.
#[derive(Debug)]
pub struct ListGroupPolicies;

wire::input! {
    /// What it takes.
    pub struct Input {
        required group_name: GroupName = "GroupName",
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

impl Operation for ListGroupPolicies {
    const NAME: &'static str = "ListGroupPolicies";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<Group>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("groupName", input.group_name.as_str());
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Group>, Failure> {
        scene.sought(input.group_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Group>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListGroupPolicies")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Group>>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let page = holder::inline_names(&***subject.found()?, input.marker.as_ref(), input.max_items)?;
        let is_truncated = page.is_truncated();
        Ok(Outcome::of(Answer { policy_names: Members(page.entries), is_truncated, marker: page.marker }))
    }
}
