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
    if text.split('/').any(str::is_empty) {
        return None;
    }
    let (path, name) = text.rsplit_once('/').unwrap_or(("", text));
    let path = if path.is_empty() { "/".into() } else { format!("/{path}/").into_boxed_str() };
    Some((path, name.into()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn account() -> AccountId {
        "111122223333".parse().unwrap()
    }

    fn principal(kind: PrincipalKind) -> Principal {
        Principal::new("aws".into(), account(), kind)
    }

    #[test]
    fn callers_have_arns_and_unique_ids() {
        let role = PrincipalKind::AssumedRole {
            path: "/team/".into(),
            role: "Nile".into(),
            role_id: "AROA1".into(),
            session: "delta".into(),
        };
        let provider = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com";
        for (kind, own, of_policies, id) in [
            (
                PrincipalKind::Root,
                "arn:aws:iam::111122223333:root",
                "arn:aws:iam::111122223333:root",
                "111122223333",
            ),
            (
                PrincipalKind::User { path: "/a/b/".into(), name: "Ana".into(), id: "AIDA1".into() },
                "arn:aws:iam::111122223333:user/a/b/Ana",
                "arn:aws:iam::111122223333:user/a/b/Ana",
                "AIDA1",
            ),
            (
                role,
                "arn:aws:sts::111122223333:assumed-role/Nile/delta",
                "arn:aws:iam::111122223333:role/team/Nile",
                "AROA1:delta",
            ),
            (
                PrincipalKind::Service { name: "s3.amazonaws.com".into() },
                "s3.amazonaws.com",
                "s3.amazonaws.com",
                "s3.amazonaws.com",
            ),
            (
                PrincipalKind::Federated { provider: provider.into(), subject: "ana".into() },
                provider,
                provider,
                "arn:aws:iam::111122223333:oidc-provider/oidc.example.com:ana",
            ),
        ] {
            let caller = principal(kind);
            assert_eq!((caller.to_string().as_str(), caller.principal_arn().as_str()), (own, of_policies));
            assert_eq!(caller.user_id(), id);
        }
    }

    #[test]
    fn a_name_is_shown_as_it_was_read() {
        for (text, name) in [
            ("*", PrincipalName::Anyone),
            ("111122223333", PrincipalName::Account { partition: None, account: account() }),
            (
                "arn:aws-cn:iam::111122223333:root",
                PrincipalName::Account { partition: Some("aws-cn".into()), account: account() },
            ),
            (
                "arn:aws:iam::111122223333:user/Ana",
                PrincipalName::User {
                    partition: "aws".into(),
                    account: account(),
                    path: "/".into(),
                    name: "Ana".into(),
                },
            ),
            (
                "arn:aws:iam::111122223333:role/a/b/Nile",
                PrincipalName::Role {
                    partition: "aws".into(),
                    account: account(),
                    path: "/a/b/".into(),
                    name: "Nile".into(),
                },
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/Nile/delta@example.com",
                PrincipalName::Session {
                    partition: "aws".into(),
                    account: account(),
                    role: "Nile".into(),
                    session: "delta@example.com".into(),
                },
            ),
            ("s3.amazonaws.com", PrincipalName::Service("s3.amazonaws.com".into())),
            (
                "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/realm",
                PrincipalName::Federated(
                    "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/realm".into(),
                ),
            ),
        ] {
            assert_eq!(text.parse().as_ref(), Ok(&name));
            assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn what_names_nobody_is_refused() {
        for wrong in [
            "",
            "Ana",
            "**",
            "AIDACKCEVSQ6C2EXAMPLE",
            "11112222333",
            "arn:aws:iam::111122223333",
            "arn:aws:iam::111122223333:*",
            "arn:aws:iam::111122223333:user/*",
            "arn:aws:iam::111122223333:user/",
            "arn:aws:iam::111122223333:user/a/",
            "arn:aws:iam::111122223333:user//Ana",
            "arn:aws:iam::111122223333:group/a",
            "arn:aws:iam:eu-central-1:111122223333:user/Ana",
            "arn:aws:iam::*:root",
            "arn:aws:sts::111122223333:root",
            "arn:aws:sts::111122223333:assumed-role/Nile",
            "arn:aws:sts::111122223333:assumed-role/a/Nile/delta",
            "arn:aws:iam::111122223333:role/Ni le",
            "arn::iam::111122223333:root",
            ".",
            "s3..com",
            "https://s3.amazonaws.com",
        ] {
            assert_eq!(wrong.parse::<PrincipalName>(), Err(InvalidPrincipal), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_shown_as_it_was(text in "arn:aws:(iam|sts)::111122223333:(root|(user|role|assumed-role|oidc-provider)/[a-z/*]{0,6})|[a-z.*0-9]{0,14}") {
            if let Ok(name) = text.parse::<PrincipalName>() {
                prop_assert_eq!(name.to_string(), text);
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = text.parse::<PrincipalName>();
        }
    }
}
