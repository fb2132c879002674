//! `ListAttachedRolePolicies`: the managed policies that are attached to a role.

use crate::iam::entity::Sought;
use crate::iam::holder::{self, AttachedPolicy};
use crate::iam::record;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Role;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{Marker, MaxItems, PolicyPath, RoleName};

/// The operation.
#[derive(Debug)]
pub struct ListAttachedRolePolicies;

wire::input! {
    /// What it takes.
    pub struct Input {
        required role_name: RoleName = "RoleName",
        optional path_prefix: PolicyPath = "PathPrefix",
        optional marker: Marker = "Marker",
        optional max_items: MaxItems = "MaxItems",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required attached: Members<AttachedPolicy> = "AttachedPolicies",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for ListAttachedRolePolicies {
    const NAME: &'static str = "ListAttachedRolePolicies";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<Role>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("roleName", input.role_name.as_str());
        record::text(record, "pathPrefix", input.path_prefix.as_ref().map(PolicyPath::as_str));
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Role>, Failure> {
        scene.sought(input.role_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Role>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListAttachedRolePolicies")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Role>>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let (marker, max_items) = (input.marker.as_ref(), input.max_items);
        let page = holder::attached(&***subject.found()?, input.path_prefix.as_ref(), marker, max_items)?;
        let (is_truncated, marker) = (page.is_truncated(), page.marker);
        Ok(Outcome::of(Answer { attached: Members(page.entries), is_truncated, marker }))
    }
}
