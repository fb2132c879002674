//! `ListGroups`: the groups of the account whose paths begin so.

use super::GroupElement;
use crate::iam::{entity::Listed, pages, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Group;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{Marker, MaxItems, PathPrefix};

/// The operation.
#[derive(Debug)]
pub struct ListGroups;

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
        required groups: Members<GroupElement> = "Groups",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for ListGroups {
    const NAME: &'static str = "ListGroups";
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
        Ok(scene.listed::<Group>(input.path_prefix()))
    }

    fn permissions<'a>(_: &Input, subject: &'a Listed) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListGroups")]
    }

    async fn execute(
        input: &Input,
        _: &Authorized<Listed>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let keep = |group: &Group| group.path.starts_with(input.path_prefix());
        let page = pages::records(scene, keep, input.marker.as_ref(), input.max_items).await?;
        let groups = page.entries.iter().map(|group| GroupElement::of(group, scene)).collect();
        Ok(Outcome::of(Answer { groups, is_truncated: page.is_truncated(), marker: page.marker }))
    }
}

impl Input {
    fn path_prefix(&self) -> &str {
        self.path_prefix.as_ref().map_or("/", PathPrefix::as_str)
    }
}
