//! Managed policies: those of an account with their versions, and those of AWS, which are there for everybody.

mod create_policy;
mod create_policy_version;
mod delete_policy;
mod delete_policy_version;
mod get_policy;
mod get_policy_version;
mod list_entities_for_policy;
mod list_policies;
mod list_policy_tags;
mod list_policy_versions;
mod set_default_policy_version;
mod sought;
mod tag_policy;
mod untag_policy;

pub use create_policy::CreatePolicy;
pub use create_policy_version::CreatePolicyVersion;
pub use delete_policy::DeletePolicy;
pub use delete_policy_version::DeletePolicyVersion;
pub use get_policy::GetPolicy;
pub use get_policy_version::GetPolicyVersion;
pub use list_entities_for_policy::ListEntitiesForPolicy;
pub use list_policies::ListPolicies;
pub use list_policy_tags::ListPolicyTags;
pub use list_policy_versions::ListPolicyVersions;
pub use set_default_policy_version::SetDefaultPolicyVersion;
pub use tag_policy::TagPolicy;
pub use untag_policy::UntagPolicy;

pub use sought::{AnyPolicy, SoughtPolicy};

use super::entity::{Entity, quota_exceeded};
use super::policy_text::{malformed_policy, size};
use super::record;
use super::tags::{self, TagElement};
use crate::operation::Failure;
use crate::pipeline::Scene;
use access::{MalformedPolicy, Policy, PolicyKind, PolicyVersion as LanguageVersion};
use audit::json::{Json, object};
use catalog::{ManagedPolicy, PolicyUsage, PolicyVersion};
use std::collections::BTreeMap;
use wire::member::iam::PolicyDocument;
use wire::{Fault, IsoTimestamp, Members, UrlEncoded};

wire::output! {
    /// A managed policy in an answer.
    pub struct PolicyElement {
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
        optional tags: Members<TagElement> = "Tags",
    }
}

wire::output! {
    /// A version of a managed policy in an answer.
    pub struct VersionElement {
        optional document: UrlEncoded = "Document",
        required version_id: String = "VersionId",
        required is_default: bool = "IsDefaultVersion",
        required created: IsoTimestamp = "CreateDate",
    }
}

impl VersionElement {
    /// A version of a policy in which that number is in force.
    pub fn of(version: &PolicyVersion, default: u32) -> Self {
        let document = Some(UrlEncoded(version.text.clone()));
        Self { document, ..Self::without_text(version, default) }
    }

    /// The same without its text.
    pub fn without_text(version: &PolicyVersion, default: u32) -> Self {
        Self {
            document: None,
            version_id: version_id(version.number),
            is_default: version.number == default,
            created: IsoTimestamp(version.created),
        }
    }
}

/// How many in the caller's account use a managed policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// As a policy that permits.
    pub attachments: usize,
    /// As a permissions boundary.
    pub boundaries: usize,
}

impl Usage {
    /// Of that policy, now.
    pub async fn of(arn: &str, scene: &Scene<'_>) -> Result<Self, Failure> {
        let all = scene.reader().attachments(&scene.account(), arn).await?;
        let count = |usage: PolicyUsage| all.iter().filter(|attachment| attachment.usage == usage).count();
        Ok(Self {
            attachments: count(PolicyUsage::PermissionsPolicy),
            boundaries: count(PolicyUsage::PermissionsBoundary),
        })
    }

    /// Whether anybody does.
    pub const fn is_some(self) -> bool {
        self.attachments > 0 || self.boundaries > 0
    }
}

/// A policy of the account as answers show it.
pub async fn element(policy: &ManagedPolicy, scene: &Scene<'_>) -> Result<PolicyElement, Failure> {
    let arn = scene.arn_of(policy);
    let Usage { attachments, boundaries } = Usage::of(&arn, scene).await?;
    Ok(PolicyElement {
        policy_name: policy.name.clone(),
        policy_id: policy.id.clone(),
        arn,
        path: policy.path.clone(),
        default_version_id: version_id(policy.default),
        attachments,
        boundaries,
        is_attachable: true,
        description: Some(policy.description.clone()).filter(|description| !description.is_empty()),
        created: IsoTimestamp(policy.created),
        updated: IsoTimestamp(policy.updated),
        tags: tags::elements(&policy.tags),
    })
}

/// The text of a managed policy, which must be one of the newer language and no longer than AWS takes.
fn checked(document: &PolicyDocument) -> Result<String, Fault> {
    let text = document.as_str();
    let policy = Policy::compile(PolicyKind::Identity, text, &BTreeMap::new())
        .map_err(|malformed| malformed_policy(malformed.to_string()))?;
    if policy.version() == LanguageVersion::Of2008 {
        return Err(malformed_policy(MalformedPolicy::version().to_string()));
    }
    if size(text) > LONGEST_POLICY {
        return Err(quota_exceeded("PolicySize", LONGEST_POLICY));
    }
    Ok(text.to_owned())
}

fn version_id(number: u32) -> String {
    format!("v{number}")
}

/// `responseElements` of a change that answers with a policy.
fn record_policy(policy: &ManagedPolicy, scene: &Scene<'_>) -> Json {
    object(|elements| {
        elements.object("policy", |of_policy| {
            of_policy.string("policyName", &policy.name);
            of_policy.string("policyId", policy.id());
            of_policy.string("arn", &scene.arn_of(policy));
            of_policy.string("path", &policy.path);
            of_policy.string("defaultVersionId", &version_id(policy.default));
            record::created(of_policy, policy.created);
        });
    })
}

/// `responseElements` of a change that answers with a version.
fn record_version(version: &VersionElement) -> Json {
    object(|elements| {
        elements.object("policyVersion", |of_version| {
            of_version.string("versionId", &version.version_id);
            of_version.boolean("isDefaultVersion", version.is_default);
            record::created(of_version, version.created.0);
        });
    })
}

//= iam quotas: a managed policy has at most 6,144 characters, white space not counted
const LONGEST_POLICY: usize = 6144;
