//! `ListRoles`: the account's roles in the order of their names, without tags and boundaries.

use super::{RoleElement, element};
use crate::iam::entity::Listed;
use crate::iam::{pages, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Role;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{Marker, MaxItems, PathPrefix};

/// The operation.
#[derive(Debug)]
pub struct ListRoles;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional path_prefix: PathPrefix = "PathPrefix",
        optional marker: Marker = "Marker",
        optional max_items: MaxItems = "MaxItems",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required roles: Members<RoleElement> = "Roles",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for ListRoles {
    const NAME: &'static str = "ListRoles";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Listed;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::text(record, "pathPrefix", input.path_prefix.as_ref().map(PathPrefix::as_str));
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Listed, Failure> {
        Ok(scene.listed::<Role>(path_prefix(input)))
    }

    fn permissions<'a>(_: &Input, subject: &'a Listed) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListRoles")]
    }

    async fn execute(
        input: &Input,
        _: &Authorized<Listed>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let keep = |role: &Role| role.path.starts_with(path_prefix(input));
        let page = pages::records(scene, keep, input.marker.as_ref(), input.max_items).await?;
        let mut roles = Vec::with_capacity(page.entries.len());
        for role in &page.entries {
            //= iam:ListRoles: does not return PermissionsBoundary and Tags
            roles.push(RoleElement { boundary: None, tags: None, ..element(role, scene).await? });
        }
        let (is_truncated, marker) = (page.is_truncated(), page.marker);
        Ok(Outcome::of(Answer { roles: Members(roles), is_truncated, marker }))
    }
}

fn path_prefix(input: &Input) -> &str {
    input.path_prefix.as_ref().map_or("/", PathPrefix::as_str)
}
