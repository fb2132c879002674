//! `DeleteGroup`: deletes a group that is empty and has no policies.

use crate::iam::{
    entity::{Sought, delete_conflict},
    holder,
};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::Group;
use keys::KeyStates;
use wire::member::iam::GroupName;

/// The operation.
#[derive(Debug)]
pub struct DeleteGroup;

wire::input! {
    /// What it takes.
    pub struct Input {
        required group_name: GroupName = "GroupName",
    }
}

impl Operation for DeleteGroup {
    const NAME: &'static str = "DeleteGroup";
    const READ_ONLY: bool = false;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = ();
    type Subject = Sought<Group>;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record.string("groupName", input.group_name.as_str());
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Sought<Group>, Failure> {
        scene.sought(input.group_name.as_str()).await
    }

    fn permissions<'a>(_: &Input, subject: &'a Sought<Group>) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:DeleteGroup")]
    }

    async fn execute(
        _: &Input,
        subject: &Authorized<Sought<Group>>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<()>, Failure> {
        let group = subject.found()?;
        if !scene.reader().members(&group.account, &group.name).await?.is_empty() {
            return Err(delete_conflict("remove users from group").into());
        }
        holder::check_without_policies(&***group)?;
        scene.commit(subject, scene.changes().delete(group)).await?;
        Ok(Outcome::of(()))
    }
}
