//! Aliases: names that their owner can move from one key to another.

mod create_alias;
mod delete_alias;
mod list_aliases;
mod update_alias;

pub use create_alias::CreateAlias;
pub use delete_alias::DeleteAlias;
pub use list_aliases::ListAliases;
pub use update_alias::UpdateAlias;

use crate::operation::{Failure, Named, NamedKey, On, Permission, Subject};
use crate::pipeline::{Located, Naming, Scene, no_such_alias};
use catalog::{AliasAddress, Stored};
use keys::{ALIAS_PREFIX, Alias, RESERVED_ALIAS_PREFIX};
use std::sync::Arc;
use wire::arn::{AliasArn, KeyReference};
use wire::member::{AliasName, KeyIdText};
use wire::{Fault, FaultKind};

/// An alias and the keys that a change of it concerns.
#[derive(Debug)]
pub struct AliasSubject {
    arn: AliasArn,
    /// The alias as it is, if it is.
    stored: Option<Arc<Stored<Alias>>>,
    /// The key that it stands for now.
    old: Option<NamedKey>,
    /// The key that it is to stand for, whose state decides.
    new: Option<NamedKey>,
}

impl AliasSubject {
    /// The action on the alias and on each key: AWS asks for both.
    fn permissions(&self, action: &'static str) -> Vec<Permission<'_>> {
        let alias = Permission { action, on: On::Alias(&self.arn) };
        std::iter::once(alias).chain(self.keys().map(|key| key.permission(action))).collect()
    }
}

impl Subject for AliasSubject {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        self.new.iter()
    }

    fn keys(&self) -> impl Iterator<Item = &NamedKey> {
        self.old.iter().chain(&self.new)
    }

    fn alias(&self) -> Option<&AliasArn> {
        Some(&self.arn)
    }
}

/// Refuses names that no customer's alias can have.
fn check_name(name: &AliasName) -> Result<(), Fault> {
    let Some(bare) = name.as_str().strip_prefix(ALIAS_PREFIX) else {
        return Err(Fault::new(FaultKind::Validation, NO_PREFIX));
    };
    if name.as_str().starts_with(RESERVED_ALIAS_PREFIX) {
        return Err(Fault::bare(FaultKind::NotAuthorized));
    }
    if bare.is_empty() || bare.contains(':') {
        let message = format!("{} contains invalid characters for an alias", name.as_str());
        return Err(Fault::new(FaultKind::Validation, message));
    }
    Ok(())
}

/// Refuses an alias as the key that an alias is to stand for.
fn check_target(target: &KeyIdText) -> Result<(), Fault> {
    match target.as_str().parse() {
        Ok(KeyReference::Alias(_) | KeyReference::AliasArn(_)) => {
            Err(Fault::new(FaultKind::Validation, "Aliases must refer to keys. Not aliases"))
        }
        _ => Ok(()),
    }
}

impl Scene<'_> {
    /// The caller's alias of that name, if there is one.
    async fn own_alias(&self, name: &AliasName) -> Result<Option<Arc<Stored<Alias>>>, Failure> {
        let address = AliasAddress { world: self.world(), name: name.as_str().into() };
        Ok(self.reader().alias(&address).await?)
    }

    /// The caller's alias of that name and its key, with the key that it is to stand for.
    async fn existing_alias(
        &self,
        name: &AliasName,
        new: Option<NamedKey>,
        action: &'static str,
    ) -> Result<AliasSubject, Failure> {
        let arn = self.alias_arn(name.as_str());
        let stored = self.own_alias(name).await?.ok_or_else(|| no_such_alias(&arn))?;
        let old = Located { arn: self.own_key_arn(stored.target), named: Named::default() };
        let old = self.key_at(old, action).await?;
        Ok(AliasSubject { arn, stored: Some(stored), old: Some(old), new })
    }

    /// The key that an alias is to stand for.
    async fn alias_target(&self, target: &KeyIdText, action: &'static str) -> Result<NamedKey, Failure> {
        self.key(target, Naming::IdOrArn, action).await
    }

    /// Refuses an alias more than a key can have.
    async fn check_quota(&self, key: &NamedKey) -> Result<(), Failure> {
        let aliases = self.reader().aliases_of_key(&key.address(), None, MOST_ALIASES).await?;
        if aliases.entries.len() < MOST_ALIASES {
            return Ok(());
        }
        let message = format!("Key {} already has the maximum number of aliases ({MOST_ALIASES}).", key.arn);
        Err(Fault::new(FaultKind::LimitExceeded, message).into())
    }
}

const NO_PREFIX: &str = "Alias must start with the prefix \"alias/\". Please see \
                         https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html";
//= quotas: 50 aliases a key
const MOST_ALIASES: usize = 50;
