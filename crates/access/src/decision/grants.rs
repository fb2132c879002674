//! Grants as evidence: which of a key's grants lets a caller do what no policy allows. A grant never outweighs an explicit deny.
//!
//! A key may have 50,000 grants: those that cannot apply are passed over without an allocation.

use super::denial::{Denial, Refusal};
use super::explanation::{GrantOutcome, Recorder, Unrecorded};
use super::findings::{Findings, RETIRE_GRANT, weigh};
use super::{Decision, KeyAction, Question, Resource};
use crate::policy::Named;
use crate::{ConditionKey, Facts, Principal, PrincipalKind};
use keys::{AccountId, Grant, GrantConstraints, GrantOperation, GrantOperations, GrantPrincipal};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// The first of those grants, all of them on the key in question, that allows what [`crate::decide`] did not.
///
/// To `kms:CreateGrant` a grant applies if the requested one, as `kms:GrantOperations` and the other facts about it tell, is at least as
/// strict. To `kms:RetireGrant` none does, whatever it lists: which grant is to be retired matters, and [`decide_retirement`] is told.
pub fn grant_for<'g>(
    question: &Question<'_>,
    grants: impl IntoIterator<Item = &'g Grant>,
) -> Option<&'g Grant> {
    let findings = OnceCell::new();
    let weighed = || *findings.get_or_init(|| weigh(question, &mut Unrecorded));
    let grants = grants.into_iter().filter(|_| question.action != RETIRE_GRANT);
    search(question, grants, weighed, &mut Unrecorded)
}

/// May this principal retire this grant on the key in question? Its retiring principal may, its grantee if it lists the operation, and the
/// account that issued it; no policy alone lets anybody, but any may deny it.
pub fn decide_retirement(question: &Question<'_>, grant: &Grant) -> Decision {
    let question = &Question { action: RETIRE_GRANT, ..*question };
    let findings = weigh(question, &mut Unrecorded);
    match findings.conclude(question) {
        Err(Refusal::Implicit(_)) if search(question, [grant], || findings, &mut Unrecorded).is_some() => {
            Decision::Allowed
        }
        Err(refusal) => Decision::Denied(Denial::new(question, refusal)),
        Ok(()) => Decision::Allowed,
    }
}

/// Whether a grant of these operations and constraints may be made by somebody who may use the key by `parent` only.
//= grants.html: a child grant's operations are a subset of its parent's, its constraints the same or stricter
#[must_use]
pub fn is_at_least_as_strict(
    operations: GrantOperations,
    constraints: &GrantConstraints,
    parent: &Grant,
) -> bool {
    let GrantConstraints { equals, subset, source_arn } = constraints;
    let wanted = &parent.constraints;
    let keeps_equals = wanted.equals.is_none() || *equals == wanted.equals;
    let holds = |pairs: &Option<BTreeMap<String, String>>, wanted: &BTreeMap<String, String>| {
        pairs.as_ref().is_some_and(|pairs| wanted.iter().all(|(name, value)| pairs.get(name) == Some(value)))
    };
    let keeps_subset =
        wanted.subset.as_ref().is_none_or(|wanted| holds(equals, wanted) || holds(subset, wanted));
    let keeps_source = wanted.source_arn.is_none() || *source_arn == wanted.source_arn;
    operations.is_subset_of(parent.operations) && keeps_equals && keeps_subset && keeps_source
}

pub(super) fn search<'g>(
    question: &Question<'_>,
    grants: impl IntoIterator<Item = &'g Grant>,
    findings: impl Fn() -> Findings,
    recorder: &mut impl Recorder,
) -> Option<&'g Grant> {
    let operation = KeyAction::of_name(question.action)?.grantable?;
    let Resource::Key { .. } = question.resource else {
        return None;
    };
    let request = Request::new(question, operation);
    grants.into_iter().find(|grant| {
        let outcome = request.outcome(grant, &findings);
        recorder.grant(grant, outcome, question.facts);
        outcome == GrantOutcome::Applied
    })
}

/// A request as grants are compared with it.
struct Request<'q> {
    question: &'q Question<'q>,
    operation: GrantOperation,
    caller: Caller<'q>,
    context_keys: OnceCell<Vec<Cow<'q, str>>>,
    child: OnceCell<Option<(GrantOperations, GrantConstraints)>>,
}

impl<'q> Request<'q> {
    fn new(question: &'q Question<'q>, operation: GrantOperation) -> Self {
        let caller = Caller::new(question.principal);
        Self { question, operation, caller, context_keys: OnceCell::new(), child: OnceCell::new() }
    }

    fn outcome(&self, grant: &Grant, findings: &impl Fn() -> Findings) -> GrantOutcome {
        let retiring = self.operation == GrantOperation::RetireGrant;
        let named = if retiring { self.named_to_retire(grant) } else { self.named(grant) };
        if !retiring && !grant.operations.contains(self.operation) {
            return GrantOutcome::OtherOperation;
        }
        if named == Named::No {
            return GrantOutcome::OtherPrincipal;
        }
        if !self.keeps_to(grant) {
            return GrantOutcome::ConstraintFailed;
        }
        let findings = findings();
        match findings.not_denied().and_then(|()| findings.allowed_as(named, self.question.principal)) {
            Ok(()) => GrantOutcome::Applied,
            Err(refusal) => GrantOutcome::refused(refusal),
        }
    }

    fn named(&self, grant: &Grant) -> Named {
        if grant.operations.contains(self.operation) {
            self.caller.named_by(&grant.grantee)
        } else {
            Named::No
        }
    }

    fn named_to_retire(&self, grant: &Grant) -> Named {
        let by_retiring =
            grant.retiring.as_ref().map_or(Named::No, |retiring| self.caller.named_by(retiring));
        self.named(grant).max(by_retiring).max(self.caller.named_as_account(grant.issuing_account))
    }

    //= CreateGrant: constraints do not apply to DescribeKey and RetireGrant
    fn keeps_to(&self, grant: &Grant) -> bool {
        match self.operation {
            GrantOperation::DescribeKey | GrantOperation::RetireGrant => true,
            GrantOperation::CreateGrant => {
                let child = self.child.get_or_init(|| requested(self.question.facts)).as_ref();
                child.is_some_and(|(operations, constraints)| {
                    is_at_least_as_strict(*operations, constraints, grant)
                })
            }
            _ => self.keeps_to_context(&grant.constraints) && self.keeps_to_source(&grant.constraints),
        }
    }

    fn keeps_to_context(&self, constraints: &GrantConstraints) -> bool {
        let GrantConstraints { equals, subset, .. } = constraints;
        let equal =
            |pairs: &BTreeMap<_, _>| pairs.len() == self.context_keys().len() && self.has_pairs(pairs);
        equals.as_ref().is_none_or(equal) && subset.as_ref().is_none_or(|pairs| self.has_pairs(pairs))
    }

    /// Keys of grants compare with case, condition keys without: of two keys that the facts cannot tell apart a context has neither here.
    fn has_pairs(&self, pairs: &BTreeMap<String, String>) -> bool {
        let facts = self.question.facts;
        pairs.iter().all(|(name, value)| {
            self.context_keys().iter().any(|key| key == name)
                && facts.find(ConditionKey::KmsEncryptionContext, name).one() == Some(value)
        })
    }

    fn context_keys(&self) -> &[Cow<'q, str>] {
        self.context_keys.get_or_init(|| {
            self.question.facts.find(ConditionKey::KmsEncryptionContextKeys, "").as_slice().to_vec()
        })
    }

    //= CreateGrant, SourceArn: only requests that a service makes are held to it
    fn keeps_to_source(&self, constraints: &GrantConstraints) -> bool {
        let is_service = matches!(self.question.principal.kind(), PrincipalKind::Service { .. });
        let source = || self.question.facts.find(ConditionKey::SourceArn, "");
        constraints.source_arn.as_ref().is_none_or(|wanted| !is_service || source().one() == Some(wanted))
    }
}

/// The names under which a grant can mean a caller, written down once.
struct Caller<'q> {
    principal: &'q Principal,
    arn: String,
    role_arn: String,
    account_arn: String,
}

impl<'q> Caller<'q> {
    fn new(principal: &'q Principal) -> Self {
        let account_arn = format!("arn:{}:iam::{}:root", principal.partition(), principal.account());
        Self { principal, arn: principal.to_string(), role_arn: principal.principal_arn(), account_arn }
    }

    /// How that name names it. Users and roles are known by their unique ids: a user may be renamed, and one of
    /// the same name may be another.
    fn named_by(&self, name: &GrantPrincipal) -> Named {
        let is_bound = name.unique_id.is_some();
        // Of a session the unique id may be the role's or, after a colon, have the session's name.
        let is_id = |unique_id: &str, id: &str| unique_id.split(':').next() == Some(id);
        let has_id = |id: &str| name.unique_id.as_deref().is_none_or(|unique_id| is_id(unique_id, id));
        let itself = match self.principal.kind() {
            PrincipalKind::AssumedRole { role_id, .. } if !has_id(role_id) => Named::No,
            PrincipalKind::AssumedRole { .. } if name.name == self.arn => Named::Direct,
            PrincipalKind::AssumedRole { .. } if name.name == self.role_arn => Named::Role,
            PrincipalKind::Service { .. } if !is_bound && name.name == self.arn => Named::Direct,
            PrincipalKind::User { id, .. } if has_id(id) && (is_bound || name.name == self.arn) => {
                Named::Direct
            }
            _ => Named::No,
        };
        let names_account = name.name == self.account_arn || name.name == self.principal.account().as_str();
        if names_account { self.named_as_account(*self.principal.account()) } else { itself }
    }

    /// How the name of that account names it.
    fn named_as_account(&self, account: AccountId) -> Named {
        match self.principal.kind() {
            _ if account != *self.principal.account() => Named::No,
            PrincipalKind::Federated { .. } | PrincipalKind::Service { .. } => Named::No,
            PrincipalKind::AssumedRole { .. } | PrincipalKind::Root | PrincipalKind::User { .. } => {
                Named::Account
            }
        }
    }
}

/// The grant that a request for one asks for. None if that cannot be told, and then nothing is strict enough.
fn requested(facts: &dyn Facts) -> Option<(GrantOperations, GrantConstraints)> {
    let operations = facts.find(ConditionKey::KmsGrantOperations, "");
    let operations: Option<GrantOperations> =
        operations.as_slice().iter().map(|name| GrantOperation::of_name(name)).collect();
    let operations = operations.filter(|operations| !operations.is_empty())?;
    let source_arn = facts.find(ConditionKey::KmsGrantConstraintSourceArn, "").one().map(String::from);
    let constraint = facts.find(ConditionKey::KmsGrantConstraintType, "");
    let (equals, subset) = match constraint.one() {
        Some("EncryptionContextEquals") => (Some(context(facts)?), None),
        Some("EncryptionContextSubset") => (None, Some(context(facts)?)),
        _ => (None, None),
    };
    Some((operations, GrantConstraints { equals, subset, source_arn }))
}

/// The pairs of the encryption context. None if a key has not one value, as of two that the facts cannot tell apart.
pub(super) fn context(facts: &dyn Facts) -> Option<BTreeMap<String, String>> {
    let keys = facts.find(ConditionKey::KmsEncryptionContextKeys, "");
    let value = |key: &str| facts.find(ConditionKey::KmsEncryptionContext, key).one().map(String::from);
    keys.as_slice().iter().map(|key| Some((key.to_string(), value(key)?))).collect()
}
