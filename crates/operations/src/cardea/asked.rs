//! What the supposed request is on. Of what is another account's nothing is looked up: it is only ever known by the name that
//! the caller gave, and only the asking side is explained.

use super::action::{Target, target};
use crate::operation::{Failure, NamedIdentity, NamedKey, NamedRole, On};
use crate::pipeline::{Located, Naming, Scene, no_such_key};
use access::PrincipalName;
use catalog::{Role, User};
use keys::AccountId;
use wire::arn::{AliasArn, KeyArn, KeyReference};
use wire::member::iam::Arn;
use wire::member::{CiphertextBlob, KeyIdText};
use wire::{Fault, FaultKind};

/// What somebody is supposed to ask for.
#[derive(Debug)]
pub enum Asked {
    /// The caller's account.
    Account,
    /// An alias of the caller's account, there or not.
    Alias(AliasArn),
    /// A key of another account, there or not.
    ForeignKey(KeyArn),
    /// A role of another account, there or not.
    ForeignRole { arn: String, account: AccountId },
    /// Something that IAM keeps in the caller's account.
    Identity(NamedIdentity),
    /// A key of the caller's account.
    Key(NamedKey),
    /// A role of the caller's account.
    Role(NamedRole),
}

/// How a request names it.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    pub key_id: Option<&'a KeyIdText>,
    pub ciphertext: Option<&'a CiphertextBlob>,
    pub resource: Option<&'a Arn>,
}

impl Asked {
    /// It, if it is of the caller's account.
    pub const fn on(&self) -> Option<On<'_>> {
        match self {
            Self::Account => Some(On::Account),
            Self::Alias(arn) => Some(On::Alias(arn)),
            Self::Identity(named) => Some(On::Identity(named)),
            Self::Key(named) => Some(On::Key(named)),
            Self::Role(named) => Some(On::Role(named)),
            Self::ForeignKey(_) | Self::ForeignRole { .. } => None,
        }
    }

    pub const fn key(&self) -> Option<&NamedKey> {
        match self {
            Self::Key(named) => Some(named),
            _ => None,
        }
    }

    pub fn key_arn(&self) -> Option<KeyArn> {
        match self {
            Self::ForeignKey(arn) => Some(arn.clone()),
            _ => self.key().map(|named| named.arn.clone()),
        }
    }
}

impl Names<'_> {
    /// Refuses what cannot be asked of that action.
    pub fn check(self, action: &str) -> Result<(), Fault> {
        let names_key = self.key_id.is_some() || self.ciphertext.is_some();
        let names = [self.key_id.is_some(), self.ciphertext.is_some(), self.resource.is_some()];
        if names.into_iter().filter(|given| *given).count() > 1 {
            return Err(invalid("Give one of KeyId, CiphertextBlob and ResourceArn.".into()));
        }
        let complaint = match target(action) {
            Target::Key if !names_key => "is about a key: give KeyId or CiphertextBlob.",
            Target::Alias if !names_key && self.resource.is_none() => {
                "is needed on a key and on an alias: give KeyId, then the alias's ARN as ResourceArn."
            }
            Target::Role if self.resource.is_none() => "is about a role: give its ARN as ResourceArn.",
            Target::Account if names_key || self.resource.is_some() => {
                "is about the account and nothing in it."
            }
            Target::Identity | Target::Role if names_key => "is not about a key.",
            _ => return Ok(()),
        };
        Err(invalid(format!("{action} {complaint}")))
    }

    /// What it is that they name.
    pub async fn find(self, action: &str, scene: &Scene<'_>) -> Result<Asked, Failure> {
        if let Some(key_id) = self.key_id {
            refuse_foreign_alias(key_id, scene)?;
            return key(scene.locate(key_id, Naming::Any).await?, scene).await;
        }
        if let Some(blob) = self.ciphertext {
            return key(located(blob, scene)?, scene).await;
        }
        let Some(arn) = self.resource.map(Arn::as_str) else { return Ok(Asked::Account) };
        match target(action) {
            Target::Alias => alias(arn, scene),
            Target::Role => role(arn, scene).await,
            _ => Ok(Asked::Identity(identity(arn, scene).await?)),
        }
    }
}

async fn key(located: Located, scene: &Scene<'_>) -> Result<Asked, Failure> {
    let Located { arn, named } = located;
    if arn.account != scene.account() {
        return Ok(Asked::ForeignKey(arn));
    }
    let found = scene.own_key(&arn).await?;
    let found = found.ok_or_else(|| no_such_key(&arn))?;
    Ok(Asked::Key(NamedKey { named, ..found }))
}

/// Which key another account's alias stands for, and whether there is one, shows in what policies say to it.
fn refuse_foreign_alias(key_id: &KeyIdText, scene: &Scene<'_>) -> Result<(), Fault> {
    match key_id.as_str().parse() {
        Ok(KeyReference::AliasArn(arn)) if arn.account != scene.account() => {
            Err(invalid("An alias of another account cannot be explained: name the key by its ARN.".into()))
        }
        _ => Ok(()),
    }
}

fn located(blob: &CiphertextBlob, scene: &Scene<'_>) -> Result<Located, Fault> {
    let no_blob =
        || Fault::new(FaultKind::InvalidCiphertext, "CiphertextBlob is no ciphertext of this service.");
    let header = keystores::blob::header(blob.as_bytes()).map_err(|_| no_blob())?;
    let arn = KeyArn { account: header.account, ..scene.own_key_arn(header.key_id) };
    Ok(Located { arn, named: crate::operation::Named::default() })
}

fn alias(arn: &str, scene: &Scene<'_>) -> Result<Asked, Failure> {
    match arn.parse() {
        Ok(KeyReference::AliasArn(alias)) if alias.account == scene.account() => Ok(Asked::Alias(alias)),
        _ => Err(invalid(format!("{arn} is not the ARN of an alias of this account.")).into()),
    }
}

async fn role(arn: &str, scene: &Scene<'_>) -> Result<Asked, Failure> {
    let named = arn.parse().ok();
    let Some(PrincipalName::Role { partition, account, path, name }) = named else {
        return Err(invalid(format!("{arn} is not the ARN of a role.")).into());
    };
    if account != scene.account() {
        return Ok(Asked::ForeignRole { arn: arn.to_owned(), account });
    }
    let role = scene.reader().find::<Role>(&account, &name).await?;
    let role =
        role.filter(|role| role.path == *path && role.name == *name && *partition == *scene.partition());
    let role = role.ok_or_else(|| no_such(arn))?;
    Ok(Asked::Role(NamedRole { role, arn: arn.to_owned() }))
}

/// With the tags and the boundary that conditions may ask for, if it is a user or a role that is there.
async fn identity(arn: &str, scene: &Scene<'_>) -> Result<NamedIdentity, Failure> {
    let own = format!("arn:{}:iam::{}:", scene.partition(), scene.account());
    if !arn.starts_with(&own) {
        return Err(
            invalid(format!("{arn} is not the ARN of something that IAM keeps in this account.")).into()
        );
    }
    let (account, reader) = (scene.account(), scene.reader());
    let found = match arn.parse() {
        Ok(PrincipalName::Role { name, .. }) => {
            reader.find::<Role>(&account, &name).await?.map(|role| scene.identity_of(&**role))
        }
        Ok(PrincipalName::User { name, .. }) => {
            reader.find::<User>(&account, &name).await?.map(|user| scene.identity_of(&**user))
        }
        _ => None,
    };
    Ok(found.filter(|found| found.arn == arn).unwrap_or_else(|| scene.plain_identity(arn.to_owned())))
}

/// There is nothing of that ARN in the caller's account.
pub fn no_such(arn: &str) -> Fault {
    invalid(format!("There is no {arn}."))
}

/// What is wrong with the question.
pub fn invalid(message: String) -> Fault {
    Fault::new(FaultKind::Validation, message)
}
