//! The policy language: texts are compiled once, when they are stored or first needed, and evaluated many times.
//!
//! Says what a statement covers, whom it names and whether its conditions hold. What follows from that is not decided here.

mod condition;
mod malformed;
mod statement;
mod target;

pub use condition::{Carriers, ConditionKey, FailedCondition, Row, ValueType};
pub use malformed::MalformedPolicy;
pub(crate) use statement::{Effect, Named, Statement};
pub(crate) use target::Target;

use crate::PrincipalName;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The ARNs of principals in a policy's text, and the unique ids of the users and roles that they named when it was stored. A principal
/// that is made later with the same ARN is not the one that was meant.
pub type BoundPrincipals = BTreeMap<String, String>;

/// Which kind of policy a text is. The grammar differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// Of a user, group or role; a managed policy, a permissions boundary, a session policy: it is about whoever has it.
    Identity,
    /// Of a KMS key.
    Key,
    /// Of a role: who may assume it.
    Trust,
}

/// A policy, ready to be asked.
#[derive(Debug)]
pub struct Policy {
    kind: PolicyKind,
    id: Option<Box<str>>,
    statements: Box<[Statement]>,
}

impl Policy {
    /// The policy that this text is. `bound` says whom its principals named when it was stored.
    pub fn compile(
        _kind: PolicyKind,
        _text: &str,
        _bound: &BoundPrincipals,
    ) -> Result<Self, MalformedPolicy> {
        Err(MalformedPolicy::new("Syntax errors in policy."))
    }

    /// The default key policy, whatever account owns the key.
    #[must_use]
    pub fn owner_default() -> &'static Self {
        static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy {
            kind: PolicyKind::Key,
            id: Some("key-default-1".into()),
            statements: Box::default(),
        });
        &POLICY
    }

    /// Every principal that its statements name, to see whether they exist.
    pub fn principals(&self) -> impl Iterator<Item = &PrincipalName> {
        std::iter::empty()
    }

    /// A policy's text as it is shown: the ARNs of principals that are gone since turn into their unique ids.
    #[must_use]
    pub fn shown(text: &str, _gone: &BoundPrincipals) -> String {
        text.into()
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// Its `Id`.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Its statements, in order.
    pub(crate) fn statements(&self) -> &[Statement] {
        &self.statements
    }
}
