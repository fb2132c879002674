//! The decision, and what a denied caller is told.

use crate::Principal;
use keys::AccountId;
use std::fmt;
use wire::arn::{AliasArn, KeyArn};

/// May this principal do that?
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// What for, such as `kms:Encrypt`.
    pub action: &'static str,
    /// On what.
    pub resource: Resource<'a>,
}

/// What an action is on.
#[derive(Clone, Copy, Debug)]
pub enum Resource<'a> {
    /// An alias.
    Alias(&'a AliasArn),
    /// Nothing in particular: the caller's own account and region.
    Any,
    /// A key.
    Key(&'a KeyArn),
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

/// A refusal, worded so that a caller of another account cannot tell whether the resource exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    principal: Principal,
    action: &'static str,
}

/// Decides. An account's root may do everything with what the account owns.
pub fn decide(question: &Question<'_>) -> Decision {
    let owner = question.resource.owner().unwrap_or(question.principal.account());
    if owner == question.principal.account() {
        return Decision::Allowed;
    }
    Decision::Denied(Denial::invisible(question.principal, question.action))
}

impl Denial {
    /// The refusal of a resource that the caller cannot see, whether or not it exists.
    #[must_use]
    pub fn invisible(principal: &Principal, action: &'static str) -> Self {
        Self { principal: principal.clone(), action }
    }
}

impl Resource<'_> {
    const fn owner(&self) -> Option<&AccountId> {
        match self {
            Self::Alias(arn) => Some(&arn.account),
            Self::Any => None,
            Self::Key(arn) => Some(&arn.account),
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "User: {} is not authorized to perform: {} on this resource because the resource does not exist in this \
             Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
            self.principal, self.action
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(account: &str) -> KeyArn {
        let arn = format!("arn:aws:kms:eu-central-1:{account}:key/1234abcd-12ab-44cd-96ef-1234567890ab");
        match arn.parse() {
            Ok(wire::arn::KeyReference::Arn(arn)) => arn,
            other => panic!("{other:?}"),
        }
    }

    fn asked(resource: Resource<'_>) -> Decision {
        let principal = Principal::root("aws".into(), "111122223333".parse().unwrap());
        decide(&Question { principal: &principal, action: "kms:Encrypt", resource })
    }

    #[test]
    fn root_may_do_everything_with_what_its_account_owns() {
        assert_eq!(asked(Resource::Key(&key_of("111122223333"))), Decision::Allowed);
        assert_eq!(asked(Resource::Any), Decision::Allowed);
    }

    #[test]
    fn nobody_may_touch_what_another_account_owns() {
        let Decision::Denied(denial) = asked(Resource::Key(&key_of("444455556666"))) else {
            panic!("allowed")
        };
        assert_eq!(
            denial.to_string(),
            "User: arn:aws:iam::111122223333:root is not authorized to perform: kms:Encrypt on this resource because the \
             resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy \
             explicitly denies access"
        );
        let KeyArn { partition, region, account, .. } = key_of("444455556666");
        let alias = AliasArn { partition, region, account, name: "alias/a".into() };
        assert!(matches!(asked(Resource::Alias(&alias)), Decision::Denied(_)));
    }
}
