//! One statement of a policy: what it covers, whom it names, under which conditions.

use super::condition::{Condition, FailedCondition};
use super::pattern::{Case, Pattern};
use super::principals::Principals;
use super::resource::Target;
use super::template::Template;
use crate::{Facts, Principal};
use keys::AccountId;

/// One statement. It is about a request if it covers the action and the resource, names the principal, and its conditions hold.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Box<str>>,
    pub(crate) effect: Effect,
    pub(super) actions: Coverage<Pattern>,
    pub(super) resources: Coverage<Template>,
    pub(super) principals: Principals,
    pub(super) conditions: Box<[Condition]>,
}

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

/// Of actions or resources, which ones.
#[derive(Debug)]
pub(super) enum Coverage<T> {
    AllBut(Box<[T]>),
    Everything,
    Nothing,
    Only(Box<[T]>),
}

impl Statement {
    /// Whether it is about that action. One without `Action` is about none.
    pub(crate) fn covers_action(&self, action: &str) -> bool {
        self.actions.covers(|pattern| Some(pattern.matches(action, Case::Ignored)))
    }

    /// Whether it is about that resource. In a key policy `*` is the key that it belongs to, and a statement without `Resource` is
    /// about nothing; in a trust policy every statement is about the role.
    pub(crate) fn covers_resource(&self, target: &Target<'_>, facts: &dyn Facts) -> bool {
        self.resources.covers(|template| match template {
            Template::Fixed(pattern) => {
                Some(pattern.is_everything() || pattern.matches(target.arn(), Case::Kept))
            }
            template => template.filled(facts).map(|pattern| pattern.matches(target.arn(), Case::Kept)),
        })
    }

    /// How it names that principal. `owner` is the account that the policy's key or role belongs to. A statement of an identity policy
    /// names whomever it is attached to: `Direct`.
    pub(crate) fn names(&self, principal: &Principal, owner: &AccountId) -> Named {
        self.principals.name(principal, owner)
    }

    /// Whether all its conditions hold.
    pub(crate) fn conditions_hold(&self, facts: &dyn Facts) -> bool {
        self.conditions.iter().all(|condition| condition.holds(facts))
    }

    /// Those conditions that do not hold, for explanations.
    pub(crate) fn failed_conditions(&self, facts: &dyn Facts) -> Vec<FailedCondition> {
        let failed = self.conditions.iter().filter(|condition| !condition.holds(facts));
        failed.map(|condition| condition.failure(facts)).collect()
    }
}

impl<T> Coverage<T> {
    /// Whether it covers what `matches` is true of. Where that cannot be told of one, of which a variable has no value, it covers nothing
    /// on the strength of that one.
    fn covers(&self, mut matches: impl FnMut(&T) -> Option<bool>) -> bool {
        match self {
            Self::AllBut(values) => values.iter().all(|value| matches(value) == Some(false)),
            Self::Everything => true,
            Self::Nothing => false,
            Self::Only(values) => values.iter().any(|value| matches(value) == Some(true)),
        }
    }
}
