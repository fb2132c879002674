//! Why a question is answered as it is: the policies, statements and grants that mattered, and what was missing.
//!
//! Listens while the decision is made and never takes part in it.

use super::denial::{Denial, PolicyType, Refusal};
use super::{Decision, Question, Resource, findings, grants};
use crate::policy::{Effect, Statement};
use crate::{Facts, FailedCondition, Principal};
use keys::{Grant, GrantConstraints, GrantId, GrantOperations};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use std::collections::BTreeMap;

/// A decision with all that mattered, for people and for an encoded authorization message.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Whether the caller may.
    pub allowed: bool,
    /// Whether a statement denies it, so that nothing else could allow it.
    pub explicit_deny: bool,
    /// What decided it. None: in another account, and the caller is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Who asked for what.
    pub context: Asked,
    /// The policies that were asked, in the order in which they were.
    pub policies: Vec<ConsideredPolicy>,
    /// The grants that were looked at: none if the policies decided it alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<ConsideredGrant>,
    /// How many statements and grants were left out for want of room.
    #[serde(skip_serializing_if = "is_zero")]
    pub omitted: usize,
    #[serde(skip)]
    denial: Option<Denial>,
    #[serde(skip)]
    crosses_accounts: bool,
}

/// What decided a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// A statement of these policies denies it.
    DeniedBy(PolicyType),
    /// This grant allows it.
    GrantedBy(GrantId),
    /// No statement of these policies allows it.
    NotAllowedBy(PolicyType),
    /// The policies allow it.
    PoliciesAllow,
}

/// Who asked for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// The caller.
    pub principal: AskedBy,
    /// The action, such as `kms:Decrypt`.
    pub action: String,
    /// The ARN of the resource, or `*`. None: in another account, and the caller is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// The caller, as an explanation names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AskedBy {
    /// Its `aws:userid`.
    pub id: String,
    /// Its ARN.
    pub arn: String,
}

/// A policy that was asked.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsideredPolicy {
    /// What kind of policy it is.
    pub policy_type: PolicyType,
    /// What it is called where it is attached; empty for the policy of the resource itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it says.
    pub verdict: PolicyVerdict,
    /// Its statements about the action.
    pub statements: Vec<ConsideredStatement>,
}

/// What one policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicyVerdict {
    /// Nothing to the question.
    Silent,
    /// It allows it.
    Allows,
    /// It denies it.
    Denies,
}

/// A statement about the action in question.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsideredStatement {
    /// Its place in the policy, from 0.
    pub index: usize,
    /// Its `Sid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// `Allow` or `Deny`.
    pub effect: &'static str,
    /// Whether it applied.
    pub outcome: StatementOutcome,
    /// The conditions that were not met.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed_conditions: Vec<FailedCondition>,
}

/// Whether a statement applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StatementOutcome {
    /// It names the caller and covers the resource, but a condition was not met.
    ConditionFailed,
    /// It applied.
    Matched,
    /// It is about another action. Only told of policies of external keys.
    OtherAction,
    /// It does not name the caller.
    OtherPrincipal,
    /// It names the caller, but not the resource.
    OtherResource,
}

/// A grant that was looked at.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsideredGrant {
    /// Its id.
    pub grant_id: GrantId,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whom it is for.
    pub grantee_principal: String,
    /// What it allows.
    pub operations: GrantOperations,
    /// Whether it applied, or why not.
    pub outcome: GrantOutcome,
    /// If its constraints were not met: what they are, and what the request has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraints: Option<FailedConstraints>,
}

/// The constraints of a grant that a request does not keep to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedConstraints {
    /// What the grant wants.
    pub wanted: GrantConstraints,
    /// The encryption context of the request; of `kms:CreateGrant` the pairs of the constraint that it asks for.
    pub actual: BTreeMap<String, String>,
}

/// Whether a grant applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GrantOutcome {
    /// It allows it.
    Applied,
    /// It names the caller and the operation, but the request does not keep to its constraints.
    ConstraintFailed,
    /// It would apply, but policies of this type deny it explicitly.
    DeniedBy(PolicyType),
    /// It would apply, but needs policies of this type to allow it too.
    NotAllowedBy(PolicyType),
    /// It does not list the operation.
    OtherOperation,
    /// It names somebody else.
    OtherPrincipal,
}

/// Decides by all policies and those grants on the key, as [`crate::decide`] and [`crate::grant_for`] do, and says why.
pub fn explain<'g>(question: &Question<'_>, grants: impl IntoIterator<Item = &'g Grant>) -> Explanation {
    explained(question, grants.into_iter().filter(|_| question.action != findings::RETIRE_GRANT))
}

/// Decides as [`crate::decide_retirement`] does, and says why.
#[must_use]
pub fn explain_retirement(question: &Question<'_>, grant: &Grant) -> Explanation {
    explained(&Question { action: findings::RETIRE_GRANT, ..*question }, [grant])
}

fn explained<'g>(question: &Question<'_>, grants: impl IntoIterator<Item = &'g Grant>) -> Explanation {
    let mut record = Record::default();
    let findings = findings::weigh(question, &mut record);
    let refusal = findings.conclude(question).err();
    let grant = match refusal {
        Some(Refusal::Implicit(_)) => grants::search(question, grants, || findings, &mut record),
        Some(Refusal::Explicit(_)) | None => None,
    };
    let refusal = refusal.filter(|_| grant.is_none());
    Explanation {
        allowed: refusal.is_none(),
        explicit_deny: matches!(refusal, Some(Refusal::Explicit(_))),
        outcome: Some(Outcome::of(refusal, grant)),
        context: Asked::of(question),
        policies: record.policies,
        grants: record.grants,
        omitted: 0,
        denial: refusal.map(|refusal| Denial::new(question, refusal)),
        crosses_accounts: question
            .resource
            .owner()
            .is_some_and(|owner| owner != *question.principal.account()),
    }
}

impl Explanation {
    /// The decision that it explains.
    pub fn decision(&self) -> Decision {
        self.denial.clone().map_or(Decision::Allowed, Decision::Denied)
    }

    /// What a caller is told of a key or alias that it cannot see, whether or not it exists.
    #[must_use]
    pub fn invisible(principal: &Principal, action: &str) -> Self {
        Self {
            allowed: false,
            explicit_deny: false,
            outcome: None,
            context: Asked { principal: AskedBy::of(principal), action: action.into(), resource: None },
            policies: Vec::new(),
            grants: Vec::new(),
            omitted: 0,
            denial: Some(Denial::invisible(principal, action)),
            crosses_accounts: true,
        }
    }

    /// As much of a refusal as the caller's account may know. Of what is another account's it is told as much as of what does not
    /// exist. Not even its own policies are shown: which of their conditions fail tells what the resource is like.
    #[must_use]
    pub fn for_caller(self, principal: &Principal) -> Self {
        if self.crosses_accounts { Self::invisible(principal, &self.context.action) } else { self }
    }

    /// Its JSON in at most that many bytes if anything can be left out for it: first the grants to others, then all grants, then
    /// the statements that did not apply.
    #[must_use]
    pub fn json_within(mut self, limit: usize) -> String {
        for shorten in [Self::keep_all, Self::drop_grants_to_others, Self::drop_grants, Self::drop_unmatched]
        {
            shorten(&mut self);
            let json = serde_json::to_string(&self).unwrap_or_default();
            if json.len() <= limit {
                return json;
            }
        }
        self.policies.clear();
        serde_json::to_string(&self).unwrap_or_default()
    }

    const fn keep_all(&mut self) {}

    fn drop_grants_to_others(&mut self) {
        let before = self.grants.len();
        let is_close = |grant: &ConsideredGrant| {
            !matches!(grant.outcome, GrantOutcome::OtherOperation | GrantOutcome::OtherPrincipal)
        };
        self.grants.retain(is_close);
        self.omitted += before - self.grants.len();
    }

    fn drop_grants(&mut self) {
        self.omitted += self.grants.len();
        self.grants.clear();
    }

    fn drop_unmatched(&mut self) {
        for policy in &mut self.policies {
            let before = policy.statements.len();
            policy.statements.retain(|statement| statement.outcome == StatementOutcome::Matched);
            self.omitted += before - policy.statements.len();
        }
    }
}

impl Outcome {
    fn of(refusal: Option<Refusal>, grant: Option<&Grant>) -> Self {
        match (refusal, grant) {
            (Some(Refusal::Explicit(policy_type)), _) => Self::DeniedBy(policy_type),
            (Some(Refusal::Implicit(policy_type)), _) => Self::NotAllowedBy(policy_type),
            (None, Some(grant)) => Self::GrantedBy(grant.id),
            (None, None) => Self::PoliciesAllow,
        }
    }
}

impl Asked {
    fn of(question: &Question<'_>) -> Self {
        let resource = match question.resource {
            Resource::Alias(arn) => arn.to_string(),
            Resource::Any => "*".into(),
            Resource::Iam { arn, .. } | Resource::Role { arn, .. } => arn.into(),
            Resource::Key { arn, .. } => arn.text(),
        };
        let principal = AskedBy::of(question.principal);
        Self { principal, action: question.action.into(), resource: Some(resource) }
    }
}

impl AskedBy {
    fn of(principal: &Principal) -> Self {
        Self { id: principal.user_id(), arn: principal.to_string() }
    }
}

impl GrantOutcome {
    pub(super) const fn refused(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Explicit(policy_type) => Self::DeniedBy(policy_type),
            Refusal::Implicit(policy_type) => Self::NotAllowedBy(policy_type),
        }
    }
}

/// Hears what is looked at while a question is decided.
pub(super) trait Recorder {
    /// From here on the statements are those of this policy.
    fn policy(&mut self, _policy_type: PolicyType, _name: &str) {}

    /// This statement is about the action.
    fn statement(
        &mut self,
        _index: usize,
        _statement: &Statement,
        _outcome: StatementOutcome,
        _facts: &dyn Facts,
    ) {
    }

    /// This grant was looked at.
    fn grant(&mut self, _grant: &Grant, _outcome: GrantOutcome, _facts: &dyn Facts) {}
}

/// Nobody listens.
pub(super) struct Unrecorded;

impl Recorder for Unrecorded {}

#[derive(Default)]
pub(super) struct Record {
    policies: Vec<ConsideredPolicy>,
    grants: Vec<ConsideredGrant>,
}

impl Record {
    /// The policies that were asked.
    pub(super) fn into_policies(self) -> Vec<ConsideredPolicy> {
        self.policies
    }
}

impl Recorder for Record {
    fn policy(&mut self, policy_type: PolicyType, name: &str) {
        let (verdict, statements) = (PolicyVerdict::Silent, Vec::new());
        self.policies.push(ConsideredPolicy { policy_type, name: name.into(), verdict, statements });
    }

    fn statement(
        &mut self,
        index: usize,
        statement: &Statement,
        outcome: StatementOutcome,
        facts: &dyn Facts,
    ) {
        let Some(policy) = self.policies.last_mut() else {
            return;
        };
        let (effect, says) = match statement.effect {
            Effect::Allow => ("Allow", PolicyVerdict::Allows),
            Effect::Deny => ("Deny", PolicyVerdict::Denies),
        };
        if outcome == StatementOutcome::Matched {
            policy.verdict = policy.verdict.max(says);
        }
        let failed = outcome == StatementOutcome::ConditionFailed;
        let failed_conditions = if failed { statement.failed_conditions(facts) } else { Vec::new() };
        let sid = statement.sid.as_deref().map(String::from);
        policy.statements.push(ConsideredStatement { index, sid, effect, outcome, failed_conditions });
    }

    fn grant(&mut self, grant: &Grant, outcome: GrantOutcome, facts: &dyn Facts) {
        let failed = outcome == GrantOutcome::ConstraintFailed;
        let constraints = failed.then(|| FailedConstraints {
            wanted: grant.constraints.clone(),
            actual: grants::context(facts).unwrap_or_default(),
        });
        self.grants.push(ConsideredGrant {
            grant_id: grant.id,
            name: grant.name.clone(),
            grantee_principal: grant.grantee.name.clone(),
            operations: grant.operations,
            outcome,
            constraints,
        });
    }
}

impl Serialize for FailedCondition {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut condition = to.serialize_struct("FailedCondition", 4)?;
        condition.serialize_field("operator", &self.operator)?;
        condition.serialize_field("key", &self.key)?;
        condition.serialize_field("wanted", &self.wanted)?;
        condition.serialize_field("actual", &self.actual)?;
        condition.end()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}
