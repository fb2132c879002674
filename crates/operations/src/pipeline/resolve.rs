//! From the text that names a key to the key.

use super::Scene;
use crate::operation::{Failure, NamedKey};
use access::{Decision, Denial, Question, Resource, decide};
use catalog::{AliasAddress, KeyAddress, World};
use keys::KeyId;
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

impl Scene<'_> {
    /// The key that a request names. `action` is what the caller is denied if it cannot see the key.
    pub async fn key(
        &self,
        text: &KeyIdText,
        naming: Naming,
        action: &'static str,
    ) -> Result<NamedKey, Failure> {
        let reference = text.as_str().parse::<KeyReference>().map_err(|invalid| unreadable(text, invalid))?;
        match reference {
            KeyReference::Alias(_) | KeyReference::AliasArn(_) if naming == Naming::IdOrArn => {
                Err(unreadable(text, InvalidReference::KeyId).into())
            }
            KeyReference::Alias(name) => self.key_of_alias(self.alias_arn(&name), action).await,
            KeyReference::AliasArn(arn) => {
                self.check_region(&arn.partition, &arn.region, text)?;
                self.key_of_alias(arn, action).await
            }
            KeyReference::Arn(arn) => {
                self.check_region(&arn.partition, &arn.region, text)?;
                self.key_at(arn, action).await
            }
            KeyReference::Id(id) => self.key_at(self.own_key_arn(id), action).await,
        }
    }

    /// The key at that ARN, of whichever account. One of another account that the caller may not use so is as good as absent
    /// at once: were it denied only later, what is found in between would tell that it is there.
    pub async fn key_at(&self, arn: KeyArn, action: &'static str) -> Result<NamedKey, Failure> {
        let world = World { account: arn.account, region: arn.region };
        let key = self.reader().key(&KeyAddress { world, id: arn.key_id }).await?;
        match key {
            Some(key) if self.may_see(&arn, action) => Ok(NamedKey { key, arn }),
            None if self.is_own(arn.account) => Err(no_such_key(&arn).into()),
            _ => Err(self.invisible(action).into()),
        }
    }

    /// Whether a key is the caller's own, about which it may know, or another account's that lets it do this.
    pub fn may_see(&self, arn: &KeyArn, action: &'static str) -> bool {
        let question = Question { principal: &self.caller.principal, action, resource: Resource::Key(arn) };
        self.is_own(arn.account) || decide(&question) == Decision::Allowed
    }

    /// The ARN of the key of that id in the caller's account and the request's region.
    pub fn own_key_arn(&self, key_id: KeyId) -> KeyArn {
        let AliasArn { partition, region, account, .. } = self.alias_arn("");
        KeyArn { partition, region, account, key_id }
    }

    /// What a caller is told of something that it cannot see, there or not.
    pub fn invisible(&self, action: &'static str) -> Fault {
        Fault::new(FaultKind::AccessDenied, Denial::invisible(&self.caller.principal, action).to_string())
    }

    async fn key_of_alias(&self, arn: AliasArn, action: &'static str) -> Result<NamedKey, Failure> {
        let AliasArn { account, region, .. } = arn;
        let world = World { account, region };
        let alias = self.reader().alias(&AliasAddress { world, name: arn.name.clone() }).await?;
        match alias {
            Some(alias) => {
                let partition = arn.partition;
                self.key_at(KeyArn { partition, region, account, key_id: alias.target }, action).await
            }
            None if self.is_own(account) => Err(no_such_alias(&arn).into()),
            None => Err(self.invisible(action).into()),
        }
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
        account == *self.caller.principal.account()
    }
}

/// There is no alias of that ARN.
pub fn no_such_alias(arn: &AliasArn) -> Fault {
    Fault::new(FaultKind::NotFound, format!("Alias {arn} is not found."))
}

fn no_such_key(arn: &KeyArn) -> Fault {
    Fault::new(FaultKind::NotFound, format!("Key '{arn}' does not exist"))
}

fn unreadable(text: &KeyIdText, invalid: InvalidReference) -> Fault {
    let text = text.as_str();
    match invalid {
        InvalidReference::Arn => Fault::new(FaultKind::InvalidArn, format!("Invalid arn {text}")),
        InvalidReference::KeyId => Fault::new(FaultKind::NotFound, format!("Invalid keyId '{text}'")),
    }
}
