//! What every operation has in common.

use crate::Fact;
use crate::identity::DirectoryError;
use crate::kms::custom_key_stores::Home;
use crate::pipeline::{Authorized, Denied, Scene};
use audit::json::{Json, Object};
use catalog::{CatalogError, KeyAddress, Role, Stored};
use keys::{AccountId, Grant, Key, KeyOrigin, KeyState, KeyStates, Moment, Region, Tags};
use module_api::Refusal;
use module_client::CallError;
use std::future::Future;
use std::sync::Arc;
use wire::arn::{AliasArn, KeyArn};
use wire::member::{GrantTokens, RecipientInfo};
use wire::{Fault, FaultKind, Input, Output};

/// One operation of the API. The pipeline calls these in the order in which they stand here.
pub trait Operation: 'static {
    /// The name in targets, records and metrics.
    const NAME: &'static str;

    /// Whether it changes nothing.
    const READ_ONLY: bool;

    /// The key states in which it may go ahead.
    const STATES: KeyStates;

    /// The origins of the keys that it is for. A key of another origin is refused before its state is looked at.
    const ORIGINS: &'static [KeyOrigin] = KeyOrigin::ALL;

    /// What it takes: already within AWS's limits.
    type Input: Input;

    /// What it answers.
    type Output: Output;

    /// What it is about.
    type Subject: Subject;

    /// What the audit record shows of the request: never a plaintext, a ciphertext or a token.
    fn parameters(input: &Self::Input, record: &mut Object<'_>);

    /// Refuses what no key could make right.
    fn examine(_input: &Self::Input) -> Result<(), Fault> {
        Ok(())
    }

    /// What conditions on that action may look at in the request.
    fn facts<'a>(_input: &'a Self::Input, _action: &str) -> Vec<Fact<'a>> {
        Vec::new()
    }

    /// The grant tokens that the request brings along.
    fn grant_tokens(_input: &Self::Input) -> Option<&GrantTokens> {
        None
    }

    /// For whom the plaintext in the answer is, if not for the caller. An operation that takes a recipient must say so here.
    fn recipient(_input: &Self::Input) -> Option<&RecipientInfo> {
        None
    }

    /// Finds what the request names. Reads, and decides nothing but what of other accounts can be seen at all.
    fn resolve(
        input: &Self::Input,
        scene: &Scene<'_>,
    ) -> impl Future<Output = Result<Self::Subject, Failure>>;

    /// What the caller must be allowed to do, and on what.
    fn permissions<'a>(input: &Self::Input, subject: &'a Self::Subject) -> Vec<Permission<'a>>;

    /// Refuses what this subject cannot do.
    fn fit(_input: &Self::Input, _subject: &Self::Subject) -> Result<(), Fault> {
        Ok(())
    }

    /// Whether the caller only wants to know if it would work.
    fn is_dry_run(_input: &Self::Input) -> bool {
        false
    }

    /// Does it.
    fn execute(
        input: &Self::Input,
        subject: &Authorized<Self::Subject>,
        scene: &Scene<'_>,
    ) -> impl Future<Output = Result<Outcome<Self::Output>, Failure>>;
}

/// What an operation is about.
pub trait Subject {
    /// The keys whose state decides whether it may go ahead.
    fn governed(&self) -> impl Iterator<Item = &NamedKey>;

    /// The keys that its record names.
    fn keys(&self) -> impl Iterator<Item = &NamedKey> {
        self.governed()
    }

    /// The alias that its record names.
    fn alias(&self) -> Option<&AliasArn> {
        None
    }

    /// The role that its record names.
    fn role(&self) -> Option<&NamedRole> {
        None
    }
}

/// Something that the caller must be allowed to do.
#[derive(Clone, Copy, Debug)]
pub struct Permission<'a> {
    /// What, such as `kms:Encrypt`.
    pub action: &'a str,
    /// On what.
    pub on: On<'a>,
}

/// What an action is on.
#[derive(Clone, Copy, Debug)]
pub enum On<'a> {
    /// Nothing in particular: the caller's own account and region.
    Account,
    /// An alias.
    Alias(&'a AliasArn),
    /// A key.
    Key(&'a NamedKey),
    /// A grant, which somebody wants to retire: it says itself who may.
    Grant(&'a NamedGrant),
    /// A role that somebody wants to be.
    Role(&'a NamedRole),
    /// A user, a group, a role, a policy or a provider.
    Identity(&'a NamedIdentity),
    /// The account in the region where that key is to have a replica.
    Replica(&'a NamedKey, Region),
}

/// A grant and the key that it is on.
#[derive(Clone, Debug)]
pub struct NamedGrant {
    /// The key.
    pub key: NamedKey,
    /// The grant.
    pub grant: Arc<Stored<Grant>>,
}

impl NamedGrant {
    /// That action on it.
    pub const fn permission(&self, action: &'static str) -> Permission<'_> {
        Permission { action, on: On::Grant(self) }
    }
}

impl Subject for NamedGrant {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::once(&self.key)
    }
}

/// A role and its ARN.
#[derive(Clone, Debug)]
pub struct NamedRole {
    /// The role.
    pub role: Arc<Stored<Role>>,
    /// Its ARN.
    pub arn: String,
}

/// Something of IAM's that policies can name.
#[derive(Clone, Debug)]
pub struct NamedIdentity {
    /// Its ARN.
    pub arn: String,
    /// The account that it belongs to.
    pub account: AccountId,
    /// Its tags.
    pub tags: Tags,
    /// The ARN of the policy that bounds it.
    pub boundary: Option<String>,
}

/// The caller's account in the region of the request.
#[derive(Debug)]
pub struct Own;

impl Subject for Own {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }
}

/// A key, and how the request named it.
#[derive(Clone, Debug)]
pub struct NamedKey {
    /// The key.
    pub key: Arc<Stored<Key>>,
    /// Its ARN.
    pub arn: KeyArn,
    /// How the request named it.
    pub named: Named,
    /// The custom key store that it is in, if it is in one.
    pub home: Option<Home>,
}

/// How a request named a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The alias by which it did.
    pub alias: Option<Box<str>>,
    /// Whether it did by nothing but a ciphertext.
    pub by_ciphertext: bool,
    /// Of a re-encryption: whether it goes from this key to this key.
    pub is_both: Option<bool>,
}

impl NamedKey {
    /// Where it is.
    pub fn address(&self) -> KeyAddress {
        KeyAddress::of(&self.key)
    }

    /// Its state as a client sees it at that time.
    pub fn state(&self, now: Moment) -> KeyState {
        self.home.as_ref().map_or_else(|| self.key.state(now), |home| home.state_of(&self.key, now))
    }

    /// That action on it.
    pub const fn permission(&self, action: &'static str) -> Permission<'_> {
        Permission { action, on: On::Key(self) }
    }
}

impl Subject for NamedKey {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::once(self)
    }
}

/// What came of an operation: the answer, and what the audit record says of it besides.
#[derive(Debug)]
pub struct Outcome<O> {
    /// The answer.
    pub output: O,
    /// `responseElements`.
    pub elements: Option<Json>,
    /// `additionalEventData`.
    pub additional: Option<Json>,
    /// The key that was made, which the request could not name.
    pub made: Option<KeyArn>,
    /// What it came to in another region, which goes on record there.
    pub elsewhere: Option<Box<Elsewhere>>,
}

/// What a call did to a key in another region than its own.
#[derive(Debug)]
pub struct Elsewhere {
    /// The key there.
    pub key: KeyArn,
    /// The operation that is on record there.
    pub name: &'static str,
    /// `requestParameters`.
    pub parameters: Json,
    /// `responseElements`.
    pub elements: Json,
}

impl<O> Outcome<O> {
    /// An answer of which the record says nothing.
    pub const fn of(output: O) -> Self {
        Self { output, elements: None, additional: None, made: None, elsewhere: None }
    }

    /// The same with the elements that the record shows.
    pub fn with_elements(self, elements: Json) -> Self {
        Self { elements: Some(elements), ..self }
    }

    /// The same with a new key, which is then among the record's resources.
    pub fn with_made(self, key: KeyArn) -> Self {
        Self { made: Some(key), ..self }
    }

    /// The same with what it came to in another region.
    pub fn with_elsewhere(self, elsewhere: Elsewhere) -> Self {
        Self { elsewhere: Some(Box::new(elsewhere)), ..self }
    }

    /// The same with additional data for the record.
    pub fn with_additional(self, additional: Json) -> Self {
        Self { additional: Some(additional), ..self }
    }
}

/// Why an operation did not come about.
#[derive(Debug)]
pub enum Failure {
    /// Someone else changed a record first; the operation is to be tried again from its resolution on.
    Conflict,
    /// The caller may not.
    Denied(Box<Denied>),
    /// The caller's error, or ours.
    Fault(Fault),
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::Denied(Box::new(denied))
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Conflict => Self::Conflict,
            CatalogError::TooLarge(_) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a change was refused");
                Self::Fault(Fault::new(FaultKind::LimitExceeded, TOO_LARGE))
            }
            CatalogError::TooManyGrants { limit } => Self::Fault(Fault::new(
                FaultKind::LimitExceeded,
                format!("You have reached the maximum number of grants that a KMS key can have ({limit})."),
            )),
            CatalogError::TooManyKeys { limit } => Self::Fault(Fault::new(
                FaultKind::LimitExceeded,
                format!(
                    "You have reached the maximum number of KMS keys that you can have in this account and Region ({limit})."
                ),
            )),
            other => {
                tracing::error!(error = &other as &dyn std::error::Error, "the catalog failed");
                Self::Fault(internal())
            }
        }
    }
}

impl From<DirectoryError> for Failure {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Catalog(error) => error.into(),
            other => {
                tracing::error!(
                    error = &other as &dyn std::error::Error,
                    "it is not known what somebody may do"
                );
                Self::Fault(internal())
            }
        }
    }
}

impl From<CallError> for Failure {
    /// A refusal by the module of what the front end had checked is our error; what only the module can check is the caller's.
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(Refusal::InvalidCiphertext) => {
                Self::Fault(Fault::bare(FaultKind::InvalidCiphertext))
            }
            CallError::Refused(Refusal::InvalidMac) => Self::Fault(Fault::bare(FaultKind::KmsInvalidMac)),
            CallError::Refused(Refusal::InvalidPublicKey) => Self::Fault(Fault::bare(FaultKind::Validation)),
            CallError::Refused(Refusal::InvalidSignature) => {
                Self::Fault(Fault::bare(FaultKind::KmsInvalidSignature))
            }
            CallError::Busy => Self::Fault(Fault::new(FaultKind::Throttling, RATE_EXCEEDED)),
            _ => {
                tracing::error!(%error, "the security module failed");
                Self::Fault(internal())
            }
        }
    }
}

const TOO_LARGE: &str = "What would have to be changed together is too large. Shorten the policies, descriptions or tags of the KMS keys that share it.";
const RATE_EXCEEDED: &str =
    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";

/// What a caller is told of our own failures: nothing of their cause.
pub fn internal() -> Fault {
    Fault::new(
        FaultKind::KmsInternal,
        "The request was rejected because an internal exception occurred. The request can be retried.",
    )
}
