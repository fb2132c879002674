//! What each policy says to a question, and what follows from all of them together.
//!
//! Every statement of every policy is looked at before anything is concluded: an explicit deny anywhere wins.

use super::actions::KeyAction;
use super::denial::{PolicyType, Refusal};
use super::explanation::{Recorder, StatementOutcome};
use super::{Question, Resource};
use crate::authority::Attached;
use crate::policy::{Effect, Named, Statement, Target};
use crate::{Policy, Principal, PrincipalKind};
use keys::AccountId;

/// What the policies of one type say.
#[derive(Clone, Copy)]
pub(super) struct Finding {
    denied: bool,
    allowed: Named,
}

/// What all of them say.
#[derive(Clone, Copy)]
pub(super) struct Findings {
    resource: Finding,
    identity: Finding,
    boundary: Option<Finding>,
    session: Option<Finding>,
}

/// Asks every policy.
pub(super) fn weigh(question: &Question<'_>, recorder: &mut impl Recorder) -> Findings {
    let &Question { principal, authority, resource, .. } = question;
    let (target, resource_policy) = match &resource {
        Resource::Alias(arn) => (Target::of(*arn), None),
        Resource::Any => (Target::any(), None),
        Resource::Iam { arn, .. } => (Target::text(arn), None),
        Resource::Key { arn, policy } => (Target::of(*arn), Some(policy)),
        Resource::Role { arn, policy, .. } => (Target::text(arn), Some(policy)),
    };
    let owner = resource.owner().unwrap_or(*principal.account());
    let weighing = Weighing { question, target, owner };
    let resource = resource_policy
        .map_or(Finding::NOTHING, |policy| weighing.policy(PolicyType::ResourceBased, "", policy, recorder));
    let mut identity = weighing.policies(PolicyType::IdentityBased, &authority.identity, recorder);
    if *principal.kind() == PrincipalKind::Root {
        identity.allowed = Named::Direct;
    }
    let boundary = authority.boundary.as_ref().map(std::slice::from_ref);
    let boundary =
        boundary.map(|policy| weighing.policies(PolicyType::PermissionsBoundary, policy, recorder));
    let session = authority.session.as_deref();
    let session = session.map(|policies| weighing.policies(PolicyType::Session, policies, recorder));
    Findings { resource, identity, boundary, session }
}

impl Findings {
    /// What the policies decide.
    pub(super) fn conclude(&self, question: &Question<'_>) -> Result<(), Refusal> {
        self.not_denied()?;
        let &Question { principal, action, resource, .. } = question;
        let is_own = question.is_about_own_account();
        let named = self.resource.allowed;
        match resource {
            Resource::Key { .. } if principal.is_federated() || action == RETIRE_GRANT => {
                Err(NOT_BY_RESOURCE)
            }
            Resource::Key { .. } if !is_own && !is_cross_account(action) => Err(NOT_BY_RESOURCE),
            Resource::Key { .. } | Resource::Role { .. }
                if is_own || principal.has_no_identity_policies() =>
            {
                self.allowed_as(named, principal)
            }
            // Of two accounts each must let the caller.
            Resource::Key { .. } | Resource::Role { .. } => {
                self.allowed_as(named.min(Named::Account), principal)
            }
            Resource::Alias(_) | Resource::Iam { .. } if !is_own => Err(NOT_BY_IDENTITY),
            Resource::Alias(_) | Resource::Any | Resource::Iam { .. } => {
                self.allowed_as(Named::Account, principal)
            }
        }
    }

    /// Refuses if any policy denies it explicitly.
    pub(super) fn not_denied(&self) -> Result<(), Refusal> {
        let denies = |finding: Option<Finding>| finding.is_some_and(|finding| finding.denied);
        let denied = [
            (denies(Some(self.resource)), PolicyType::ResourceBased),
            (denies(Some(self.identity)), PolicyType::IdentityBased),
            (denies(self.boundary), PolicyType::PermissionsBoundary),
            (denies(self.session), PolicyType::Session),
        ];
        match denied.into_iter().find(|(denied, _)| *denied) {
            Some((_, policy_type)) => Err(Refusal::Explicit(policy_type)),
            None => Ok(()),
        }
    }

    /// Whether the resource-based policy alone lets the caller.
    pub(super) fn resource_allows(&self) -> bool {
        !self.resource.denied && self.resource.allowed != Named::No
    }

    /// What remains to be allowed on the caller's side, once a resource-based policy or a grant has named the caller so.
    //= Permissions boundaries: a resource-based policy that names a user or a role's session is not limited by an implicit deny in
    //= a boundary or session policy; one that names a role is
    pub(super) fn allowed_as(&self, named: Named, principal: &Principal) -> Result<(), Refusal> {
        let is_user = matches!(principal.kind(), PrincipalKind::User { .. });
        let is_silent =
            |finding: Option<Finding>| finding.is_some_and(|finding| finding.allowed == Named::No);
        let beyond_identity = is_silent(Some(self.identity)) || principal.has_no_identity_policies();
        let (beyond_boundary, beyond_session) = (is_silent(self.boundary), is_silent(self.session));
        let implicit = |policy_type| Err(Refusal::Implicit(policy_type));
        match named {
            Named::No => implicit(PolicyType::ResourceBased),
            // The name of a user is not the name of its session.
            Named::Direct if is_user && beyond_session => implicit(PolicyType::Session),
            Named::Direct => Ok(()),
            Named::Account if beyond_identity => implicit(PolicyType::IdentityBased),
            Named::Account | Named::Role if beyond_boundary => implicit(PolicyType::PermissionsBoundary),
            Named::Account | Named::Role if beyond_session => implicit(PolicyType::Session),
            Named::Account | Named::Role => Ok(()),
        }
    }
}

/// One question, as statements are asked it.
struct Weighing<'q> {
    question: &'q Question<'q>,
    target: Target<'q>,
    owner: AccountId,
}

impl Weighing<'_> {
    fn policies(
        &self,
        policy_type: PolicyType,
        policies: &[Attached],
        recorder: &mut impl Recorder,
    ) -> Finding {
        let found = policies
            .iter()
            .map(|attached| self.policy(policy_type, &attached.name, &attached.policy, recorder));
        found.fold(Finding::NOTHING, Finding::or)
    }

    fn policy(
        &self,
        policy_type: PolicyType,
        name: &str,
        policy: &Policy,
        recorder: &mut impl Recorder,
    ) -> Finding {
        recorder.policy(policy_type, name);
        let mut finding = Finding::NOTHING;
        for (index, statement) in policy.statements().iter().enumerate() {
            if statement.covers_action(self.question.action) {
                finding = finding.or(self.statement(index, statement, recorder));
            }
        }
        finding
    }

    fn statement(&self, index: usize, statement: &Statement, recorder: &mut impl Recorder) -> Finding {
        let facts = self.question.facts;
        let named = statement.names(self.question.principal, &self.owner);
        let outcome = if named == Named::No {
            StatementOutcome::OtherPrincipal
        } else if !statement.covers_resource(&self.target, facts) {
            StatementOutcome::OtherResource
        } else if !statement.conditions_hold(facts) {
            StatementOutcome::ConditionFailed
        } else {
            StatementOutcome::Matched
        };
        recorder.statement(index, statement, outcome, facts);
        match (outcome, statement.effect) {
            (StatementOutcome::Matched, Effect::Allow) => Finding { denied: false, allowed: named },
            (StatementOutcome::Matched, Effect::Deny) => Finding { denied: true, allowed: Named::No },
            _ => Finding::NOTHING,
        }
    }
}

impl Finding {
    const NOTHING: Self = Self { denied: false, allowed: Named::No };

    fn or(self, other: Self) -> Self {
        Self { denied: self.denied || other.denied, allowed: self.allowed.max(other.allowed) }
    }
}

impl Principal {
    fn is_federated(&self) -> bool {
        matches!(self.kind(), PrincipalKind::Federated { .. })
    }

    /// Whether nobody but the owner of a resource can let it do anything.
    fn has_no_identity_policies(&self) -> bool {
        matches!(self.kind(), PrincipalKind::Federated { .. } | PrincipalKind::Service { .. })
    }
}

fn is_cross_account(action: &str) -> bool {
    KeyAction::of_name(action).is_some_and(|action| action.cross_account)
}

/// No key policy can allow it: it is for those whom a grant names, and for its issuer.
pub(super) const RETIRE_GRANT: &str = "kms:RetireGrant";

const NOT_BY_IDENTITY: Refusal = Refusal::Implicit(PolicyType::IdentityBased);

const NOT_BY_RESOURCE: Refusal = Refusal::Implicit(PolicyType::ResourceBased);
