//! What a denied caller is told, in AWS's words. A caller of another account is told the same whether or not the resource exists.

use super::{Question, Resource};
use crate::{Principal, PrincipalKind};
use serde::Serialize;
use std::fmt;

/// A refusal. Its `Display` is the message for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    principal: Principal,
    action: Box<str>,
    object: Object,
    refusal: Refusal,
}

/// Which policies refused: the types of policy that AWS's messages tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicyType {
    /// Of the user or role, or of a group of the user.
    IdentityBased,
    /// Of the user or role: what it can have at most.
    PermissionsBoundary,
    /// Of the key, or the role to be assumed.
    ResourceBased,
    /// Of the session: what it can do at most.
    Session,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A statement denies it.
    Explicit(PolicyType),
    /// No statement allows it.
    Implicit(PolicyType),
}

/// How the message says on what.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Object {
    Arn(Box<str>),
    Ciphertext,
    /// Something that the caller may not know to exist.
    Invisible,
    Nothing,
    /// A role is as invisible as the like of it in another account, but AWS has shorter words for it.
    Role(Box<str>),
}

impl Denial {
    pub(super) fn new(question: &Question<'_>, refusal: Refusal) -> Self {
        let &Question { principal, action, resource, .. } = question;
        let is_own = question.is_about_own_account();
        let object = match resource {
            Resource::Any => Object::Nothing,
            Resource::Iam { arn, .. } => Object::Arn(arn.into()),
            Resource::Key { arn, .. } if is_own => Object::Arn(arn.text().into()),
            Resource::Alias(arn) if is_own => Object::Arn(arn.to_string().into()),
            Resource::Role { arn, .. } if is_own => Object::role(arn, refusal),
            Resource::Role { arn, .. } => Object::Role(arn.into()),
            Resource::Alias(_) | Resource::Key { .. } => Object::Invisible,
        };
        Self { principal: principal.clone(), action: action.into(), object, refusal }
    }

    /// The refusal of a key or alias that the caller cannot see, whether or not it exists.
    #[must_use]
    pub fn invisible(principal: &Principal, action: &str) -> Self {
        let refusal = Refusal::Implicit(PolicyType::ResourceBased);
        Self { principal: principal.clone(), action: action.into(), object: Object::Invisible, refusal }
    }

    /// The refusal of a role, whether or not it exists.
    #[must_use]
    pub fn of_role(principal: &Principal, action: &str, arn: &str) -> Self {
        let refusal = Refusal::Implicit(PolicyType::ResourceBased);
        Self {
            principal: principal.clone(),
            action: action.into(),
            object: Object::Role(arn.into()),
            refusal,
        }
    }

    /// The same of a key that only a ciphertext named: its ARN is not told.
    #[must_use]
    pub fn of_ciphertext(mut self) -> Self {
        if matches!(self.object, Object::Arn(_)) {
            self.object = Object::Ciphertext;
        }
        self
    }

    /// Whether a statement denies it, so that no grant helps.
    #[must_use]
    pub const fn is_explicit(&self) -> bool {
        matches!(self.refusal, Refusal::Explicit(_))
    }
}

impl Object {
    fn role(arn: &str, refusal: Refusal) -> Self {
        match refusal {
            Refusal::Explicit(_) => Self::Arn(arn.into()),
            Refusal::Implicit(_) => Self::Role(arn.into()),
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, action, object, refusal } = self;
        //= sts:AssumeRoleWithWebIdentity: whoever has no credentials yet is told nothing but what it may not do
        if matches!(principal.kind(), PrincipalKind::Federated { .. }) {
            return write!(f, "Not authorized to perform {action}");
        }
        write!(f, "User: {principal} is not authorized to perform: {action}")?;
        match object {
            Object::Arn(arn) => write!(f, " on resource: {arn}")?,
            Object::Ciphertext => f.write_str(" on the resource associated with this ciphertext")?,
            Object::Invisible => return f.write_str(INVISIBLE),
            Object::Nothing => {}
            Object::Role(arn) => return write!(f, " on resource: {arn}"),
        }
        match refusal {
            Refusal::Explicit(policy_type) => {
                write!(f, " with an explicit deny in {} {policy_type}", policy_type.article())
            }
            Refusal::Implicit(policy_type) => {
                write!(f, " because no {policy_type} allows the {action} action")
            }
        }
    }
}

impl PolicyType {
    const fn article(self) -> &'static str {
        match self {
            Self::IdentityBased => "an",
            Self::PermissionsBoundary | Self::ResourceBased | Self::Session => "a",
        }
    }
}

impl fmt::Display for PolicyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IdentityBased => "identity-based policy",
            Self::PermissionsBoundary => "permissions boundary",
            Self::ResourceBased => "resource-based policy",
            Self::Session => "session policy",
        })
    }
}

const INVISIBLE: &str = " on this resource because the resource does not exist in this Region, no resource-based policies allow \
                         access, or a resource-based policy explicitly denies access";
