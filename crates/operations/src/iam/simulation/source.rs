//! Whose policies a simulation is about: a user, a group or a role, by ARN.

use super::nobody;
use super::simulator::{Simulated, invalid};
use crate::iam::holder::Holder;
use crate::identity::{account_and_name, aws_managed_policy};
use crate::operation::{Failure, NamedIdentity, NamedKey, On, Permission, Subject};
use crate::pipeline::Scene;
use access::{Attached, Authority, PrincipalName};
use catalog::{Group, ManagedPolicy, Role, User};
use keys::AccountId;
use std::collections::BTreeMap;
use wire::member::iam::Arn;
use wire::{Fault, FaultKind};

/// A user, group or role that a request names: it is there, or not.
#[derive(Debug)]
pub struct SoughtSource {
    found: Option<Found>,
    named: NamedIdentity,
}

#[derive(Debug)]
enum Found {
    /// A group, which nobody is, and its policies.
    Group(Vec<Attached>, Texts),
    /// A user or a role.
    Principal(Box<crate::identity::Identity>, Texts),
}

/// The policies of one that has some.
#[derive(Debug)]
struct Texts {
    inline: Vec<String>,
    attached: Vec<String>,
}

impl SoughtSource {
    /// That action on it.
    pub const fn permission(&self, action: &'static str) -> Permission<'_> {
        Permission { action, on: On::Identity(&self.named) }
    }

    /// It as it would call.
    pub fn simulated(&self, scene: &Scene<'_>) -> Result<Simulated, Fault> {
        Ok(match self.found()? {
            Found::Group(policies, _) => Simulated {
                principal: nobody(scene),
                authority: Authority { identity: policies.clone(), ..Authority::default() },
                tags: BTreeMap::new(),
            },
            Found::Principal(identity, _) => Simulated {
                principal: identity.principal.clone(),
                authority: identity.authority.clone(),
                tags: identity.tags.clone(),
            },
        })
    }

    /// The texts of its own policies and of those that are attached to it, those of a user's groups included.
    pub async fn texts(&self, scene: &Scene<'_>) -> Result<Vec<String>, Failure> {
        let (Found::Group(_, texts) | Found::Principal(_, texts)) = self.found()?;
        let mut all = texts.inline.clone();
        for arn in &texts.attached {
            all.extend(scene.text_of_managed(arn).await?);
        }
        Ok(all)
    }

    fn found(&self) -> Result<&Found, Fault> {
        let missing = || {
            let message = format!("The entity with ARN {} cannot be found.", self.named.arn);
            Fault::new(FaultKind::NoSuchEntity, message)
        };
        self.found.as_ref().ok_or_else(missing)
    }
}

impl Subject for SoughtSource {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }
}

impl Scene<'_> {
    /// The user, group or role of that ARN, if there is one.
    pub async fn sought_source(&self, asked: &Arn) -> Result<SoughtSource, Failure> {
        let arn = asked.as_str();
        // Of another account nothing is known, not even to conditions.
        let is_own = |account: &AccountId| *account == self.account();
        match arn.parse() {
            Ok(PrincipalName::User { account, name, .. }) if is_own(&account) => {
                self.source_user(arn, &account, &name).await
            }
            Ok(PrincipalName::Role { account, name, .. }) if is_own(&account) => {
                self.source_role(arn, &account, &name).await
            }
            Ok(PrincipalName::User { account, .. } | PrincipalName::Role { account, .. }) => {
                Ok(self.no_source(arn, account))
            }
            _ => match group_in(arn) {
                Some((account, name)) if is_own(&account) => self.source_group(arn, &account, name).await,
                Some((account, _)) => Ok(self.no_source(arn, account)),
                None => Err(invalid(format!("Invalid Entity Arn: {arn}")).into()),
            },
        }
    }

    async fn source_user(&self, arn: &str, account: &AccountId, name: &str) -> Result<SoughtSource, Failure> {
        let stored = self.reader().find::<User>(account, name).await?;
        let Some(user) = stored.filter(|user| self.arn_of(&***user) == arn) else {
            return Ok(self.no_source(arn, *account));
        };
        let mut texts = Texts::of(&**user);
        for name in &user.groups {
            if let Some(group) = self.reader().find::<Group>(account, name).await? {
                texts.extend(Texts::of(&**group));
            }
        }
        let identity = self.directory().user(account, name).await?;
        let found = identity.map(|identity| Found::Principal(Box::new(identity), texts));
        Ok(SoughtSource { found, named: self.identity_of(&**user) })
    }

    async fn source_role(&self, arn: &str, account: &AccountId, name: &str) -> Result<SoughtSource, Failure> {
        let stored = self.reader().find::<Role>(account, name).await?;
        let Some(role) = stored.filter(|role| self.arn_of(&***role) == arn) else {
            return Ok(self.no_source(arn, *account));
        };
        let identity = self.directory().role(account, name, SESSION).await?;
        let found = identity.map(|identity| Found::Principal(Box::new(identity), Texts::of(&**role)));
        Ok(SoughtSource { found, named: self.identity_of(&**role) })
    }

    async fn source_group(
        &self,
        arn: &str,
        account: &AccountId,
        name: &str,
    ) -> Result<SoughtSource, Failure> {
        let stored = self.reader().find::<Group>(account, name).await?;
        let Some(group) = stored.filter(|group| self.arn_of(&***group) == arn) else {
            return Ok(self.no_source(arn, *account));
        };
        let policies = self.directory().group(account, name).await?;
        let found = policies.map(|policies| Found::Group(policies, Texts::of(&**group)));
        Ok(SoughtSource { found, named: self.identity_of(&**group) })
    }

    fn no_source(&self, arn: &str, account: AccountId) -> SoughtSource {
        let named = self.plain_identity(arn.to_owned());
        SoughtSource { found: None, named: NamedIdentity { account, ..named } }
    }

    async fn text_of_managed(&self, arn: &str) -> Result<Option<String>, Failure> {
        if let Some(policy) = aws_managed_policy(arn) {
            return Ok(Some(policy.text.to_owned()));
        }
        let Some((account, name)) = account_and_name(arn) else { return Ok(None) };
        let policy = self.reader().find::<ManagedPolicy>(&account, name).await?;
        Ok(policy.and_then(|policy| Some(policy.version(policy.default)?.text.clone())))
    }
}

impl Texts {
    fn of<T: Holder>(holder: &T) -> Self {
        Self {
            inline: holder.inline().values().cloned().collect(),
            attached: holder.attached().iter().cloned().collect(),
        }
    }

    fn extend(&mut self, other: Self) {
        self.inline.extend(other.inline);
        self.attached.extend(other.attached);
    }
}

/// The account and the name in the ARN of a group.
fn group_in(arn: &str) -> Option<(AccountId, &str)> {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, _, account) = (parts.next()?, parts.next()?, parts.next()?.parse().ok()?);
    let (_, name) = parts.next()?.strip_prefix("group")?.rsplit_once('/')?;
    (service == "iam" && !name.is_empty()).then_some((account, name))
}

/// The name of the session of a role that is simulated.
const SESSION: &str = "simulation";
