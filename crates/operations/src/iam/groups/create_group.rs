//! `CreateGroup`: makes a group without members.

use super::GroupElement;
use crate::iam::{
    entity::{Entity, Sought},
    record,
};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Group;
use keys::KeyStates;
use std::collections::{BTreeMap, BTreeSet};
use wire::Fault;
use wire::member::iam::{GroupName, Path};

/// The operation.
#[derive(Debug)]
pub struct CreateGroup;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional path: Path = "Path",
        required group_name: GroupName = "GroupName",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required group: GroupElement = "Group",
    }
}

impl Operation for CreateGroup {
    const NAME: &'static str = "CreateGroup";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Sought<Group>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::text(record, "path", input.path.as_ref().map(Path::as_str));
        record.string("groupName", input.group_name.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Group>, Failure> {
        scene.to_be_made(input.path(), input.group_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Group>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:CreateGroup")]
    }

    fn fit(_: &Input, subject: &Sought<Group>) -> Result<(), Fault> {
        subject.absent()
    }

    async fn execute(
        input: &Input,
        subject: &Authorized<Sought<Group>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        scene.check_account_quota::<Group>().await?;
        let group = Group {
            account: subject.account(),
            name: subject.name().to_owned(),
            path: input.path().to_owned(),
            id: Group::new_id(),
            created: scene.now,
            attached: BTreeSet::new(),
            inline: BTreeMap::new(),
        };
        scene.commit(subject, scene.changes().create(&group)).await?;
        let group = GroupElement::of(&group, scene);
        let elements = group.elements();
        Ok(Outcome::of(Answer { group }).with_elements(elements))
    }
}

impl Input {
    fn path(&self) -> &str {
        self.path.as_ref().map_or("/", Path::as_str)
    }
}
