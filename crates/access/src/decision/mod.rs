//! The decision: what all policies together, and after them the grants, answer to a question. Refusal is the default.
//!
//! One algorithm: [`decide`], [`grant_for`] and [`explain`] run the same code, the last with a recorder that listens.

mod actions;
mod denial;
mod explanation;
mod external_key;
mod findings;
mod grants;
mod lockout;

pub use actions::{KEY_ACTIONS, KeyAction};
pub use denial::{Denial, PolicyType};
pub use explanation::{
    Asked, AskedBy, ConsideredGrant, ConsideredPolicy, ConsideredStatement, Explanation, FailedConstraints,
    GrantOutcome, Outcome, PolicyVerdict, StatementOutcome, explain, explain_retirement,
};
pub use external_key::{
    DecidingStatement, ExternalKeyQuestion, ExternalKeyVerdict, decide_external_key, explain_external_key,
};
pub use grants::{decide_retirement, grant_for, is_at_least_as_strict};
pub use lockout::{LOCKED_OUT, keeps_control};

use crate::{Authority, Facts, Policy, Principal};
use explanation::Unrecorded;
use keys::AccountId;
use std::fmt;
use wire::arn::{AliasArn, KeyArn};

/// May this principal do that?
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// The policies on its side.
    pub authority: &'a Authority,
    /// What for, by its full name as AWS spells it, such as `kms:Encrypt`.
    pub action: &'a str,
    /// On what.
    pub resource: Resource<'a>,
    /// What the conditions of policies may ask.
    pub facts: &'a dyn Facts,
}

/// What an action is on.
#[derive(Clone, Copy, Debug)]
pub enum Resource<'a> {
    /// An alias. Identity-based policies of its own account decide.
    Alias(&'a AliasArn),
    /// Nothing in particular, `*`: the caller's own account. Identity-based policies decide.
    Any,
    /// What IAM keeps. Identity-based policies of its own account decide.
    Iam {
        /// Its ARN.
        arn: &'a str,
        /// Whose it is.
        account: AccountId,
    },
    /// A key. Its policy is the root of trust: without it nothing is allowed but by a grant.
    Key {
        /// Its ARN.
        arn: &'a KeyArn,
        /// Its key policy.
        policy: &'a Policy,
    },
    /// A role to be assumed. Its trust policy must let the caller.
    Role {
        /// Its ARN.
        arn: &'a str,
        /// Whose it is.
        account: AccountId,
        /// Its trust policy.
        policy: &'a Policy,
    },
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// It may.
    Allowed,
    /// It may not.
    Denied(Denial),
}

/// Decides by all policies. A key's grants are another matter: if it is not denied explicitly, [`grant_for`] may find one.
pub fn decide(question: &Question<'_>) -> Decision {
    match findings::weigh(question, &mut Unrecorded).conclude(question) {
        Ok(()) => Decision::Allowed,
        Err(refusal) => Decision::Denied(Denial::new(question, refusal)),
    }
}

impl Question<'_> {
    /// Whether the resource is of the caller's own account.
    fn is_about_own_account(&self) -> bool {
        self.resource.owner().is_none_or(|owner| owner == *self.principal.account())
    }
}

impl Resource<'_> {
    /// The account that it belongs to; none if it is the caller's own.
    const fn owner(&self) -> Option<AccountId> {
        match self {
            Self::Alias(arn) => Some(arn.account),
            Self::Any => None,
            Self::Iam { account, .. } | Self::Role { account, .. } => Some(*account),
            Self::Key { arn, .. } => Some(arn.account),
        }
    }
}

impl fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("principal", self.principal)
            .field("action", &self.action)
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}
