//! What `GetAccountAuthorizationDetails` says of each user, group, role and managed policy.

use crate::iam::entity::Entity;
use crate::iam::holder::{AttachedPolicy, BoundaryElement, Holder};
use crate::iam::policies::{AnyPolicy, PolicyElement, VersionElement};
use crate::iam::roles::shown_trust;
use crate::iam::tags::{self, TagElement};
use crate::operation::Failure;
use crate::pipeline::Scene;
use catalog::{Group, Role, Stored, User};
use std::sync::Arc;
use wire::member::iam::{EntityType, PolicyScope};
use wire::{IsoTimestamp, Members, UrlEncoded};

/// One of those that there is something to say of.
#[derive(Debug)]
pub enum Detail {
    /// A group.
    Group(Arc<Stored<Group>>),
    /// A managed policy.
    Policy(AnyPolicy),
    /// A role.
    Role(Arc<Stored<Role>>),
    /// A user.
    User(Arc<Stored<User>>),
}

wire::output! {
    /// A user.
    pub struct UserDetail {
        required path: String = "Path",
        required name: String = "UserName",
        required id: String = "UserId",
        required arn: String = "Arn",
        required created: IsoTimestamp = "CreateDate",
        required inline: Members<InlinePolicy> = "UserPolicyList",
        required groups: Members<String> = "GroupList",
        required attached: Members<AttachedPolicy> = "AttachedManagedPolicies",
        optional boundary: BoundaryElement = "PermissionsBoundary",
        optional tags: Members<TagElement> = "Tags",
    }
}

wire::output! {
    /// A group.
    pub struct GroupDetail {
        required path: String = "Path",
        required name: String = "GroupName",
        required id: String = "GroupId",
        required arn: String = "Arn",
        required created: IsoTimestamp = "CreateDate",
        required inline: Members<InlinePolicy> = "GroupPolicyList",
        required attached: Members<AttachedPolicy> = "AttachedManagedPolicies",
    }
}

wire::output! {
    /// A role.
    pub struct RoleDetail {
        required path: String = "Path",
        required name: String = "RoleName",
        required id: String = "RoleId",
        required arn: String = "Arn",
        required created: IsoTimestamp = "CreateDate",
        required trust: UrlEncoded = "AssumeRolePolicyDocument",
        required instance_profiles: Members<String> = "InstanceProfileList",
        required inline: Members<InlinePolicy> = "RolePolicyList",
        required attached: Members<AttachedPolicy> = "AttachedManagedPolicies",
        optional boundary: BoundaryElement = "PermissionsBoundary",
        optional tags: Members<TagElement> = "Tags",
    }
}

wire::output! {
    /// A managed policy.
    pub struct PolicyDetail {
        required policy_name: String = "PolicyName",
        required policy_id: String = "PolicyId",
        required arn: String = "Arn",
        required path: String = "Path",
        required default_version_id: String = "DefaultVersionId",
        required attachments: usize = "AttachmentCount",
        required boundaries: usize = "PermissionsBoundaryUsageCount",
        required is_attachable: bool = "IsAttachable",
        optional description: String = "Description",
        required created: IsoTimestamp = "CreateDate",
        required updated: IsoTimestamp = "UpdateDate",
        required versions: Members<VersionElement> = "PolicyVersionList",
    }
}

wire::output! {
    /// A policy of a user's, a group's or a role's own.
    pub struct InlinePolicy {
        required name: String = "PolicyName",
        required document: UrlEncoded = "PolicyDocument",
    }
}

impl Detail {
    /// All of the kinds that are wanted.
    pub async fn all(wants: impl Fn(EntityType) -> bool, scene: &Scene<'_>) -> Result<Vec<Self>, Failure> {
        let mut all = Vec::new();
        if wants(EntityType::User) {
            all.extend(every(scene).await?.into_iter().map(Self::User));
        }
        if wants(EntityType::Group) {
            all.extend(every(scene).await?.into_iter().map(Self::Group));
        }
        if wants(EntityType::Role) {
            all.extend(every(scene).await?.into_iter().map(Self::Role));
        }
        for (kind, scope) in [
            (EntityType::LocalManagedPolicy, PolicyScope::Local),
            (EntityType::AwsManagedPolicy, PolicyScope::Aws),
        ] {
            if wants(kind) {
                all.extend(scene.all_policies(scope).await?.into_iter().map(Self::Policy));
            }
        }
        Ok(all)
    }

    /// Where it stands in the list.
    pub fn place(&self) -> String {
        match self {
            Self::Group(group) => format!("group/{}", group.name.to_ascii_lowercase()),
            Self::Policy(policy) => format!("policy/{}", policy.place()),
            Self::Role(role) => format!("role/{}", role.name.to_ascii_lowercase()),
            Self::User(user) => format!("user/{}", user.name.to_ascii_lowercase()),
        }
    }
}

impl UserDetail {
    /// Of that user.
    pub fn of(user: &User, scene: &Scene<'_>) -> Self {
        Self {
            path: user.path.clone(),
            name: user.name.clone(),
            id: user.id.clone(),
            arn: scene.arn_of(user),
            created: IsoTimestamp(user.created),
            inline: InlinePolicy::all(user),
            groups: user.groups.iter().cloned().collect(),
            attached: AttachedPolicy::all(user),
            boundary: BoundaryElement::of(user),
            tags: tags::elements(&user.tags),
        }
    }
}

impl GroupDetail {
    /// Of that group.
    pub fn of(group: &Group, scene: &Scene<'_>) -> Self {
        Self {
            path: group.path.clone(),
            name: group.name.clone(),
            id: group.id.clone(),
            arn: scene.arn_of(group),
            created: IsoTimestamp(group.created),
            inline: InlinePolicy::all(group),
            attached: AttachedPolicy::all(group),
        }
    }
}

impl RoleDetail {
    /// Of that role.
    pub async fn of(role: &Role, scene: &Scene<'_>) -> Result<Self, Failure> {
        Ok(Self {
            path: role.path.clone(),
            name: role.name.clone(),
            id: role.id.clone(),
            arn: scene.arn_of(role),
            created: IsoTimestamp(role.created),
            trust: shown_trust(role, scene).await?,
            instance_profiles: Members(Vec::new()),
            inline: InlinePolicy::all(role),
            attached: AttachedPolicy::all(role),
            boundary: BoundaryElement::of(role),
            tags: tags::elements(&role.tags),
        })
    }
}

impl PolicyDetail {
    /// Of that policy.
    pub async fn of(policy: &AnyPolicy, scene: &Scene<'_>) -> Result<Self, Failure> {
        let PolicyElement {
            policy_name,
            policy_id,
            arn,
            path,
            default_version_id,
            attachments,
            boundaries,
            is_attachable,
            description,
            created,
            updated,
            tags: _,
        } = policy.element(scene).await?;
        Ok(Self {
            policy_name,
            policy_id,
            arn,
            path,
            default_version_id,
            attachments,
            boundaries,
            is_attachable,
            description,
            created,
            updated,
            versions: Members(policy.versions()),
        })
    }
}

impl InlinePolicy {
    fn all<T: Holder>(holder: &T) -> Members<Self> {
        let policy = |(name, text): (&String, &String)| Self {
            name: name.clone(),
            document: UrlEncoded(text.clone()),
        };
        holder.inline().iter().map(policy).collect()
    }
}

async fn every<T: Entity>(scene: &Scene<'_>) -> Result<Vec<Arc<Stored<T>>>, Failure> {
    // Those who make some at the same moment may have passed the quota by a few.
    let most = T::QUOTA.1.saturating_mul(2);
    Ok(scene.reader().list::<T>(&scene.account(), None, most).await?.entries)
}
