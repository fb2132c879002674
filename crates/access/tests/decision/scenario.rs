//! A question with everything that it depends on, as plain texts: what the naive evaluator reads, and what the real one is built from.

use serde_json::Value;
use std::collections::BTreeMap;

/// The account that owns the key.
pub const OWNER: &str = "111122223333";

/// Another one.
pub const OTHER: &str = "444455556666";

pub const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-44cd-96ef-1234567890ab";

pub const ROLE: &str = "arn:aws:iam::111122223333:role/Vault";

#[derive(Clone, Debug)]
pub struct Scenario {
    pub caller: Caller,
    pub action: &'static str,
    pub resource: On,
    /// Of a key its key policy, of a role its trust policy; else not asked.
    pub resource_policy: Value,
    /// ARNs in the resource's policy, and the unique ids that they had.
    pub bound: BTreeMap<String, String>,
    pub identity: Vec<Value>,
    pub boundary: Option<Value>,
    pub session: Option<Vec<Value>>,
    pub grants: Vec<keys::Grant>,
    /// By the whole name of a condition key.
    pub facts: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub account: &'static str,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Federated { provider: &'static str },
    Root,
    Service { name: &'static str },
    Session { role: &'static str, role_id: &'static str, session: &'static str },
    User { name: &'static str, id: &'static str },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Alias(&'static str),
    Any,
    Iam(&'static str),
    Key,
    Role,
}

pub const ANA: Caller = Caller { account: OWNER, kind: Kind::User { name: "Ana", id: "AIDAANA" } };
pub const BEN: Caller = Caller { account: OWNER, kind: Kind::User { name: "Ben", id: "AIDABEN" } };
pub const CLEO: Caller = Caller { account: OTHER, kind: Kind::User { name: "Cleo", id: "AIDACLEO" } };
pub const DELTA: Caller =
    Caller { account: OTHER, kind: Kind::Session { role: "Delta", role_id: "AROADELTA", session: "two" } };
pub const NILE: Caller =
    Caller { account: OWNER, kind: Kind::Session { role: "Nile", role_id: "AROANILE", session: "one" } };
pub const OTHER_ROOT: Caller = Caller { account: OTHER, kind: Kind::Root };
pub const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/issuer.example";
pub const ROOT: Caller = Caller { account: OWNER, kind: Kind::Root };
pub const SERVICE: Caller =
    Caller { account: "000000000000", kind: Kind::Service { name: "s3.amazonaws.com" } };
pub const WEB: Caller = Caller { account: OWNER, kind: Kind::Federated { provider: PROVIDER } };

pub const CALLERS: &[Caller] = &[ANA, BEN, CLEO, DELTA, NILE, OTHER_ROOT, ROOT, SERVICE, WEB];

impl Caller {
    /// What an ARN in a policy calls it; of a service the name.
    pub fn arn(&self) -> String {
        let account = self.account;
        match self.kind {
            Kind::Federated { provider } => provider.into(),
            Kind::Root => format!("arn:aws:iam::{account}:root"),
            Kind::Service { name } => name.into(),
            Kind::Session { role, session, .. } => {
                format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
            }
            Kind::User { name, .. } => format!("arn:aws:iam::{account}:user/{name}"),
        }
    }

    pub fn role_arn(&self) -> Option<String> {
        match self.kind {
            Kind::Session { role, .. } => Some(format!("arn:aws:iam::{}:role/{role}", self.account)),
            _ => None,
        }
    }

    /// The unique id of the user or role.
    pub const fn unique_id(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Session { role_id: id, .. } | Kind::User { id, .. } => Some(id),
            _ => None,
        }
    }
}

impl On {
    /// The ARN that a policy's `Resource` is compared with.
    pub fn arn(&self) -> String {
        match self {
            Self::Alias(account) => format!("arn:aws:kms:eu-central-1:{account}:alias/nile"),
            Self::Any => "*".into(),
            Self::Iam(account) => format!("arn:aws:iam::{account}:user/Ana"),
            Self::Key => KEY.into(),
            Self::Role => ROLE.into(),
        }
    }

    /// Whose it is; none if the caller's.
    pub const fn owner(&self) -> Option<&'static str> {
        match self {
            Self::Alias(account) | Self::Iam(account) => Some(account),
            Self::Any => None,
            Self::Key | Self::Role => Some(OWNER),
        }
    }
}
