//! The operations of AWS IAM that key management needs, by family. One file an operation.
//!
//! IAM is global: its records have an account and no region. Only the account's own principals reach them.

mod access_keys;
mod entity;
mod groups;
mod holder;
pub mod ids;
mod oneself;
mod other_credentials;
mod pages;
mod policies;
mod policy_text;
mod providers;
mod record;
mod renaming;
mod roles;
mod simulation;
pub mod tags;
mod users;

pub use simulation::check_values;

use crate::registry::{Entry, entry};

/// Every operation, in the order of the names.
pub static OPERATIONS: &[Entry] = &[
    entry::<providers::AddClientIdToOpenIdConnectProvider>(),
    entry::<groups::AddUserToGroup>(),
    entry::<groups::AttachGroupPolicy>(),
    entry::<roles::AttachRolePolicy>(),
    entry::<users::AttachUserPolicy>(),
    entry::<access_keys::CreateAccessKey>(),
    entry::<groups::CreateGroup>(),
    entry::<providers::CreateOpenIdConnectProvider>(),
    entry::<policies::CreatePolicy>(),
    entry::<policies::CreatePolicyVersion>(),
    entry::<roles::CreateRole>(),
    entry::<users::CreateUser>(),
    entry::<access_keys::DeleteAccessKey>(),
    entry::<groups::DeleteGroup>(),
    entry::<groups::DeleteGroupPolicy>(),
    entry::<other_credentials::DeleteLoginProfile>(),
    entry::<providers::DeleteOpenIdConnectProvider>(),
    entry::<policies::DeletePolicy>(),
    entry::<policies::DeletePolicyVersion>(),
    entry::<roles::DeleteRole>(),
    entry::<roles::DeleteRolePermissionsBoundary>(),
    entry::<roles::DeleteRolePolicy>(),
    entry::<users::DeleteUser>(),
    entry::<users::DeleteUserPermissionsBoundary>(),
    entry::<users::DeleteUserPolicy>(),
    entry::<groups::DetachGroupPolicy>(),
    entry::<roles::DetachRolePolicy>(),
    entry::<users::DetachUserPolicy>(),
    entry::<access_keys::GetAccessKeyLastUsed>(),
    entry::<simulation::GetAccountAuthorizationDetails>(),
    entry::<simulation::GetAccountSummary>(),
    entry::<simulation::GetContextKeysForCustomPolicy>(),
    entry::<simulation::GetContextKeysForPrincipalPolicy>(),
    entry::<groups::GetGroup>(),
    entry::<groups::GetGroupPolicy>(),
    entry::<other_credentials::GetLoginProfile>(),
    entry::<providers::GetOpenIdConnectProvider>(),
    entry::<policies::GetPolicy>(),
    entry::<policies::GetPolicyVersion>(),
    entry::<roles::GetRole>(),
    entry::<roles::GetRolePolicy>(),
    entry::<users::GetUser>(),
    entry::<users::GetUserPolicy>(),
    entry::<access_keys::ListAccessKeys>(),
    entry::<simulation::ListAccountAliases>(),
    entry::<groups::ListAttachedGroupPolicies>(),
    entry::<roles::ListAttachedRolePolicies>(),
    entry::<users::ListAttachedUserPolicies>(),
    entry::<policies::ListEntitiesForPolicy>(),
    entry::<groups::ListGroupPolicies>(),
    entry::<groups::ListGroups>(),
    entry::<users::ListGroupsForUser>(),
    entry::<roles::ListInstanceProfilesForRole>(),
    entry::<other_credentials::ListMfaDevices>(),
    entry::<providers::ListOpenIdConnectProviderTags>(),
    entry::<providers::ListOpenIdConnectProviders>(),
    entry::<policies::ListPolicies>(),
    entry::<policies::ListPolicyTags>(),
    entry::<policies::ListPolicyVersions>(),
    entry::<roles::ListRolePolicies>(),
    entry::<roles::ListRoleTags>(),
    entry::<roles::ListRoles>(),
    entry::<other_credentials::ListSshPublicKeys>(),
    entry::<other_credentials::ListServiceSpecificCredentials>(),
    entry::<other_credentials::ListSigningCertificates>(),
    entry::<users::ListUserPolicies>(),
    entry::<users::ListUserTags>(),
    entry::<users::ListUsers>(),
    entry::<other_credentials::ListVirtualMfaDevices>(),
    entry::<groups::PutGroupPolicy>(),
    entry::<roles::PutRolePermissionsBoundary>(),
    entry::<roles::PutRolePolicy>(),
    entry::<users::PutUserPermissionsBoundary>(),
    entry::<users::PutUserPolicy>(),
    entry::<providers::RemoveClientIdFromOpenIdConnectProvider>(),
    entry::<groups::RemoveUserFromGroup>(),
    entry::<policies::SetDefaultPolicyVersion>(),
    entry::<simulation::SimulateCustomPolicy>(),
    entry::<simulation::SimulatePrincipalPolicy>(),
    entry::<providers::TagOpenIdConnectProvider>(),
    entry::<policies::TagPolicy>(),
    entry::<roles::TagRole>(),
    entry::<users::TagUser>(),
    entry::<providers::UntagOpenIdConnectProvider>(),
    entry::<policies::UntagPolicy>(),
    entry::<roles::UntagRole>(),
    entry::<users::UntagUser>(),
    entry::<access_keys::UpdateAccessKey>(),
    entry::<roles::UpdateAssumeRolePolicy>(),
    entry::<groups::UpdateGroup>(),
    entry::<providers::UpdateOpenIdConnectProviderThumbprint>(),
    entry::<roles::UpdateRole>(),
    entry::<roles::UpdateRoleDescription>(),
    entry::<users::UpdateUser>(),
];
