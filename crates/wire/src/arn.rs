//! ARNs of keys and aliases, and the four ways of naming a key.

use keys::{AccountId, KeyId, Region};
use serde::{Serialize, Serializer};
use std::fmt::{self, Write};
use std::sync::Arc;

/// `arn:<partition>:kms:<region>:<account>:key/<key id>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyArn {
    /// `aws`, `aws-cn` …
    pub partition: Arc<str>,
    /// The region of the key.
    pub region: Region,
    /// The account that owns it.
    pub account: AccountId,
    /// Its id.
    pub key_id: KeyId,
}

/// `arn:<partition>:kms:<region>:<account>:alias/<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AliasArn {
    /// `aws`, `aws-cn` …
    pub partition: Arc<str>,
    /// The region of the alias.
    pub region: Region,
    /// The account that owns it.
    pub account: AccountId,
    /// Its name, `alias/` included.
    pub name: Box<str>,
}

/// A key as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyReference {
    /// By the name of an alias, `alias/` included.
    Alias(Box<str>),
    /// By the ARN of an alias.
    AliasArn(AliasArn),
    /// By its ARN.
    Arn(KeyArn),
    /// By its id.
    Id(KeyId),
}

/// Why a text names no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidReference {
    /// It begins as an ARN and is none of a key or alias.
    Arn,
    /// It is no key id, and nothing else either.
    KeyId,
}

impl std::str::FromStr for KeyReference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        if text.starts_with("arn:") {
            return arn(text).ok_or(InvalidReference::Arn);
        }
        if text.starts_with("alias/") {
            return Ok(Self::Alias(text.into()));
        }
        text.parse().map(Self::Id).map_err(|_| InvalidReference::KeyId)
    }
}

fn arn(text: &str) -> Option<KeyReference> {
    let mut parts = text.splitn(6, ':');
    let (scheme, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    if scheme != "arn" || service != "kms" || partition.is_empty() {
        return None;
    }
    let (partition, region, account) = (partition.into(), region.parse().ok()?, account.parse().ok()?);
    if let Some(id) = resource.strip_prefix("key/") {
        return Some(KeyReference::Arn(KeyArn { partition, region, account, key_id: id.parse().ok()? }));
    }
    resource.strip_prefix("alias/").filter(|name| !name.is_empty())?;
    Some(KeyReference::AliasArn(AliasArn { partition, region, account, name: resource.into() }))
}

impl KeyArn {
    /// Its text. Written more than once a call, and so without the machinery of formatting.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(TYPICAL_LENGTH);
        for part in
            ["arn:", &self.partition, ":kms:", self.region.as_str(), ":", self.account.as_str(), ":key/"]
        {
            text.push_str(part);
        }
        // Writing into a string cannot fail.
        let _ = write!(text, "{}", self.key_id);
        text
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Display for AliasArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:{}:kms:{}:{}:{}", self.partition, self.region, self.account, self.name)
    }
}

impl Serialize for KeyArn {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text())
    }
}

impl Serialize for AliasArn {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Of a key's ARN.
const TYPICAL_LENGTH: usize = 88;

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

    #[test]
    fn a_key_has_four_names() {
        let key_arn = format!("arn:aws:kms:eu-central-1:111122223333:key/{ID}");
        let alias_arn = "arn:aws:kms:eu-central-1:111122223333:alias/nile/delta";
        assert!(matches!(ID.parse(), Ok(KeyReference::Id(_))));
        assert_eq!("alias/nile".parse(), Ok(KeyReference::Alias("alias/nile".into())));
        assert!(matches!(key_arn.parse(), Ok(KeyReference::Arn(arn)) if arn.to_string() == key_arn));
        assert!(matches!(alias_arn.parse(), Ok(KeyReference::AliasArn(arn)) if arn.to_string() == alias_arn));
    }

    #[test]
    fn what_begins_as_an_arn_must_be_one() {
        for wrong in [
            "arn:",
            "arn:aws:kms:eu-central-1:111122223333",
            "arn:aws:s3:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:kms:nowhere:111122223333:alias/a",
            "arn:aws:kms:eu-central-1:1:alias/a",
            "arn:aws:kms:eu-central-1:111122223333:alias/",
            "arn:aws:kms:eu-central-1:111122223333:key/x",
            "arn::kms:eu-central-1:111122223333:alias/a",
        ] {
            assert_eq!(wrong.parse::<KeyReference>(), Err(InvalidReference::Arn), "{wrong}");
        }
        assert_eq!("fake-key-id".parse::<KeyReference>(), Err(InvalidReference::KeyId));
    }
}
