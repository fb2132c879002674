//! `ListPolicies`: managed policies of the account and of AWS, without what they are said to be and their tags.

use super::{AnyPolicy, PolicyElement, Usage};
use crate::iam::entity::Listed;
use crate::iam::{pages, record};
use crate::operation::{Failure, Operation, Outcome, Permission};
use crate::pipeline::{Authorized, Scene};
use audit::json::Object;
use catalog::ManagedPolicy;
use keys::KeyStates;
use wire::Members;
use wire::member::iam::{Marker, MaxItems, PolicyPath, PolicyScope, PolicyUsage};

/// The operation.
#[derive(Debug)]
pub struct ListPolicies;

wire::input! {
    /// What it takes.
    pub struct Input {
        optional scope: PolicyScope = "Scope",
        optional only_attached: bool = "OnlyAttached",
        optional path_prefix: PolicyPath = "PathPrefix",
        optional usage: PolicyUsage = "PolicyUsageFilter",
        optional marker: Marker = "Marker",
        optional max_items: MaxItems = "MaxItems",
    }
}

wire::output! {
    /// What it answers.
    pub struct Answer {
        required policies: Members<PolicyElement> = "Policies",
        required is_truncated: bool = "IsTruncated",
        optional marker: String = "Marker",
    }
}

impl Operation for ListPolicies {
    const NAME: &'static str = "ListPolicies";
    const READ_ONLY: bool = true;
    const STATES: KeyStates = KeyStates::Any;
    type Input = Input;
    type Output = Answer;
    type Subject = Listed;

    fn parameters(input: &Input, record: &mut Object<'_>) {
        record::text(record, "scope", input.scope.map(PolicyScope::name));
        if let Some(only_attached) = input.only_attached {
            record.boolean("onlyAttached", only_attached);
        }
        record::text(record, "pathPrefix", input.path_prefix.as_ref().map(PolicyPath::as_str));
        record::text(record, "policyUsageFilter", input.usage.map(PolicyUsage::name));
        record::page(record, input.marker.as_ref(), input.max_items);
    }

    async fn resolve(input: &Input, scene: &Scene<'_>) -> Result<Listed, Failure> {
        Ok(scene.listed::<ManagedPolicy>(path_prefix(input)))
    }

    fn permissions<'a>(_: &Input, subject: &'a Listed) -> Vec<Permission<'a>> {
        vec![subject.permission("iam:ListPolicies")]
    }

    async fn execute(
        input: &Input,
        _: &Authorized<Listed>,
        scene: &Scene<'_>,
    ) -> Result<Outcome<Answer>, Failure> {
        let all = scene.all_policies(input.scope.unwrap_or(PolicyScope::All)).await?;
        let mut kept = Vec::new();
        for policy in all.into_iter().filter(|policy| policy.path().starts_with(path_prefix(input))) {
            if is_wanted(input, &policy, scene).await? {
                kept.push(policy);
            }
        }
        let page = pages::keyed("policies", kept, AnyPolicy::place, input.marker.as_ref(), input.max_items)?;
        let mut policies = Vec::with_capacity(page.entries.len());
        for policy in &page.entries {
            //= iam:ListPolicies: does not return Description and Tags
            policies.push(PolicyElement { description: None, tags: None, ..policy.element(scene).await? });
        }
        let (is_truncated, marker) = (page.is_truncated(), page.marker);
        Ok(Outcome::of(Answer { policies: Members(policies), is_truncated, marker }))
    }
}

/// Who uses a policy is looked up only if the list depends on it.
async fn is_wanted(input: &Input, policy: &AnyPolicy, scene: &Scene<'_>) -> Result<bool, Failure> {
    if input.only_attached != Some(true) && input.usage.is_none() {
        return Ok(true);
    }
    let usage = Usage::of(&policy.arn(scene), scene).await?;
    Ok(match input.usage {
        Some(PolicyUsage::PermissionsBoundary) => usage.boundaries > 0,
        Some(PolicyUsage::PermissionsPolicy) | None => usage.attachments > 0,
    })
}

fn path_prefix(input: &Input) -> &str {
    input.path_prefix.as_ref().map_or("/", PolicyPath::as_str)
}
