//! `ListInstanceProfilesForRole`: nothing: no role has an instance profile here. Terraform asks before it deletes a role.

use crate::iam::entity::Sought;
use crate::iam::record;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Role;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{Marker, MaxItems, RoleName};

/// The operation.
#[derive(Debug)]
pub struct ListInstanceProfilesForRole;

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
        required instance_profiles: Members<String> = "InstanceProfiles",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for ListInstanceProfilesForRole {
    const NAME: &'static str = "ListInstanceProfilesForRole";
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
        vec![subject.permission("iam:ListInstanceProfilesForRole")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<Sought<Role>>,
        _: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        subject.found()?;
        Ok(Outcome::of(Answer { instance_profiles: Members(Vec::new()), is_truncated: false, marker: None }))
    }
}
