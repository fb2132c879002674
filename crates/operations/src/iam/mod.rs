//! The operations of AWS IAM that key management needs, by family. One file an operation.
//!
//! IAM is global: its records have an account and no region. Only the account's own principals reach them.

mod entity;
mod holder;
pub mod ids;
mod pages;
mod policies;
mod policy_text;
mod record;
mod roles;
pub mod tags;

use crate::registry::{Entry, entry};

/// Every operation, in the order of the names.
pub static OPERATIONS: &[Entry] = &[
    entry::<roles::AttachRolePolicy>(),
    entry::<policies::CreatePolicy>(),
    entry::<policies::CreatePolicyVersion>(),
    entry::<roles::CreateRole>(),
    entry::<policies::DeletePolicy>(),
    entry::<policies::DeletePolicyVersion>(),
    entry::<roles::DeleteRole>(),
    entry::<roles::DeleteRolePermissionsBoundary>(),
    entry::<roles::DeleteRolePolicy>(),
    entry::<roles::DetachRolePolicy>(),
    entry::<policies::GetPolicy>(),
    entry::<policies::GetPolicyVersion>(),
    entry::<roles::GetRole>(),
    entry::<roles::GetRolePolicy>(),
    entry::<roles::ListAttachedRolePolicies>(),
    entry::<policies::ListEntitiesForPolicy>(),
    entry::<roles::ListInstanceProfilesForRole>(),
    entry::<policies::ListPolicies>(),
    entry::<policies::ListPolicyTags>(),
    entry::<policies::ListPolicyVersions>(),
    entry::<roles::ListRolePolicies>(),
    entry::<roles::ListRoleTags>(),
    entry::<roles::ListRoles>(),
    entry::<roles::PutRolePermissionsBoundary>(),
    entry::<roles::PutRolePolicy>(),
    entry::<policies::SetDefaultPolicyVersion>(),
    entry::<policies::TagPolicy>(),
    entry::<roles::TagRole>(),
    entry::<policies::UntagPolicy>(),
    entry::<roles::UntagRole>(),
    entry::<roles::UpdateAssumeRolePolicy>(),
    entry::<roles::UpdateRole>(),
    entry::<roles::UpdateRoleDescription>(),
];
