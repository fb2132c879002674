//! `ListAttachedGroupPolicies`: the managed policies that are attached to a group.

use crate::iam::{entity::Sought, holder, holder::AttachedPolicy, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Group;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{GroupName, Marker, MaxItems, PolicyPath};

/// The operation.
#[derive(Debug)]
pub struct ListAttachedGroupPolicies;

wire::input! {
    /// What it takes.
    pub struct Input {
        required group_name: GroupName = "GroupName",
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

impl Operation for ListAttachedGroupPolicies {
    const NAME: &'static str = "ListAttachedGroupPolicies";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<Group>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("groupName", input.group_name.as_str());
        record::text(record, "pathPrefix", input.path_prefix.as_ref().map(PolicyPath::as_str));
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Group>, Failure> {
        scene.sought(input.group_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Group>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListAttachedGroupPolicies")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Group>>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let prefix = input.path_prefix.as_ref();
        let page = holder::attached(&***subject.found()?, prefix, input.marker.as_ref(), input.max_items)?;
        let is_truncated = page.is_truncated();
        Ok(Outcome::of(Answer { policies: Members(page.entries), is_truncated, marker: page.marker }))
    }
}
