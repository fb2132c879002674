//! Temporary credentials: a session token holds all that a node needs to know of them, sealed by the security module, so
//! that every node can verify one without looking anything up.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keys::{AccountId, Moment};
use module_api::MessagePurpose;
use module_client::{CallError, ModuleClient};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A session, as its token carries it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    /// Whose session it is.
    pub principal: SessionPrincipal,
    /// The temporary access key, `ASIA…`.
    pub access_key_id: String,
    /// Its secret as the security module has sealed it.
    pub secret: Vec<u8>,
    /// When it was issued.
    pub issued: Moment,
    /// When it ends.
    pub expires: Moment,
    /// The session policies: texts given with the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// The session policies: ARNs of managed policies given with the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_arns: Vec<String>,
    /// The session tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Those among the tags that sessions got with this one carry too.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub transitive: BTreeSet<String>,
    /// The source identity, once it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
    /// The ARN of the OIDC provider that the session came by, and the subject it knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub federated: Option<Federated>,
}

/// Where a session with a web identity came from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Federated {
    /// The ARN of the OIDC provider.
    pub provider: String,
    /// What the provider said of the caller, by condition key without the provider's name: `sub`, `aud`, …
    pub claims: BTreeMap<String, String>,
}

/// Whose session it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionPrincipal {
    /// A role's.
    Role {
        /// The account of the role.
        account: AccountId,
        /// The role's name.
        role: String,
        /// The role's unique id: a role made again under the same name is another one.
        role_id: String,
        /// The session's name.
        session: String,
    },
    /// A user's own.
    User {
        /// The account of the user.
        account: AccountId,
        /// The user's name.
        user: String,
        /// The user's unique id.
        user_id: String,
    },
    /// An account's root's own.
    Root {
        /// The account.
        account: AccountId,
    },
}

impl Federated {
    /// The claim that the condition key of that name asks for: `<provider's host and path>:<claim>`, without case.
    #[must_use]
    pub fn claim(&self, key: &str) -> Option<&str> {
        let (_, host) = self.provider.split_once(":oidc-provider/")?;
        let name = key.strip_prefix(&host.to_ascii_lowercase())?.strip_prefix(':')?;
        let found = self.claims.iter().find(|(claim, _)| claim.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl SessionPrincipal {
    /// The account that the session speaks for.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        match self {
            Self::Role { account, .. } | Self::User { account, .. } | Self::Root { account } => account,
        }
    }
}

/// The text of a session token.
#[derive(Clone, Debug)]
pub struct SessionToken(pub String);

impl SessionToken {
    /// Has the module seal a session.
    pub async fn of(session: &Session, module: &ModuleClient) -> Result<Self, CallError> {
        // INVARIANT: a session serialises: its maps have texts as keys.
        let plain = serde_json::to_vec(session).unwrap_or_default();
        let sealed = module.seal_message(MessagePurpose::Session, &plain).await?;
        Ok(Self(STANDARD.encode(sealed)))
    }

    /// Opens a token. `None` for what this installation never sealed as a session.
    pub async fn open(text: &str, module: &ModuleClient) -> Result<Option<Session>, CallError> {
        let Ok(sealed) = STANDARD.decode(text) else { return Ok(None) };
        match module.open_message(MessagePurpose::Session, &sealed).await {
            Ok(plain) => Ok(serde_json::from_slice(&plain).ok()),
            Err(CallError::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({})", self.access_key_id)
    }
}
