//! Supposing that somebody asks for something: the same decision as for a call, with all that mattered. Nothing is done, and
//! what a request would say is as supposed.

use super::weigh::{grants_to, resource};
use super::{Caller, Scene, Surroundings};
use crate::Fact;
use crate::identity::Identity;
use crate::operation::{Failure, On, Permission};
use access::{
    ConditionKey, Decision, Explanation, Facts, Policy, PolicyKind, PolicyType, PrincipalKind, Question,
    Resource, Values, decide, explain,
};
use keys::{AccountId, EncryptionAlgorithm, Moment};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use wire::arn::KeyArn;

/// What is supposed of a request, besides who asks for what.
#[derive(Debug, Default)]
pub struct Supposition {
    /// The encryption context.
    pub encryption_context: BTreeMap<String, String>,
    /// Condition keys by their names in lower case, and their values.
    pub given: BTreeMap<String, Vec<String>>,
    /// When; now if it is not said.
    pub time: Option<Moment>,
}

/// Something of another account, of which nothing is known but its name.
#[derive(Clone, Copy, Debug)]
pub enum Abroad<'a> {
    /// A key.
    Key(&'a KeyArn),
    /// A role.
    Role {
        /// Its ARN.
        arn: &'a str,
        /// Its account.
        account: AccountId,
    },
}

impl Scene<'_> {
    /// What that principal would be answered, and why.
    pub async fn suppose(
        &self,
        identity: &Identity,
        action: &str,
        on: On<'_>,
        supposition: &Supposition,
    ) -> Result<Explanation, Failure> {
        self.explained(identity, Permission { action, on }, resource(&on)?, supposition).await
    }

    /// What its own side says to that: an answer as if the other account let it.
    pub async fn suppose_abroad(
        &self,
        identity: &Identity,
        action: &str,
        abroad: Abroad<'_>,
        supposition: &Supposition,
    ) -> Result<Explanation, Failure> {
        let nothing = Policy::owner_default();
        let resource = match abroad {
            Abroad::Key(arn) => Resource::Key { arn, policy: ANYBODY_USES_KEY.as_ref().unwrap_or(nothing) },
            Abroad::Role { arn, account } => {
                Resource::Role { arn, account, policy: ANYBODY_ASSUMES_ROLE.as_ref().unwrap_or(nothing) }
            }
        };
        let permission = Permission { action, on: On::Account };
        let mut explanation = self.explained(identity, permission, resource, supposition).await?;
        explanation.policies.retain(|policy| policy.policy_type != PolicyType::ResourceBased);
        Ok(explanation)
    }

    async fn explained(
        &self,
        identity: &Identity,
        permission: Permission<'_>,
        resource: Resource<'_>,
        supposition: &Supposition,
    ) -> Result<Explanation, Failure> {
        let Permission { action, on } = permission;
        let caller = self.supposed_caller(identity);
        let facts = |action: &str| facts(action, &on, supposition);
        let scene = self.supposing(&caller, &facts, supposition.time);
        let surroundings = Surroundings::of(&scene, &permission).await?;
        let facts = Supposed { surroundings, supposition, is_new_session: is_new_session(&caller) };
        let Identity { principal, authority, .. } = identity;
        let question = Question { principal, authority, action, resource, facts: &facts };
        let grants = match (&on, decide(&question)) {
            (On::Key(named), Decision::Denied(_)) => {
                grants_to(self.reader(), principal, &named.address()).await?
            }
            _ => Vec::new(),
        };
        Ok(explain(&question, grants.iter().flat_map(|grants| grants.iter())))
    }

    /// Whoever asks about itself asks as it is: with its session.
    fn supposed_caller(&self, identity: &Identity) -> Caller {
        let supposed = Caller::supposed(identity.clone(), self.caller.region);
        let is_oneself = identity.principal == self.caller.identity.principal;
        let session = self.caller.session.as_ref().filter(|_| is_oneself).map(Arc::clone);
        Caller { session, ..supposed }
    }
}

/// Whether it is a session of which nothing is known: a new one.
fn is_new_session(caller: &Caller) -> bool {
    matches!(caller.identity.principal.kind(), PrincipalKind::AssumedRole { .. }) && caller.session.is_none()
}

/// What a request of that kind says of itself, unless it says otherwise.
fn facts<'a>(action: &str, on: &On<'_>, supposition: &'a Supposition) -> Vec<Fact<'a>> {
    let mut facts: Vec<Fact<'a>> = crate::kms::context_facts(&supposition.encryption_context).into();
    let is_symmetric = matches!(on, On::Key(named) if named.key.spec.is_symmetric_encryption());
    if is_symmetric && WITH_ALGORITHM.contains(&action) {
        facts.push(Fact::text(
            ConditionKey::KmsEncryptionAlgorithm,
            EncryptionAlgorithm::SymmetricDefault.name(),
        ));
    }
    facts
}

/// What is known of a request that nobody has made.
struct Supposed<'a> {
    surroundings: Surroundings<'a>,
    supposition: &'a Supposition,
    is_new_session: bool,
}

impl Facts for Supposed<'_> {
    fn find(&self, key: ConditionKey, suffix: &str) -> Values<'_> {
        let name = format!("{}{suffix}", key.name()).to_ascii_lowercase();
        match (self.supposition.given.get(&name), key) {
            (Some(values), _) => values_of(values),
            (None, key) if OF_A_CONNECTION.contains(&key) => Values::Absent,
            (None, ConditionKey::MultiFactorAuthPresent) if self.is_new_session => false.into(),
            (None, ConditionKey::TokenIssueTime) if self.is_new_session => {
                self.surroundings.find(ConditionKey::CurrentTime, "")
            }
            (None, key) => self.surroundings.find(key, suffix),
        }
    }

    fn other(&self, name: &str) -> Values<'_> {
        let given = self.supposition.given.get(&name.to_ascii_lowercase());
        given.map_or_else(|| self.surroundings.other(name), |values| values_of(values))
    }
}

fn values_of(values: &[String]) -> Values<'_> {
    match values {
        [] => Values::Absent,
        [value] => Values::One(Cow::Borrowed(value)),
        values => Values::Many(values.iter().map(|value| Cow::Borrowed(value.as_str())).collect()),
    }
}

fn anybody(kind: PolicyKind, text: &str) -> Option<Policy> {
    Policy::compile(kind, text, &BTreeMap::new()).ok()
}

/// What only a real call has: that of whoever wants it explained says nothing of whom it is supposed to be.
const OF_A_CONNECTION: [ConditionKey; 4] =
    [ConditionKey::Referer, ConditionKey::SecureTransport, ConditionKey::SourceIp, ConditionKey::UserAgent];

/// The actions whose requests have an encryption algorithm, said or not.
const WITH_ALGORITHM: [&str; 6] = [
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];

static ANYBODY_ASSUMES_ROLE: LazyLock<Option<Policy>> = LazyLock::new(|| {
    anybody(PolicyKind::Trust, r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:*"}}"#)
});

static ANYBODY_USES_KEY: LazyLock<Option<Policy>> = LazyLock::new(|| {
    anybody(
        PolicyKind::Key,
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}"#,
    )
});
