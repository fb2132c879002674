//! `AddUserToGroup`: puts a user into a group. One that is in it already stays there.

use super::Membership;
use crate::iam::entity::quota_exceeded;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::User;
use keys::KeyStates;
use wire::member::iam::{ExistingUserName, GroupName};

/// The operation.
#[derive(Debug)]
pub struct AddUserToGroup;

wire::input! {
    /// What it takes.
    pub struct Input {
        required group_name: GroupName = "GroupName",
        required user_name: ExistingUserName = "UserName",
    }
}

impl Operation for AddUserToGroup {
    const NAME: &'static str = "AddUserToGroup";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Membership;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("groupName", input.group_name.as_str());
        record.string("userName", input.user_name.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Membership, Failure> {
        scene.membership(input.group_name.as_str(), input.user_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Membership) -> Vec<Permission<'a>> {
        vec![subject.group.permission("iam:AddUserToGroup")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<Membership>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let (group, old) = (subject.group.found()?, subject.user.found()?);
        if old.groups.contains(&group.name) {
            return Ok(Outcome::of(()));
        }
        if old.groups.len() >= MOST_GROUPS {
            return Err(quota_exceeded("GroupsPerUser", MOST_GROUPS).into());
        }
        let mut new = User::clone(old);
        new.groups.insert(group.name.clone());
        // A group that is deleted or renamed at the same time is not one to be in.
        scene.commit(subject, scene.changes().touch(group).replace(old, &new)).await?;
        Ok(Outcome::of(()))
    }
}

//= iam quotas: 10 groups a user
const MOST_GROUPS: usize = 10;
