//! The second layer of authorization: what a customer's policies say to a request that a KMS has already allowed.
//!
//! It is never asked about GetHealthStatus: a KMS that could not see how the proxy is would take it for gone. It reads no clock and
//! nothing of a body but `requestMetadata`.

mod explanation;
mod facts;

pub use access::{DecidingStatement, ExternalKeyVerdict as Verdict};
pub use explanation::Explanation;

use crate::config::{DefaultDecision, PolicyFile, Store};
use access::{BoundPrincipals, ExternalKeyQuestion, PolicyKind, decide_external_key, explain_external_key};
use facts::Known;
use jiff::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use xks_api::{Operation, RequestMetadata};

/// The policies of one store.
#[derive(Debug)]
pub struct Policies {
    of_all_keys: Vec<Policy>,
    of_one_key: HashMap<Box<str>, Policy>,
    default: DefaultDecision,
}

/// A policy with its name, ready to be asked.
#[derive(Debug)]
pub struct Policy {
    name: Box<str>,
    compiled: access::Policy,
}

/// A text that is no policy of an external key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy `{name}` is refused: {reason}")]
pub struct MalformedPolicy {
    /// What it is called.
    pub name: String,
    /// What is wrong with it, and in which statement.
    pub reason: String,
}

/// A request, as far as policies may ask about it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The call of the proxy.
    pub operation: Operation,
    /// The id of the external key, as it stands in the path.
    pub external_key: &'a str,
    /// What the KMS tells of the request that it serves.
    pub metadata: &'a RequestMetadata<'a>,
    /// The address that the connection comes from, if that is known.
    pub peer: Option<IpAddr>,
    /// When.
    pub at: Timestamp,
}

impl Policies {
    /// Those of a store as it is configured.
    ///
    /// # Errors
    ///
    /// The first that is no policy.
    pub fn of(store: &Store) -> Result<Self, MalformedPolicy> {
        let keys = store.key_policies.iter().map(|(id, file)| Ok((id.as_str().into(), compiled(file)?)));
        Ok(Self {
            of_all_keys: store.policy.iter().map(compiled).collect::<Result<_, _>>()?,
            of_one_key: keys.collect::<Result<_, MalformedPolicy>>()?,
            default: store.default,
        })
    }

    /// These, each about all keys.
    #[must_use]
    pub fn new(of_all_keys: Vec<Policy>, default: DefaultDecision) -> Self {
        Self { of_all_keys, of_one_key: HashMap::new(), default }
    }

    /// Whether a request is allowed: an explicit deny anywhere wins, else an allow anywhere allows, else the default holds.
    pub fn decide(&self, asked: &Asked<'_>) -> Verdict<'_> {
        if self.is_silent(asked) {
            return Verdict { allowed: self.allows_by_default(asked), by: None };
        }
        let (action, known) = (action(asked), Known(asked));
        decide_external_key(&self.question(&action, &known), self.policies(asked))
    }

    /// Decides in the same way, and says why.
    #[must_use]
    pub fn explain(&self, asked: &Asked<'_>) -> Explanation {
        let (action, known) = (action(asked), Known(asked));
        let question = self.question(&action, &known);
        let policies = self.policies(asked).filter(|_| !is_exempt(asked));
        let (verdict, considered) = explain_external_key(&question, policies);
        Explanation::new(asked, action, verdict, considered)
    }

    fn question<'a>(&self, action: &'a str, known: &'a Known<'a>) -> ExternalKeyQuestion<'a> {
        let asked = known.0;
        ExternalKeyQuestion {
            action,
            resource: asked.metadata.kms_key_arn.as_deref(),
            facts: known,
            allowed_by_default: self.allows_by_default(asked),
        }
    }

    /// That of the store, then that of the key.
    fn policies(&self, asked: &Asked<'_>) -> impl Iterator<Item = (&str, &access::Policy)> {
        let policies = self.of_all_keys.iter().chain(self.of_one_key.get(asked.external_key));
        policies.map(|policy| (policy.name(), &policy.compiled))
    }

    fn is_silent(&self, asked: &Asked<'_>) -> bool {
        is_exempt(asked) || self.policies(asked).next().is_none()
    }

    fn allows_by_default(&self, asked: &Asked<'_>) -> bool {
        is_exempt(asked) || self.default == DefaultDecision::Allow
    }
}

impl Policy {
    /// The policy that this text is. `name` is what records and messages call it.
    ///
    /// # Errors
    ///
    /// It is none: what is wrong, and where.
    pub fn compile(name: &str, text: &str) -> Result<Self, MalformedPolicy> {
        let compiled = access::Policy::compile(PolicyKind::ExternalKey, text, &BoundPrincipals::new());
        let compiled = compiled.map_err(|malformed| MalformedPolicy {
            name: name.to_owned(),
            reason: malformed.reason().trim_end_matches('.').to_owned(),
        })?;
        Ok(Self { name: name.into(), compiled })
    }

    /// What records and messages call it.
    #[must_use]
    pub const fn name(&self) -> &str {
        &self.name
    }
}

fn compiled(file: &PolicyFile) -> Result<Policy, MalformedPolicy> {
    let name = file.path.file_name().unwrap_or(file.path.as_os_str());
    Policy::compile(&name.to_string_lossy(), &file.text)
}

//= xks-proxy: MUST NOT apply secondary authorization to GetHealthStatus
fn is_exempt(asked: &Asked<'_>) -> bool {
    asked.operation == Operation::GetHealthStatus
}

/// The permission that the KMS was asked for.
fn action(asked: &Asked<'_>) -> String {
    format!("kms:{}", asked.metadata.kms_operation.as_deref().unwrap_or_default())
}
