//! Who asks, and who is named: callers as they were authenticated, and names of principals as texts have them.

use keys::AccountId;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    partition: Arc<str>,
    account: AccountId,
    kind: PrincipalKind,
}

/// What an authenticated caller is. Paths begin and end with `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A session of a role.
    AssumedRole {
        /// The role's path.
        path: Box<str>,
        /// The role's name.
        role: Box<str>,
        /// The role's unique id, `AROA…`.
        role_id: Box<str>,
        /// The session's name.
        session: Box<str>,
    },
    /// Somebody whom an identity provider vouches for, who may assume a role and do nothing else.
    Federated {
        /// The provider's ARN.
        provider: Box<str>,
        /// Whom the provider says it is.
        subject: Box<str>,
    },
    /// The root user of the account.
    Root,
    /// An integrated service. Its account is `000000000000`.
    Service {
        /// Its name, such as `s3.amazonaws.com`.
        name: Box<str>,
    },
    /// An IAM user.
    User {
        /// Its path.
        path: Box<str>,
        /// Its name.
        name: Box<str>,
        /// Its unique id, `AIDA…`.
        id: Box<str>,
    },
}

impl Principal {
    /// That caller of that account.
    #[must_use]
    pub const fn new(partition: Arc<str>, account: AccountId, kind: PrincipalKind) -> Self {
        Self { partition, account, kind }
    }

    /// The root user of that account.
    #[must_use]
    pub const fn root(partition: Arc<str>, account: AccountId) -> Self {
        Self::new(partition, account, PrincipalKind::Root)
    }

    /// The account that it belongs to.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> &PrincipalKind {
        &self.kind
    }

    /// `aws`, `aws-cn` …
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// Its `aws:userid`.
    #[must_use]
    pub fn user_id(&self) -> String {
        match &self.kind {
            PrincipalKind::AssumedRole { role_id, session, .. } => format!("{role_id}:{session}"),
            PrincipalKind::Federated { provider, subject } => format!("{provider}:{subject}"),
            PrincipalKind::Root => self.account.to_string(),
            PrincipalKind::Service { name } => name.to_string(),
            PrincipalKind::User { id, .. } => id.to_string(),
        }
    }

    /// Its `aws:PrincipalArn`: of a session the ARN of its role.
    #[must_use]
    pub fn principal_arn(&self) -> String {
        match &self.kind {
            PrincipalKind::AssumedRole { path, role, .. } => {
                format!("arn:{}:iam::{}:role{path}{role}", self.partition, self.account)
            }
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Principal {
    /// Its own ARN; of a service the name, of somebody federated the ARN of the provider.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (partition, account) = (&self.partition, &self.account);
        match &self.kind {
            PrincipalKind::AssumedRole { role, session, .. } => {
                write!(f, "arn:{partition}:sts::{account}:assumed-role/{role}/{session}")
            }
            PrincipalKind::Federated { provider, .. } => f.write_str(provider),
            PrincipalKind::Root => write!(f, "arn:{partition}:iam::{account}:root"),
            PrincipalKind::Service { name } => f.write_str(name),
            PrincipalKind::User { path, name, .. } => {
                write!(f, "arn:{partition}:iam::{account}:user{path}{name}")
            }
        }
    }
}

/// A principal as a policy, a grant or a request names it. Whether it exists is not known here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PrincipalName {
    /// An account: `arn:aws:iam::111122223333:root` or `111122223333`.
    Account {
        /// None if only the twelve digits were given.
        partition: Option<Box<str>>,
        /// Which.
        account: AccountId,
    },
    /// `*`.
    Anyone,
    /// An identity provider: its ARN, or its host.
    Federated(Box<str>),
    /// A role, by its ARN.
    Role {
        /// `aws`, `aws-cn` …
        partition: Box<str>,
        /// Whose it is.
        account: AccountId,
        /// Its path, `/` at both ends.
        path: Box<str>,
        /// Its name.
        name: Box<str>,
    },
    /// An integrated service, such as `s3.amazonaws.com`.
    Service(Box<str>),
    /// A session of a role, by its ARN.
    Session {
        /// `aws`, `aws-cn` …
        partition: Box<str>,
        /// Whose the role is.
        account: AccountId,
        /// The role's name, without its path.
        role: Box<str>,
        /// The session's name.
        session: Box<str>,
    },
    /// A user, by its ARN.
    User {
        /// `aws`, `aws-cn` …
        partition: Box<str>,
        /// Whose it is.
        account: AccountId,
        /// Its path, `/` at both ends.
        path: Box<str>,
        /// Its name.
        name: Box<str>,
    },
}

/// A text that names no principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPrincipal;

impl fmt::Display for InvalidPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the name of a principal")
    }
}

impl std::error::Error for InvalidPrincipal {}

impl FromStr for PrincipalName {
    type Err = InvalidPrincipal;

    fn from_str(text: &str) -> Result<Self, InvalidPrincipal> {
        if text == "*" {
            return Ok(Self::Anyone);
        }
        if text.starts_with("arn:") {
            return arn(text).ok_or(InvalidPrincipal);
        }
        if let Ok(account) = text.parse() {
            return Ok(Self::Account { partition: None, account });
        }
        if is_host(text) { Ok(Self::Service(text.into())) } else { Err(InvalidPrincipal) }
    }
}

fn arn(text: &str) -> Option<PrincipalName> {
    let mut parts = text.splitn(6, ':').skip(1);
    let (partition, service, region) = (parts.next()?, parts.next()?, parts.next()?);
    let (account, resource) = (parts.next()?.parse().ok()?, parts.next()?);
    let is_plain =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && !b"*?".contains(&b));
    if !(is_plain(partition) && region.is_empty() && is_plain(resource)) {
        return None;
    }
    let partition = Box::from(partition);
    if resource == "root" {
        return (service == "iam").then_some(PrincipalName::Account { partition: Some(partition), account });
    }
    let (kind, name) = resource.split_once('/')?;
    match (service, kind) {
        ("iam", "user") => {
            let (path, name) = path_and_name(name)?;
            Some(PrincipalName::User { partition, account, path, name })
        }
        ("iam", "role") => {
            let (path, name) = path_and_name(name)?;
            Some(PrincipalName::Role { partition, account, path, name })
        }
        ("iam", "oidc-provider" | "saml-provider") | ("sts", "federated-user") if !name.is_empty() => {
            Some(PrincipalName::Federated(text.into()))
        }
        ("sts", "assumed-role") => {
            let (role, session) = name.split_once('/')?;
            let is_whole = !role.is_empty() && !session.is_empty() && !session.contains('/');
            is_whole.then(|| PrincipalName::Session {
                partition,
                account,
                role: role.into(),
                session: session.into(),
            })
        }
        _ => None,
    }
}

/// Of `division/team/Ana` the path `/division/team/` and the name `Ana`.
fn path_and_name(text: &str) -> Option<(Box<str>, Box<str>)> {
    let (path, name) = text.rsplit_once('/').unwrap_or(("", text));
    let path = if path.is_empty() { "/".into() } else { format!("/{path}/").into_boxed_str() };
    (!name.is_empty()).then(|| (path, name.into()))
}

/// Labels of letters, digits and hyphens, at least two of them.
fn is_host(text: &str) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    text.contains('.') && text.split('.').all(is_label)
}

impl fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account { partition: None, account } => write!(f, "{account}"),
            Self::Account { partition: Some(partition), account } => {
                write!(f, "arn:{partition}:iam::{account}:root")
            }
            Self::Anyone => f.write_str("*"),
            Self::Federated(name) | Self::Service(name) => f.write_str(name),
            Self::Role { partition, account, path, name } => {
                write!(f, "arn:{partition}:iam::{account}:role{path}{name}")
            }
            Self::Session { partition, account, role, session } => {
                write!(f, "arn:{partition}:sts::{account}:assumed-role/{role}/{session}")
            }
            Self::User { partition, account, path, name } => {
                write!(f, "arn:{partition}:iam::{account}:user{path}{name}")
            }
        }
    }
}
