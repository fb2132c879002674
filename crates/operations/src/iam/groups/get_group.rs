//! `GetGroup`: says what there is to know of a group, and who is in it.

use super::GroupElement;
use crate::iam::{entity::Sought, pages, record, users::UserElement};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::{Group, User};
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{GroupName, Marker, MaxItems};

/// The operation.
#[derive(Debug)]
pub struct GetGroup;

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
        required group: GroupElement = "Group",
        required users: Members<UserElement> = "Users",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for GetGroup {
    const NAME: &'static str = "GetGroup";
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
        vec![subject.permission("iam:GetGroup")]
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Group>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let group = subject.found()?;
        let after = pages::after(MEMBERS, input.marker.as_ref())?.unwrap_or_default();
        let names = scene.reader().members(&group.account, &group.name).await?;
        let mut rest = names.into_iter().filter(|name| name.as_str() > after);
        let page: Vec<String> = rest.by_ref().take(pages::most(input.max_items)).collect();
        let last = page.last().filter(|_| rest.next().is_some());
        let marker = last.map(|last| format!("{MEMBERS}:{last}"));
        let mut users = Vec::new();
        for name in &page {
            let user = scene.reader().find::<User>(&group.account, name).await?;
            users.extend(user.map(|user| UserElement::listed(&user, scene)));
        }
        let (group, users) = (GroupElement::of(group, scene), Members(users));
        Ok(Outcome::of(Answer { group, users, is_truncated: marker.is_some(), marker }))
    }
}

const MEMBERS: &str = "members";
