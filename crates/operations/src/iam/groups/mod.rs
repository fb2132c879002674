//! Groups of users: their life, who is in them, their policies.

mod add_user_to_group;
mod attach_group_policy;
mod create_group;
mod delete_group;
mod delete_group_policy;
mod detach_group_policy;
mod get_group;
mod get_group_policy;
mod list_attached_group_policies;
mod list_group_policies;
mod list_groups;
mod put_group_policy;
mod remove_user_from_group;
mod update_group;

pub use add_user_to_group::AddUserToGroup;
pub use attach_group_policy::AttachGroupPolicy;
pub use create_group::CreateGroup;
pub use delete_group::DeleteGroup;
pub use delete_group_policy::DeleteGroupPolicy;
pub use detach_group_policy::DetachGroupPolicy;
pub use get_group::GetGroup;
pub use get_group_policy::GetGroupPolicy;
pub use list_attached_group_policies::ListAttachedGroupPolicies;
pub use list_group_policies::ListGroupPolicies;
pub use list_groups::ListGroups;
pub use put_group_policy::PutGroupPolicy;
pub use remove_user_from_group::RemoveUserFromGroup;
pub use update_group::UpdateGroup;

use super::entity::Sought;
use super::record;
use crate::operation::{Failure, NamedKey, Subject};
use crate::pipeline::Scene;
use audit::json::{Json, object};
use catalog::{Group, User};
use wire::IsoTimestamp;

wire::output! {
    /// A group in an answer.
    pub struct GroupElement {
        required path: String = "Path",
        required name: String = "GroupName",
        required id: String = "GroupId",
        required arn: String = "Arn",
        required created: IsoTimestamp = "CreateDate",
    }
}

impl GroupElement {
    /// A group.
    pub fn of(group: &Group, scene: &Scene<'_>) -> Self {
        Self {
            path: group.path.clone(),
            name: group.name.clone(),
            id: group.id.clone(),
            arn: scene.arn_of(group),
            created: IsoTimestamp(group.created),
        }
    }

    /// The same as CloudTrail shows it under `responseElements`.
    pub fn elements(&self) -> Json {
        object(|elements| {
            elements.object("group", |group| {
                group.string("path", &self.path);
                group.string("groupName", &self.name);
                group.string("groupId", &self.id);
                group.string("arn", &self.arn);
                record::created(group, self.created.0);
            });
        })
    }
}

/// A group, and a user who is to be in it or not. It is the group that the caller must have power over.
#[derive(Debug)]
pub struct Membership {
    group: Sought<Group>,
    user: Sought<User>,
}

impl Subject for Membership {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }
}

impl Scene<'_> {
    async fn membership(&self, group: &str, user: &str) -> Result<Membership, Failure> {
        Ok(Membership { group: self.sought(group).await?, user: self.sought(user).await? })
    }
}
