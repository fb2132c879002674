//! Users: their life, their tags, their policies and the boundary of those.

mod attach_user_policy;
mod create_user;
mod delete_user;
mod delete_user_permissions_boundary;
mod delete_user_policy;
mod detach_user_policy;
mod get_user;
mod get_user_policy;
mod list_attached_user_policies;
mod list_groups_for_user;
mod list_user_policies;
mod list_user_tags;
mod list_users;
mod put_user_permissions_boundary;
mod put_user_policy;
mod tag_user;
mod untag_user;
mod update_user;

pub use attach_user_policy::AttachUserPolicy;
pub use create_user::CreateUser;
pub use delete_user::DeleteUser;
pub use delete_user_permissions_boundary::DeleteUserPermissionsBoundary;
pub use delete_user_policy::DeleteUserPolicy;
pub use detach_user_policy::DetachUserPolicy;
pub use get_user::GetUser;
pub use get_user_policy::GetUserPolicy;
pub use list_attached_user_policies::ListAttachedUserPolicies;
pub use list_groups_for_user::ListGroupsForUser;
pub use list_user_policies::ListUserPolicies;
pub use list_user_tags::ListUserTags;
pub use list_users::ListUsers;
pub use put_user_permissions_boundary::PutUserPermissionsBoundary;
pub use put_user_policy::PutUserPolicy;
pub use tag_user::TagUser;
pub use untag_user::UntagUser;
pub use update_user::UpdateUser;

use super::holder::BoundaryElement;
use super::record;
use super::tags::{self, TagElement};
use crate::operation::Failure;
use crate::pipeline::Scene;
use audit::json::{Json, object};
use catalog::User;
use keys::Moment;
use wire::{IsoTimestamp, Members};

wire::output! {
    /// A user in an answer. The root of an account has no name and no path.
    pub struct UserElement {
        optional path: String = "Path",
        optional name: String = "UserName",
        required id: String = "UserId",
        required arn: String = "Arn",
        required created: IsoTimestamp = "CreateDate",
        optional boundary: BoundaryElement = "PermissionsBoundary",
        optional tags: Members<TagElement> = "Tags",
    }
}

impl UserElement {
    /// A user with all that there is to say.
    pub fn of(user: &User, scene: &Scene<'_>) -> Self {
        let (boundary, tags) = (BoundaryElement::of(user), tags::elements(&user.tags));
        Self { boundary, tags, ..Self::listed(user, scene) }
    }

    //= iam:ListUsers: without PermissionsBoundary and Tags
    /// A user as lists have it.
    pub fn listed(user: &User, scene: &Scene<'_>) -> Self {
        Self {
            path: Some(user.path.clone()),
            name: Some(user.name.clone()),
            id: user.id.clone(),
            arn: scene.arn_of(user),
            created: IsoTimestamp(user.created),
            boundary: None,
            tags: None,
        }
    }

    /// The root of the caller's account.
    pub async fn of_root(arn: &str, scene: &Scene<'_>) -> Result<Self, Failure> {
        let account = scene.account();
        let record = scene.reader().account(&account).await?;
        let created = record.map_or(Moment::from_millis(0), |record| record.created);
        Ok(Self {
            path: None,
            name: None,
            id: account.to_string(),
            arn: arn.to_owned(),
            created: IsoTimestamp(created),
            boundary: None,
            tags: None,
        })
    }

    /// The same as CloudTrail shows it under `responseElements`.
    pub fn elements(&self) -> Json {
        object(|elements| {
            elements.object("user", |user| {
                record::text(user, "path", self.path.as_deref());
                record::text(user, "userName", self.name.as_deref());
                user.string("userId", &self.id);
                user.string("arn", &self.arn);
                record::created(user, self.created.0);
            });
        })
    }
}
