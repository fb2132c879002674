//! The records themselves, and how they become bytes: JSON, which an operator can read and a later version can extend.

use crate::CatalogError;
use bytes::Bytes;
use keys::{AccountId, KeyId, Moment, Region};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ops::Deref;
use storage::{Revision, Versioned};

/// An account in a region: a world of keys and aliases of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

/// Where a key is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyAddress {
    /// Its account and region.
    pub world: World,
    /// Its id.
    pub id: KeyId,
}

/// Where an alias is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AliasAddress {
    /// Its account and region.
    pub world: World,
    /// Its name, `alias/` included.
    pub name: Box<str>,
}

/// An account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// When it was made.
    pub created: Moment,
}

/// An access key of an account's root principal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessKey {
    /// Its id, `AKIA…`.
    pub id: String,
    /// The account whose root it speaks for.
    pub account: AccountId,
    /// When it was made.
    pub created: Moment,
    /// The secret access key as the security module has sealed it.
    pub secret: Vec<u8>,
}

/// A record and the revision at which it was read: what a change of it must name.
#[derive(Clone, Debug)]
pub struct Stored<T> {
    record: T,
    pub(crate) revision: Revision,
}

impl<T> Deref for Stored<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.record
    }
}

impl<T: DeserializeOwned> Stored<T> {
    /// Reads what is stored at that key.
    pub(crate) fn decode(key: &[u8], stored: &Versioned) -> Result<Self, CatalogError> {
        let record = serde_json::from_slice(&stored.value).map_err(|source| CatalogError::Unreadable {
            key: String::from_utf8_lossy(key).into_owned(),
            source,
        })?;
        Ok(Self { record, revision: stored.revision })
    }
}

/// The bytes of a record.
pub(crate) fn encode<T: Serialize>(record: &T) -> Bytes {
    // INVARIANT: every record serialises: no map with keys that are not text, no fallible implementation.
    serde_json::to_vec(record).unwrap_or_default().into()
}
