//! Roles: what whoever their trust policy names may take on for a while.

mod attach_role_policy;
mod create_role;
mod delete_role;
mod delete_role_permissions_boundary;
mod delete_role_policy;
mod detach_role_policy;
mod get_role;
mod get_role_policy;
mod list_attached_role_policies;
mod list_instance_profiles_for_role;
mod list_role_policies;
mod list_role_tags;
mod list_roles;
mod put_role_permissions_boundary;
mod put_role_policy;
mod tag_role;
mod untag_role;
mod update_assume_role_policy;
mod update_role;
mod update_role_description;

pub use attach_role_policy::AttachRolePolicy;
pub use create_role::CreateRole;
pub use delete_role::DeleteRole;
pub use delete_role_permissions_boundary::DeleteRolePermissionsBoundary;
pub use delete_role_policy::DeleteRolePolicy;
pub use detach_role_policy::DetachRolePolicy;
pub use get_role::GetRole;
pub use get_role_policy::GetRolePolicy;
pub use list_attached_role_policies::ListAttachedRolePolicies;
pub use list_instance_profiles_for_role::ListInstanceProfilesForRole;
pub use list_role_policies::ListRolePolicies;
pub use list_role_tags::ListRoleTags;
pub use list_roles::ListRoles;
pub use put_role_permissions_boundary::PutRolePermissionsBoundary;
pub use put_role_policy::PutRolePolicy;
pub use tag_role::TagRole;
pub use untag_role::UntagRole;
pub use update_assume_role_policy::UpdateAssumeRolePolicy;
pub use update_role::UpdateRole;
pub use update_role_description::UpdateRoleDescription;

use super::holder::BoundaryElement;
use super::policy_text::{malformed_policy, size};
use super::tags::{self, TagElement};
use super::{entity, record};
use crate::operation::Failure;
use crate::pipeline::Scene;
use access::{BoundPrincipals, Policy, PolicyKind};
use audit::json::{Json, object};
use catalog::Role;
use wire::member::iam::PolicyDocument;
use wire::{IsoTimestamp, Members, UrlEncoded};

wire::output! {
    /// A role in an answer.
    pub struct RoleElement {
        required path: String = "Path",
        required role_name: String = "RoleName",
        required role_id: String = "RoleId",
        required arn: String = "Arn",
        required created: IsoTimestamp = "CreateDate",
        required trust: UrlEncoded = "AssumeRolePolicyDocument",
        optional description: String = "Description",
        required max_session_duration: u32 = "MaxSessionDuration",
        optional boundary: BoundaryElement = "PermissionsBoundary",
        optional tags: Members<TagElement> = "Tags",
    }
}

/// A role as answers show it.
pub async fn element(role: &Role, scene: &Scene<'_>) -> Result<RoleElement, Failure> {
    Ok(RoleElement {
        path: role.path.clone(),
        role_name: role.name.clone(),
        role_id: role.id.clone(),
        arn: scene.arn_of(role),
        created: IsoTimestamp(role.created),
        trust: shown_trust(role, scene).await?,
        description: Some(role.description.clone()).filter(|description| !description.is_empty()),
        max_session_duration: role.max_session_seconds,
        boundary: BoundaryElement::of(role),
        tags: tags::elements(&role.tags),
    })
}

/// A role's trust policy as answers show it: whom it names and who is gone since by the unique id.
pub async fn shown_trust(role: &Role, scene: &Scene<'_>) -> Result<UrlEncoded, Failure> {
    let gone = scene.directory().gone(&role.trust_principals).await?;
    Ok(UrlEncoded(Policy::shown(&role.trust, &gone)))
}

/// Whom a trust policy names, each of whom must be there: by unique ids, so that it never means somebody made later.
async fn trust(document: &PolicyDocument, scene: &Scene<'_>) -> Result<BoundPrincipals, Failure> {
    let text = document.as_str();
    let policy = Policy::compile(PolicyKind::Trust, text, &BoundPrincipals::new())
        .map_err(|malformed| malformed_policy(malformed.to_string()))?;
    if size(text) > LONGEST_TRUST {
        return Err(entity::quota_exceeded("ACLSizePerRole", LONGEST_TRUST).into());
    }
    Ok(scene.directory().bind(&policy).await?)
}

/// `responseElements` of a change that answers with a role.
fn record_role(role: &Role, scene: &Scene<'_>) -> Json {
    object(|elements| {
        elements.object("role", |of_role| {
            of_role.string("path", &role.path);
            of_role.string("roleName", &role.name);
            of_role.string("roleId", &role.id);
            of_role.string("arn", &scene.arn_of(role));
            record::created(of_role, role.created);
        });
    })
}

//= iam quotas: role trust policy length 2,048 characters
const LONGEST_TRUST: usize = 2048;
