//! `GetAccountSummary`: how much of everything an account has, and may have.

use crate::iam::entity::Entity;
use crate::operation::{Failure, On, Operation, Outcome, Own, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::{Group, ManagedPolicy, OidcProvider, Record, Role, Stored, User};
use keys::KeyStates;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The operation.
#[derive(Debug)]
pub struct GetAccountSummary;

wire::input! {
    /// What it takes.
    pub struct Input {}
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required summary: BTreeMap<&'static str, usize> = "SummaryMap",
    }
}

impl Operation for GetAccountSummary {
    const NAME: &'static str = "GetAccountSummary";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Own;

    fn parameters(_: &Input, _: &mut Object<'_>) {}

    async fn resolve(_: &Input, _: &Scene<'_>) -> Result<Own, Failure> {
        Ok(Own)
    }

    fn permissions<'a>(_: &Input, _: &'a Own) -> Vec<Permission<'a>> {
        vec![Permission { action: "iam:GetAccountSummary", on: On::Account }]
    }

    async fn execute(_: &Input, _: &Authorized<Own>, scene: &Scene<'_>) -> Result<Outcome<Answer>, Failure> {
        let policies = all::<ManagedPolicy>(scene).await?;
        let versions = policies.iter().map(|policy| policy.versions.len()).sum::<usize>();
        let root_keys = scene.reader().root_access_keys(&scene.account()).await?.len();
        let counted = [
            ("AccountAccessKeysPresent", usize::from(root_keys > 0)),
            ("Groups", all::<Group>(scene).await?.len()),
            ("GroupsQuota", Group::QUOTA.1),
            ("Policies", policies.len()),
            ("PoliciesQuota", ManagedPolicy::QUOTA.1),
            ("PolicyVersionsInUse", versions),
            ("Providers", all::<OidcProvider>(scene).await?.len()),
            ("Roles", all::<Role>(scene).await?.len()),
            ("RolesQuota", Role::QUOTA.1),
            ("Users", all::<User>(scene).await?.len()),
            ("UsersQuota", User::QUOTA.1),
        ];
        Ok(Outcome::of(Answer { summary: FIXED.iter().copied().chain(counted).collect() }))
    }
}

/// Every record of a kind in the caller's account.
async fn all<T: Record>(scene: &Scene<'_>) -> Result<Vec<Arc<Stored<T>>>, Failure> {
    Ok(scene.reader().list::<T>(&scene.account(), None, MOST).await?.entries)
}

/// More than there can be of anything.
const MOST: usize = 10_000;

//= iam quotas
const FIXED: &[(&str, usize)] = &[
    ("AccessKeysPerUserQuota", 2),
    ("AccountMFAEnabled", 0),
    ("AssumeRolePolicySizeQuota", 2048),
    ("AttachedPoliciesPerGroupQuota", 10),
    ("AttachedPoliciesPerRoleQuota", 10),
    ("AttachedPoliciesPerUserQuota", 10),
    ("GroupPolicySizeQuota", 5120),
    ("GroupsPerUserQuota", 10),
    ("InstanceProfiles", 0),
    ("MFADevices", 0),
    ("MFADevicesInUse", 0),
    ("PolicySizeQuota", 6144),
    ("RolePolicySizeQuota", 10_240),
    ("ServerCertificates", 0),
    ("UserPolicySizeQuota", 2048),
    ("VersionsPerPolicyQuota", 5),
];
