//! What a principal's own side allows: its identity policies, those of its groups, its permissions boundary, and the
//! policies of its session.

use super::{Session, SessionPrincipal};
use access::{
    Attached, Authority, MalformedPolicy, Policy, PolicyKind, Principal, PrincipalKind, PrincipalName,
};
use catalog::{CatalogError, Group, ManagedPolicy, Reader, Role, Stored, User};
use keys::AccountId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A principal with all that its own side says.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who it is.
    pub principal: Principal,
    /// What its side allows.
    pub authority: Authority,
    /// Its tags, which policies see as `aws:PrincipalTag/…`.
    pub tags: BTreeMap<String, String>,
}

impl Identity {
    /// Whether it is the user or a session of the role of that unique id.
    #[must_use]
    pub fn has_id(&self, wanted: &str) -> bool {
        match self.principal.kind() {
            PrincipalKind::User { id, .. } => **id == *wanted,
            PrincipalKind::AssumedRole { role_id, .. } => **role_id == *wanted,
            _ => false,
        }
    }
}

/// Why it is not known what an identity may do. It may do nothing then.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The records could not be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A managed policy is attached and not there.
    #[error("the policy `{policy}` is attached and is not there")]
    Missing {
        /// Its ARN.
        policy: String,
    },
    /// A stored policy cannot be read.
    #[error("a stored policy cannot be read")]
    Unreadable(#[from] MalformedPolicy),
}

/// Where identities are gathered from.
#[derive(Clone, Copy, Debug)]
pub struct Directory<'a> {
    /// The records.
    pub reader: &'a Reader,
    /// The partition in ARNs.
    pub partition: &'a Arc<str>,
}

impl Directory<'_> {
    /// The root principal of an account, which may do what the account may.
    #[must_use]
    pub fn root(&self, account: AccountId) -> Identity {
        let principal = Principal::root(Arc::clone(self.partition), account);
        Identity { principal, authority: Authority::default(), tags: BTreeMap::new() }
    }

    /// An integrated service, which may do what resources let it.
    #[must_use]
    pub fn service(&self, name: &str) -> Identity {
        let kind = PrincipalKind::Service { name: name.into() };
        let principal = Principal::new(Arc::clone(self.partition), AccountId::INSTALLATION, kind);
        Identity { principal, authority: Authority::default(), tags: BTreeMap::new() }
    }

    /// What the side of somebody says who may do everything.
    pub async fn administrator(&self) -> Result<Authority, DirectoryError> {
        let identity = vec![self.managed("arn:aws:iam::aws:policy/AdministratorAccess").await?];
        Ok(Authority { identity, boundary: None, session: None })
    }

    /// Whoever that ARN names: an account's root, a user, a role or a session of one, or a service.
    pub async fn named(&self, text: &str) -> Result<Option<Identity>, DirectoryError> {
        let Ok(name) = text.parse::<PrincipalName>() else { return Ok(None) };
        match name {
            PrincipalName::Account { account, .. } => Ok(Some(self.root(account))),
            PrincipalName::User { account, name, .. } => self.user(&account, &name).await,
            PrincipalName::Role { account, name, .. } => self.role(&account, &name, UNNAMED_SESSION).await,
            PrincipalName::Session { account, role, session, .. } => {
                self.role(&account, &role, &session).await
            }
            PrincipalName::Service(name) => Ok(Some(self.service(&name))),
            _ => Ok(None),
        }
    }

    /// A user, if there is one of that name now.
    pub async fn user(&self, account: &AccountId, name: &str) -> Result<Option<Identity>, DirectoryError> {
        let Some(user) = self.reader.find::<User>(account, name).await? else { return Ok(None) };
        let kind = PrincipalKind::User {
            path: user.path.as_str().into(),
            name: user.name.as_str().into(),
            id: user.id.as_str().into(),
        };
        let mut identity = inline(&user, |user| (&user.name, &user.inline))?;
        self.attach(&user.attached, &mut identity).await?;
        for name in &user.groups {
            identity.extend(self.group(account, name).await?.unwrap_or_default());
        }
        let boundary = self.boundary(user.boundary.as_deref()).await?;
        Ok(Some(Identity {
            principal: Principal::new(Arc::clone(self.partition), *account, kind),
            authority: Authority { identity, boundary, session: None },
            tags: tags_of(&user.tags),
        }))
    }

    /// The policies of a group, if there is one of that name now.
    pub async fn group(
        &self,
        account: &AccountId,
        name: &str,
    ) -> Result<Option<Vec<Attached>>, DirectoryError> {
        let Some(group) = self.reader.find::<Group>(account, name).await? else { return Ok(None) };
        let mut policies = inline(&group, |group| (&group.name, &group.inline))?;
        self.attach(&group.attached, &mut policies).await?;
        Ok(Some(policies))
    }

    /// A session of a role, if there is a role of that name now.
    pub async fn role(
        &self,
        account: &AccountId,
        name: &str,
        session: &str,
    ) -> Result<Option<Identity>, DirectoryError> {
        let Some(role) = self.reader.find::<Role>(account, name).await? else { return Ok(None) };
        let kind = PrincipalKind::AssumedRole {
            path: role.path.as_str().into(),
            role: role.name.as_str().into(),
            role_id: role.id.as_str().into(),
            session: session.into(),
        };
        let mut identity = inline(&role, |role| (&role.name, &role.inline))?;
        self.attach(&role.attached, &mut identity).await?;
        let boundary = self.boundary(role.boundary.as_deref()).await?;
        Ok(Some(Identity {
            principal: Principal::new(Arc::clone(self.partition), *account, kind),
            authority: Authority { identity, boundary, session: None },
            tags: tags_of(&role.tags),
        }))
    }

    /// Whoever a session speaks for. `None` if the user or role is gone: one made again under the same name is another.
    pub async fn session(&self, session: &Session) -> Result<Option<Identity>, DirectoryError> {
        let identity = match &session.principal {
            SessionPrincipal::Root { account } => Some(self.root(*account)),
            SessionPrincipal::User { account, user, user_id } => {
                self.user(account, user).await?.filter(|found| found.has_id(user_id))
            }
            SessionPrincipal::Role { account, role, role_id, session } => {
                self.role(account, role, session).await?.filter(|found| found.has_id(role_id))
            }
        };
        let Some(mut identity) = identity else { return Ok(None) };
        overlay(&mut identity.tags, &session.tags);
        identity.authority.session = match self.session_policies(session).await {
            _ if session.policies.is_empty() && session.policy_arns.is_empty() => None,
            // What a policy that is gone denied is not known any more: nothing else may allow.
            Err(DirectoryError::Missing { .. }) => Some(Vec::new()),
            policies => Some(policies?),
        };
        Ok(Some(identity))
    }

    /// The session policies of a session, all of which must be there.
    pub async fn session_policies(&self, session: &Session) -> Result<Vec<Attached>, DirectoryError> {
        let mut policies = session.text_policies()?;
        self.attach(&session.policy_arns, &mut policies).await?;
        Ok(policies)
    }

    async fn attach<'p>(
        &self,
        arns: impl IntoIterator<Item = &'p String>,
        to: &mut Vec<Attached>,
    ) -> Result<(), DirectoryError> {
        for arn in arns {
            to.push(self.managed(arn).await?);
        }
        Ok(())
    }

    async fn boundary(&self, arn: Option<&str>) -> Result<Option<Attached>, DirectoryError> {
        match arn {
            Some(arn) => Ok(Some(self.managed(arn).await?)),
            None => Ok(None),
        }
    }

    /// The version in force of a managed policy.
    async fn managed(&self, arn: &str) -> Result<Attached, DirectoryError> {
        if let Some(attached) = super::aws_managed::attached(arn) {
            return Ok(attached);
        }
        let missing = || DirectoryError::Missing { policy: arn.to_owned() };
        let (account, name) = account_and_name(arn).ok_or_else(missing)?;
        let policy = self.reader.find::<ManagedPolicy>(&account, name).await?.ok_or_else(missing)?;
        let compile = |policy: &ManagedPolicy| {
            compiled(arn, policy.version(policy.default).map_or("", |version| &version.text))
        };
        Ok(policy.derived(compile).clone()?)
    }
}

/// The account and the name that the ARN of a managed policy holds.
#[must_use]
pub fn account_and_name(arn: &str) -> Option<(AccountId, &str)> {
    let mut parts = arn.splitn(6, ':').skip(4);
    let account = parts.next()?.parse().ok()?;
    let (_, name) =
        parts.next()?.strip_prefix("policy/").map(|path| path.rsplit_once('/').unwrap_or(("", path)))?;
    Some((account, name))
}

/// The inline policies of a record, compiled once for each version of it.
fn inline<T: 'static>(
    record: &Stored<T>,
    of: impl Fn(&T) -> (&String, &BTreeMap<String, String>),
) -> Result<Vec<Attached>, MalformedPolicy> {
    let compile = |record: &T| {
        let (owner, policies) = of(record);
        policies.iter().map(|(name, text)| compiled(&format!("{owner}/{name}"), text)).collect()
    };
    record.derived::<Result<Vec<Attached>, MalformedPolicy>>(compile).clone()
}

/// Session policies are identity policies of a session.
pub(super) fn session_policy(text: &str) -> Result<Attached, MalformedPolicy> {
    compiled(SESSION_POLICY, text)
}

fn compiled(name: &str, text: &str) -> Result<Attached, MalformedPolicy> {
    let policy = Policy::compile(PolicyKind::Identity, text, &BTreeMap::new())?;
    Ok(Attached { name: name.into(), policy: Arc::new(policy) })
}

/// Puts the tags of a session over those of its role. Keys compare without case.
fn overlay(tags: &mut BTreeMap<String, String>, session: &BTreeMap<String, String>) {
    tags.retain(|key, _| !session.keys().any(|other| other.to_lowercase() == key.to_lowercase()));
    tags.extend(session.iter().map(|(key, value)| (key.clone(), value.clone())));
}

fn tags_of(tags: &keys::Tags) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

/// The name that a session policy goes by in explanations.
const SESSION_POLICY: &str = "session policy";
/// The session of a role that is named without one.
const UNNAMED_SESSION: &str = "session";
