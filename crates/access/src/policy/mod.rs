//! The policy language: texts are compiled once, when they are stored or first needed, and evaluated many times.
//!
//! Says what a statement covers, whom it names and whether its conditions hold. What follows from that is not decided here.

mod condition;
mod document;
mod external_key;
mod json;
mod malformed;
mod pattern;
mod principals;
mod resource;
mod shown;
mod statement;
mod template;

pub use condition::{Carriers, ConditionKey, FailedCondition, Row, ValueType};
pub use malformed::MalformedPolicy;
pub(crate) use resource::Target;
pub(crate) use statement::{Effect, Named, Statement};

use crate::PrincipalName;
use document::Document;
use pattern::Pattern;
use principals::Principals;
use statement::Coverage;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The ARNs of principals in a policy's text, and the unique ids of the users and roles that they named when it was stored. A principal
/// that is made later with the same ARN is not the one that was meant.
pub type BoundPrincipals = BTreeMap<String, String>;

/// Which kind of policy a text is. The grammar differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// Of an external key, or of all those of a store: which requests that a KMS has allowed an XKS proxy serves. It names nobody: who
    /// asked is a matter of its conditions.
    ExternalKey,
    /// Of a user, group or role; a managed policy, a permissions boundary, a session policy: it is about whoever has it.
    Identity,
    /// Of a KMS key.
    Key,
    /// Of a role: who may assume it.
    Trust,
}

/// A version of the policy language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyVersion {
    /// 2008-10-17, also if a policy says nothing: without variables.
    Of2008,
    /// 2012-10-17.
    Of2012,
}

/// A policy, ready to be asked.
#[derive(Debug)]
pub struct Policy {
    kind: PolicyKind,
    version: PolicyVersion,
    id: Option<Box<str>>,
    statements: Box<[Statement]>,
}

impl Policy {
    /// The policy that this text is. `bound` says whom its principals named when it was stored.
    pub fn compile(kind: PolicyKind, text: &str, bound: &BoundPrincipals) -> Result<Self, MalformedPolicy> {
        let Document { version, id, statements } = document::parse(kind, text, bound)?;
        Ok(Self { kind, version, id, statements })
    }

    /// The default key policy, whatever account owns the key.
    #[must_use]
    pub fn owner_default() -> &'static Self {
        static POLICY: LazyLock<Policy> = LazyLock::new(|| {
            let everything = Pattern::parse("kms:*");
            let statement = Statement {
                sid: Some("Enable IAM User Permissions".into()),
                effect: Effect::Allow,
                actions: Coverage::Only(Box::new([everything])),
                resources: Coverage::Everything,
                principals: Principals::Owner,
                conditions: Box::default(),
            };
            Policy {
                kind: PolicyKind::Key,
                version: PolicyVersion::Of2012,
                id: Some("key-default-1".into()),
                statements: Box::new([statement]),
            }
        });
        &POLICY
    }

    /// Every principal that its statements name, to see whether they exist.
    pub fn principals(&self) -> impl Iterator<Item = &PrincipalName> {
        self.statements.iter().flat_map(|statement| statement.principals.names())
    }

    /// Whether one of its conditions is about that key, so that whoever asks it must know the key's values.
    #[must_use]
    pub fn asks_for(&self, key: ConditionKey) -> bool {
        let conditions = self.statements.iter().flat_map(|statement| &statement.conditions);
        conditions.into_iter().any(|condition| condition.is_about(key))
    }

    /// A policy's text as it is shown: the ARNs of principals that are gone since turn into their unique ids.
    #[must_use]
    pub fn shown(text: &str, gone: &BoundPrincipals) -> String {
        shown::with_ids(text, gone)
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// The version of the language that it is written in.
    #[must_use]
    pub const fn version(&self) -> PolicyVersion {
        self.version
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Principal;
    use crate::facts::tests::Known;
    use keys::AccountId;

    #[test]
    fn a_policy_asks_for_the_keys_of_its_conditions() {
        let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"},
            {"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"KMS:resourcealiases":"alias/a"}}}]}"#;
        let policy = Policy::compile(PolicyKind::Identity, text, &BoundPrincipals::new()).unwrap();
        assert!(
            policy.asks_for(ConditionKey::KmsResourceAliases)
                && !policy.asks_for(ConditionKey::KmsRequestAlias)
        );
    }

    #[test]
    fn the_default_policy_says_what_its_text_says() {
        let owner: AccountId = "111122223333".parse().unwrap();
        let text = keys::default_policy("aws", &owner);
        let compiled = Policy::compile(PolicyKind::Key, &text, &BoundPrincipals::new()).unwrap();
        let built = Policy::owner_default();
        assert_eq!(
            (compiled.id(), compiled.kind(), compiled.version()),
            (built.id(), built.kind(), built.version())
        );
        let ([one], [other]) = (compiled.statements(), built.statements()) else {
            panic!("not one statement each")
        };
        assert_eq!((&one.sid, one.effect), (&other.sid, other.effect));
        let (root, stranger) =
            (|account| Principal::root("aws".into(), account), "444455556666".parse().unwrap());
        for principal in [root(owner), root(stranger)] {
            assert_eq!(one.names(&principal, &owner), other.names(&principal, &owner));
        }
        for action in ["kms:Encrypt", "iam:GetUser"] {
            assert_eq!(one.covers_action(action), other.covers_action(action));
        }
        let (key, none) = (Target::text("arn:aws:kms:eu-central-1:111122223333:key/x"), Known(&[]));
        assert!(one.covers_resource(&key, &none) && other.covers_resource(&key, &none));
    }

    #[test]
    fn the_default_policy_names_nobody_whose_existence_could_be_doubted() {
        assert_eq!(Policy::owner_default().principals().count(), 0);
    }

    #[test]
    fn a_policy_can_be_asked_from_several_threads() {
        const fn is_shared<T: Send + Sync>() {}
        is_shared::<Policy>();
    }
}
