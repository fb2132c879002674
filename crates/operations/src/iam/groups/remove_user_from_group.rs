//! `RemoveUserFromGroup`: takes a user out of a group. One that is not in it stays out.

use super::Membership;
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::User;
use keys::KeyStates;
use wire::member::iam::{ExistingUserName, GroupName};

/// The operation.
#[derive(Debug)]
pub struct RemoveUserFromGroup;

wire::input! {
    /// What it takes.
    pub struct Input {
        required group_name: GroupName = "GroupName",
        required user_name: ExistingUserName = "UserName",
    }
}

impl Operation for RemoveUserFromGroup {
    const NAME: &'static str = "RemoveUserFromGroup";
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
        vec![subject.group.permission("iam:RemoveUserFromGroup")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<Membership>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let (group, old) = (subject.group.found()?, subject.user.found()?);
        let mut new = User::clone(old);
        if new.groups.remove(&group.name) {
            scene.commit(subject, scene.changes().replace(old, &new)).await?;
        }
        Ok(Outcome::of(()))
    }
}
