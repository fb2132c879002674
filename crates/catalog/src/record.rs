//! Accounts and access keys, and where the records of an account are.

use keys::{AccountId, Key, KeyId, Moment, Region};
use serde::{Deserialize, Serialize};

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

impl KeyAddress {
    /// Where that key is.
    #[must_use]
    pub const fn of(key: &Key) -> Self {
        let Key { account, region, id, .. } = *key;
        Self { world: World { account, region }, id }
    }
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

/// An access key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessKey {
    /// Its id, `AKIA…`.
    pub id: String,
    /// The account of whom it speaks for.
    pub account: AccountId,
    /// Whom it speaks for.
    #[serde(default)]
    pub owner: AccessKeyOwner,
    /// Whether it may be used.
    #[serde(default = "active")]
    pub active: bool,
    /// When it was made.
    pub created: Moment,
    /// The secret access key as the security module has sealed it.
    pub secret: Vec<u8>,
}

/// Whom an access key speaks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessKeyOwner {
    /// The root principal of its account, which was the only one when records did not say.
    #[default]
    Root,
    /// An integrated service.
    Service {
        /// Its name, such as `s3.amazonaws.com`.
        name: String,
    },
    /// A user of its account.
    User {
        /// The name.
        name: String,
        /// The unique id: a later user of the same name is someone else.
        id: String,
    },
}

/// The last use of an access key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKeyUse {
    /// When.
    pub at: Moment,
    /// The service that was called, such as `kms`.
    pub service: String,
    /// The region that was called.
    pub region: String,
}

/// No access key could be switched off when records did not say.
const fn active() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_key_written_before_there_were_users_is_an_active_one_of_root() {
        let record = r#"{"id":"AKIAIOSFODNN7EXAMPLE","account":"111122223333","created":1,"secret":[1,2]}"#;
        let access_key: AccessKey = serde_json::from_str(record).unwrap();
        assert_eq!((access_key.owner, access_key.active), (AccessKeyOwner::Root, true));
    }
}
