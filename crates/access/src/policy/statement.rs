//! One statement of a policy: what it covers, whom it names, under which conditions.

use super::condition::FailedCondition;
use super::target::Target;
use crate::{Facts, Principal};
use keys::AccountId;

/// What follows if a statement applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// How a statement names a principal. In the order of how much an `Allow` of it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    /// Not at all.
    No,
    /// Its account: the account's own policies decide.
    Account,
    /// The role of its session: what limits the role and the session limits this too.
    Role,
    /// Itself: the user, the session, the service, the root user, anyone.
    Direct,
}

#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Box<str>>,
    pub(crate) effect: Effect,
}

impl Statement {
    /// Whether it is about that action. One without `Action` is about none.
    pub(crate) fn covers_action(&self, _action: &str) -> bool {
        false
    }

    /// Whether it is about that resource. In a key policy `*` is the key that it belongs to, and a statement without `Resource` is
    /// about nothing; in a trust policy every statement is about the role.
    pub(crate) fn covers_resource(&self, _target: &Target<'_>, _facts: &dyn Facts) -> bool {
        false
    }

    /// How it names that principal. `owner` is the account that the policy's key or role belongs to. A statement of an identity policy
    /// names whomever it is attached to: `Direct`.
    pub(crate) fn names(&self, _principal: &Principal, _owner: &AccountId) -> Named {
        Named::No
    }

    /// Whether all its conditions hold.
    pub(crate) fn conditions_hold(&self, _facts: &dyn Facts) -> bool {
        false
    }

    /// Those conditions that do not hold, for explanations.
    pub(crate) fn failed_conditions(&self, _facts: &dyn Facts) -> Vec<FailedCondition> {
        Vec::new()
    }
}
