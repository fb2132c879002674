//! `ListGroupsForUser`: the groups that a user is in.

use crate::iam::{entity::Sought, groups::GroupElement, pages, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::{Group, User};
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{ExistingUserName, Marker, MaxItems};

/// The operation.
#[derive(Debug)]
pub struct ListGroupsForUser;

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
        required groups: Members<GroupElement> = "Groups",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for ListGroupsForUser {
    const NAME: &'static str = "ListGroupsForUser";
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
        vec![subject.permission("iam:ListGroupsForUser")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<User>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let user = subject.found()?;
        let page = pages::part("groups", &user.groups, input.marker.as_ref(), input.max_items)?;
        let mut groups = Vec::new();
        for name in &page.entries {
            let group = scene.reader().find::<Group>(&user.account, name).await?;
            groups.extend(group.map(|group| GroupElement::of(&group, scene)));
        }
        let is_truncated = page.is_truncated();
        Ok(Outcome::of(Answer { groups: Members(groups), is_truncated, marker: page.marker }))
    }
}
