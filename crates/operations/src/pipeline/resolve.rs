//! From the text that names a key to the key.

use super::Scene;
use crate::kms::custom_key_stores::Home;
use crate::operation::{Failure, Named, NamedGrant, NamedKey};
use catalog::{AliasAddress, KeyAddress, Stored, World};
use keys::{GrantId, Key, KeyId, KeyPlace};
use std::sync::Arc;
use wire::arn::{AliasArn, InvalidReference, KeyArn, KeyReference};
use wire::member::KeyIdText;
use wire::{Fault, FaultKind};

/// In which ways an operation lets a key be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// By id, ARN, alias name or alias ARN.
    Any,
    /// By id or ARN only.
    IdOrArn,
}

/// Where a request says that a key is. Whether there is one is another matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The key's ARN. Of an alias that another account may or may not have it is the ARN of no key.
    pub arn: KeyArn,
    /// How the request named it.
    pub named: Named,
}

impl Scene<'_> {
    /// The key that a request names. `action` is what the caller is denied if it cannot see the key.
    pub async fn key(
        &self,
        text: &KeyIdText,
        naming: Naming,
        action: &'static str,
    ) -> Result<NamedKey, Failure> {
        self.key_at(self.locate(text, naming).await?, action).await
    }

    /// Where the key is that a request names.
    pub async fn locate(&self, text: &KeyIdText, naming: Naming) -> Result<Located, Failure> {
        let reference = text.as_str().parse::<KeyReference>().map_err(|invalid| unreadable(text, invalid))?;
        match reference {
            KeyReference::Alias(_) | KeyReference::AliasArn(_) if naming == Naming::IdOrArn => {
                Err(unreadable(text, InvalidReference::KeyId).into())
            }
            KeyReference::Alias(name) => self.locate_alias(self.alias_arn(&name)).await,
            KeyReference::AliasArn(arn) => {
                self.check_region(&arn.partition, &arn.region, text)?;
                self.locate_alias(arn).await
            }
            KeyReference::Arn(arn) => {
                self.check_region(&arn.partition, &arn.region, text)?;
                Ok(Located { arn, named: Named::default() })
            }
            KeyReference::Id(id) => Ok(Located { arn: self.own_key_arn(id), named: Named::default() }),
        }
    }

    /// The key there, of whichever account. One of another account that the caller may not use so is as good as absent at
    /// once: were it denied only later, what is found in between would tell that it is there.
    pub async fn key_at(&self, located: Located, action: &'static str) -> Result<NamedKey, Failure> {
        let Located { arn, named } = located;
        let world = World { account: arn.account, region: arn.region };
        let key = self.reader().key(&KeyAddress { world, id: arn.key_id }).await?;
        let is_own = self.is_own(arn.account);
        match key {
            Some(key) => {
                let named = self.named_key(key, arn, named).await?;
                if !is_own {
                    self.weigh(&named.permission(action)).await?;
                }
                Ok(named)
            }
            None if is_own && !named.by_ciphertext => Err(no_such_key(&arn).into()),
            None => Err(self.invisible(action)),
        }
    }

    /// The key there, if it is there and the caller's account's own.
    pub async fn own_key(&self, arn: &KeyArn) -> Result<Option<NamedKey>, Failure> {
        let world = World { account: arn.account, region: arn.region };
        if !self.is_own(arn.account) {
            return Ok(None);
        }
        let key = self.reader().key(&KeyAddress { world, id: arn.key_id }).await?;
        let Some(key) = key else { return Ok(None) };
        Ok(Some(self.named_key(key, arn.clone(), Named::default()).await?))
    }

    /// The grant of that id on the key there, of whichever account. It tells as little of other accounts' keys as
    /// [`Self::key_at`].
    pub async fn grant_at(
        &self,
        located: Located,
        id: GrantId,
        action: &'static str,
    ) -> Result<NamedGrant, Failure> {
        let Located { arn, named } = located;
        let address =
            KeyAddress { world: World { account: arn.account, region: arn.region }, id: arn.key_id };
        let is_own = self.is_own(arn.account);
        let Some(key) = self.reader().key(&address).await? else {
            return Err(if is_own { no_such_key(&arn).into() } else { self.invisible(action) });
        };
        let Some(grant) = self.reader().grant(&address, &id).await? else {
            let no_such_grant = || no_such_grant(&id.to_string()).into();
            return Err(if is_own { no_such_grant() } else { self.invisible(action) });
        };
        let named = NamedGrant { key: self.named_key(key, arn, named).await?, grant };
        if !is_own {
            self.weigh(&named.permission(action)).await?;
        }
        Ok(named)
    }

    async fn named_key(&self, key: Arc<Stored<Key>>, arn: KeyArn, named: Named) -> Result<NamedKey, Failure> {
        let home = match &key.place {
            None => None,
            // In a box of its own, for few keys are in a custom key store.
            Some(place) => Some(Box::pin(self.home(&arn, place)).await?),
        };
        Ok(NamedKey { key, arn, named, home })
    }

    async fn home(&self, arn: &KeyArn, place: &KeyPlace) -> Result<Home, Failure> {
        let world = World { account: arn.account, region: arn.region };
        Ok(Home::of(place, &world, self.reader(), &self.service().key_stores).await?)
    }

    /// The ARN of the key of that id in the caller's account and the request's region.
    pub fn own_key_arn(&self, key_id: KeyId) -> KeyArn {
        let World { account, region } = self.world();
        KeyArn { partition: self.partition(), region, account, key_id }
    }

    async fn locate_alias(&self, arn: AliasArn) -> Result<Located, Failure> {
        let AliasArn { account, region, .. } = arn;
        let world = World { account, region };
        let alias = match self.reader().alias(&AliasAddress { world, name: arn.name.clone() }).await? {
            None => Box::pin(self.alias_by_first_use(&arn)).await?,
            found => found,
        };
        if alias.is_none() && self.is_own(account) {
            return Err(no_such_alias(&arn).into());
        }
        let key_id = alias.map_or(NO_KEY, |alias| alias.target);
        let AliasArn { partition, region, account, name } = arn;
        let named = Named { alias: Some(name), ..Named::default() };
        Ok(Located { arn: KeyArn { partition, region, account, key_id }, named })
    }

    //= kms: an ARN of another Region sent here names nothing here
    fn check_region(&self, partition: &str, region: &keys::Region, text: &KeyIdText) -> Result<(), Fault> {
        if *partition != *self.settings().partition {
            return Err(unreadable(text, InvalidReference::Arn));
        }
        if *region == self.caller.region {
            return Ok(());
        }
        Err(Fault::new(FaultKind::NotFound, format!("Invalid arn {region}")))
    }

    fn is_own(&self, account: keys::AccountId) -> bool {
        account == *self.caller.identity.principal.account()
    }
}

/// There is no alias of that ARN.
pub fn no_such_alias(arn: &AliasArn) -> Fault {
    Fault::new(FaultKind::NotFound, format!("Alias {arn} is not found."))
}

/// There is no grant of that id on the key.
pub fn no_such_grant(id: &str) -> Fault {
    Fault::new(FaultKind::NotFound, format!("Grant ID {id} not found"))
}

/// There is no key of that ARN.
pub fn no_such_key(arn: &KeyArn) -> Fault {
    Fault::new(FaultKind::NotFound, format!("Key '{arn}' does not exist"))
}

fn unreadable(text: &KeyIdText, invalid: InvalidReference) -> Fault {
    let text = text.as_str();
    match invalid {
        InvalidReference::Arn => Fault::new(FaultKind::InvalidArn, format!("Invalid arn {text}")),
        InvalidReference::KeyId => Fault::new(FaultKind::NotFound, format!("Invalid keyId '{text}'")),
    }
}

/// The id that an alias of another account stands for if it is not there: no key has it, for ids are random.
const NO_KEY: KeyId = KeyId::multi_region([0; 16]);
