//! Temporary credentials: a session token holds all that a node needs to know of them, sealed by the security module, so
//! that every node can verify one without looking anything up.

use super::authority::session_policy;
use access::{Attached, MalformedPolicy};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keys::{AccountId, Moment};
use module_api::{MAX_MESSAGE, MAX_SEALED_MESSAGE, MessagePurpose};
use module_client::{CallError, ModuleClient};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// A session, as its token carries it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    /// Whose session it is.
    pub principal: SessionPrincipal,
    /// The temporary access key, `ASIA…`.
    pub access_key_id: String,
    /// Its secret as the security module has sealed it.
    #[serde(with = "base64_text")]
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
    /// The OIDC provider that the session came by, and what it knew of the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub federated: Option<Federated>,
    /// Nothing but room, so that the token is as long as was asked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub padding: String,
    /// The texts of `policies` compiled, once somebody asked.
    #[serde(skip)]
    pub compiled: Compiled,
}

/// Texts of policies, compiled once.
pub type Compiled = OnceLock<Result<Vec<Attached>, MalformedPolicy>>;

/// Where a session with a web identity came from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Federated {
    /// The ARN of the OIDC provider.
    pub provider: String,
    /// What the provider said of the caller, by condition key without the provider's name: `sub`, `aud`, …
    pub claims: BTreeMap<String, Vec<String>>,
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

impl Session {
    /// The session policies that were given as texts, compiled.
    pub fn text_policies(&self) -> Result<Vec<Attached>, MalformedPolicy> {
        let compile = || self.policies.iter().map(|text| session_policy(text)).collect();
        self.compiled.get_or_init(compile).clone()
    }
}

impl Federated {
    /// The claim that the condition key of that name asks for.
    #[must_use]
    pub fn claim(&self, key: &str) -> &[String] {
        let name = claim_name(&self.provider, key);
        name.and_then(|name| self.claims.get(name)).map_or(&[], Vec::as_slice)
    }
}

/// The name of the claim that a condition key in lower case asks for: `<provider's host and path>:<claim>`.
#[must_use]
pub fn claim_name<'k>(provider: &str, key: &'k str) -> Option<&'k str> {
    let (_, url) = provider.split_once(":oidc-provider/")?;
    key.strip_prefix(&url.to_ascii_lowercase())?.strip_prefix(':')
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
    /// How long the token of a session would be, in bytes.
    #[must_use]
    pub fn size_of(session: &Session) -> usize {
        let plain = serde_json::to_vec(session).unwrap_or_default();
        plain.len().saturating_add(AROUND_MESSAGE).div_ceil(3).saturating_mul(4)
    }

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

/// What the module puts around a message that it seals, in bytes.
const AROUND_MESSAGE: usize = MAX_SEALED_MESSAGE - MAX_MESSAGE;

/// Bytes as text in base64: a third of what a list of numbers takes.
mod base64_text {
    use super::{Engine, STANDARD};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_found_by_the_condition_key_of_its_provider_only() {
        let provider = "arn:aws:iam::111122223333:oidc-provider/OIDC.example.com:8443/Realm".to_owned();
        let claims = BTreeMap::from([("sub".to_owned(), vec!["ana".to_owned()])]);
        let federated = Federated { provider, claims };
        assert_eq!(federated.claim("oidc.example.com:8443/realm:sub"), ["ana"]);
        for other in [
            "oidc.example.com:8443/realm:aud",
            "oidc.example.com:sub",
            "sub",
            "oidc.example.com:8443/realmsub",
        ] {
            assert!(federated.claim(other).is_empty(), "{other}");
        }
    }
}
