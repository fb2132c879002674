//! `ListRolePolicies`: the names of a role's own policies.

use crate::iam::entity::Sought;
use crate::iam::{holder, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Role;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{Marker, MaxItems, RoleName};

/// The operation.
#[derive(Debug)]
pub struct ListRolePolicies;

wire::input! {
    /// What it takes.
    pub struct Input {
        required role_name: RoleName = "RoleName",
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

impl Operation for ListRolePolicies {
    const NAME: &'static str = "ListRolePolicies";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<Role>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("roleName", input.role_name.as_str());
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Role>, Failure> {
        scene.sought(input.role_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Role>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListRolePolicies")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Role>>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let page = holder::inline_names(&***subject.found()?, input.marker.as_ref(), input.max_items)?;
        let (is_truncated, marker) = (page.is_truncated(), page.marker);
        Ok(Outcome::of(Answer { policy_names: Members(page.entries), is_truncated, marker }))
    }
}
