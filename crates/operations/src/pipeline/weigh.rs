//! Weighing a permission: what the caller's side and the resource's side say, what grants add, and what a denied caller is
//! told.

use super::{Scene, Surroundings};
use crate::operation::{Failure, NamedGrant, NamedKey, On, Permission, internal};
use access::{
    ConditionKey, Decision, Denial, Explanation, Facts, MalformedPolicy, Policy, PolicyKind, Principal,
    PrincipalKind, Question, Resource, Values, decide, decide_retirement, explain_retirement,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use catalog::{KeyAddress, Reader, Role, Stored};
use keys::{AccountId, Grant, Key, Tags};
use module_api::MessagePurpose;
use module_client::ModuleClient;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use wire::arn::KeyArn;
use wire::{Fault, FaultKind};

/// A caller may not do something: what it is told, and what whoever may decode authorization messages is told besides.
#[derive(Debug)]
pub struct Denied {
    wording: String,
    message: AuthorizationMessage,
}

/// What an encoded authorization message holds.
#[derive(Debug, Serialize, Deserialize)]
pub struct AuthorizationMessage {
    /// The account of the caller that was denied: who may decode the message is decided there.
    pub account: AccountId,
    /// The explanation, as JSON text.
    pub explanation: String,
}

/// A key that is to have a policy.
#[derive(Clone, Copy, Debug)]
pub enum PolicyHolder<'a> {
    /// One that there is.
    Existing(&'a NamedKey),
    /// One that is about to be made by this request.
    New {
        /// Its ARN.
        arn: &'a KeyArn,
        /// The tags that it will have.
        tags: &'a Tags,
    },
}

impl Denied {
    fn new<'g>(
        question: &Question<'_>,
        denial: &Denial,
        grants: impl IntoIterator<Item = &'g Grant>,
    ) -> Self {
        let explanation = access::explain(question, grants).for_caller(question.principal);
        Self::of(question.principal, denial, explanation)
    }

    fn of(principal: &Principal, denial: &Denial, explanation: Explanation) -> Self {
        let explanation = explanation.json_within(MOST_EXPLAINED);
        let message = AuthorizationMessage { account: *principal.account(), explanation };
        Self { wording: denial.to_string(), message }
    }

    /// The error as it goes on record: AWS's words.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::new(FaultKind::AccessDenied, self.wording.clone())
    }

    /// The error as the caller gets it: AWS's words, and the message encoded as AWS's services attach it.
    pub async fn answered(&self, module: &ModuleClient) -> Fault {
        // INVARIANT: texts serialise.
        let plain = serde_json::to_vec(&self.message).unwrap_or_default();
        match module.seal_message(MessagePurpose::AuthorizationMessage, &plain).await {
            Ok(sealed) => {
                let encoded = STANDARD.encode(sealed);
                let wording = &self.wording;
                let message = format!("{wording}. Encoded authorization failure message: {encoded}");
                Fault::new(FaultKind::AccessDenied, message)
            }
            Err(error) => {
                tracing::error!(%error, "a denial could not be given its authorization message");
                self.fault()
            }
        }
    }
}

impl<'a> Scene<'a> {
    /// Whether the caller may do that now. Everything that AWS would look at is looked at; refusal is the default.
    pub async fn weigh(&self, permission: &Permission<'_>) -> Result<(), Failure> {
        let resource = resource(&permission.on)?;
        let surroundings = Surroundings::of(self, permission).await?;
        let question = self.question(permission.action, resource, &surroundings);
        if let On::Grant(named) = permission.on {
            return weigh_retirement(&question, &named.grant).and_then(|()| check_exhaustion(&surroundings));
        }
        let decision = decide(&question);
        check_exhaustion(&surroundings)?;
        match decision {
            Decision::Allowed => Ok(()),
            Decision::Denied(denial) => {
                Box::pin(self.ask_grants(permission, &question, denial)).await?;
                check_exhaustion(&surroundings)
            }
        }
    }

    /// Whether a grant lets the caller do what its policies do not.
    async fn ask_grants(
        &self,
        permission: &Permission<'_>,
        question: &Question<'_>,
        denial: Denial,
    ) -> Result<(), Failure> {
        let grants = match (&permission.on, denial.is_explicit()) {
            (On::Key(named), false) => grants_to(self.reader(), question.principal, &named.address()).await?,
            _ => Vec::new(),
        };
        let grants = || grants.iter().flat_map(|grants| grants.iter());
        if access::grant_for(question, grants()).is_some() {
            return Ok(());
        }
        let by_ciphertext = matches!(permission.on, On::Key(named) if named.named.by_ciphertext);
        let denial = if by_ciphertext { denial.of_ciphertext() } else { denial };
        Err(Denied::new(question, &denial, grants()).into())
    }

    /// Whether the caller, or its account, could give that key another policy again if it had this one.
    pub async fn keeps_control(&self, policy: &Policy, holder: PolicyHolder<'_>) -> Result<bool, Failure> {
        let (arn, surroundings) = match holder {
            PolicyHolder::Existing(named) => {
                (&named.arn, Surroundings::of(self, &named.permission(PUT_KEY_POLICY)).await?)
            }
            PolicyHolder::New { arn, tags } => {
                (arn, Surroundings::of_new_key(self, PUT_KEY_POLICY, (arn, tags)))
            }
        };
        Ok(access::keeps_control(policy, arn, &self.caller.identity.principal, &surroundings))
    }

    /// What a caller is told of a key that it cannot see: the same in every respect whether it is there or not.
    pub fn invisible(&self, action: &str) -> Failure {
        let principal = &self.caller.identity.principal;
        let denial = Denial::invisible(principal, action);
        Denied::of(principal, &denial, Explanation::invisible(principal, action)).into()
    }

    /// What a caller is told of a role that is not there: the same as of one that does not trust it.
    pub fn no_such_role(&self, arn: &str, account: AccountId, action: &'static str) -> Failure {
        let policy = NO_POLICY.as_ref().unwrap_or_else(|| Policy::owner_default());
        let question = self.question(action, Resource::Role { arn, account, policy }, &Nothing);
        let denial = match decide(&question) {
            Decision::Denied(denial) => denial,
            Decision::Allowed => Denial::of_role(question.principal, action, arn),
        };
        Denied::new(&question, &denial, std::iter::empty()).into()
    }

    fn question<'q>(&self, action: &'q str, resource: Resource<'q>, facts: &'q dyn Facts) -> Question<'q>
    where
        'a: 'q,
    {
        let identity = &self.caller.identity;
        Question { principal: &identity.principal, authority: &identity.authority, action, resource, facts }
    }
}

/// Refuses what was decided after policies had asked for too much: a denial may have been missed.
fn check_exhaustion(surroundings: &Surroundings<'_>) -> Result<(), Failure> {
    if surroundings.are_exhausted() {
        return Err(Fault::new(FaultKind::AccessDenied, TOO_MUCH).into());
    }
    Ok(())
}

/// Whether a grant may be retired: no policy says so, nor another grant.
fn weigh_retirement(question: &Question<'_>, grant: &Grant) -> Result<(), Failure> {
    let Decision::Denied(denial) = decide_retirement(question, grant) else { return Ok(()) };
    let explanation = explain_retirement(question, grant).for_caller(question.principal);
    Err(Denied::of(question.principal, &denial, explanation).into())
}

/// The grants on a key to anybody that a principal is.
pub(in crate::pipeline) async fn grants_to(
    reader: &Reader,
    principal: &Principal,
    key: &KeyAddress,
) -> Result<Vec<Arc<Vec<Grant>>>, Failure> {
    let mut found = Vec::new();
    for name in grantee_names(principal) {
        let grants = reader.grants_to(key, &name).await?;
        if !grants.is_empty() {
            found.push(grants);
        }
    }
    Ok(found)
}

/// What a grant that means a principal can be found by: the unique ids of the principal and its role, or its account's name.
fn grantee_names(principal: &Principal) -> Vec<String> {
    let account = format!("arn:{}:iam::{}:root", principal.partition(), principal.account());
    match principal.kind() {
        PrincipalKind::AssumedRole { role_id, .. } => vec![principal.user_id(), role_id.to_string(), account],
        PrincipalKind::User { .. } => vec![principal.user_id(), account],
        _ => vec![principal.to_string()],
    }
}

/// What the engine has to know of it.
pub(in crate::pipeline) fn resource<'a>(on: &On<'a>) -> Result<Resource<'a>, Failure> {
    Ok(match on {
        On::Account | On::Replica(..) => Resource::Any,
        On::Alias(arn) => Resource::Alias(arn),
        On::Key(named) => Resource::Key { arn: &named.arn, policy: key_policy(&named.key)? },
        On::Grant(NamedGrant { key, .. }) => Resource::Key { arn: &key.arn, policy: key_policy(&key.key)? },
        On::Role(named) => Resource::Role {
            arn: &named.arn,
            account: named.role.account,
            policy: trust_policy(&named.role)?,
        },
        On::Identity(named) => Resource::Iam { arn: &named.arn, account: named.account },
    })
}

/// The key policy of a key, compiled once for each version of its record.
pub fn key_policy(key: &Stored<Key>) -> Result<&Policy, Failure> {
    let Some(text) = &key.policy else { return Ok(Policy::owner_default()) };
    let compile = |key: &Key| Policy::compile(PolicyKind::Key, text, &key.policy_principals);
    readable(key.derived::<Result<Policy, MalformedPolicy>>(compile))
}

/// The trust policy of a role, compiled once for each version of its record.
pub fn trust_policy(role: &Stored<Role>) -> Result<&Policy, Failure> {
    let compile = |role: &Role| Policy::compile(PolicyKind::Trust, &role.trust, &role.trust_principals);
    readable(role.derived::<Result<Policy, MalformedPolicy>>(compile))
}

/// A stored policy that cannot be read allows nothing: what stood in it is not known.
fn readable(policy: &Result<Policy, MalformedPolicy>) -> Result<&Policy, Failure> {
    policy.as_ref().map_err(|error| {
        tracing::error!(error = error.reason(), "a stored policy cannot be read");
        internal().into()
    })
}

/// Facts of a request of which nothing may be looked at.
struct Nothing;

impl Facts for Nothing {
    fn find(&self, _: ConditionKey, _: &str) -> Values<'_> {
        Values::Absent
    }
}

/// What stands in place of the policy of a key that is not there: a statement without a resource has no effect.
static NO_POLICY: LazyLock<Option<Policy>> = LazyLock::new(|| {
    let text = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*"}}"#;
    Policy::compile(PolicyKind::Key, text, &BTreeMap::new()).ok()
});

/// What is told of policies that cannot be gone through in a time that does not keep others waiting.
const TOO_MUCH: &str = "The policies on this request repeat its values too often to be evaluated.";

/// What a key policy must leave to its author.
const PUT_KEY_POLICY: &str = "kms:PutKeyPolicy";

/// As much of an explanation as an encoded message carries, in bytes.
const MOST_EXPLAINED: usize = 4096;
