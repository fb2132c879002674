//! When keys were last used: one record a key, without history, and how far the journal is accounted for in them.

use crate::stored::encode;
use crate::{CatalogError, Changes, KeyAddress, Reader, Stored, layout};
use keys::{Key, Moment};
use serde::{Deserialize, Serialize};
use storage::Condition;

/// The last successful use of a key's material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// When, to the second.
    pub at: Moment,
    /// The operation, such as `Encrypt`.
    pub operation: String,
    /// The id of its record in the trail of the key's account.
    pub event_id: String,
    /// The id of the request.
    pub request_id: String,
}

impl Changes {
    /// Notes the last use of a key, in place of what was noted before and without history, if the key is still as it was read.
    #[must_use]
    pub fn note_key_use(mut self, key: &Stored<Key>, last: &KeyUse) -> Self {
        let address = KeyAddress::of(key);
        self.conditions.push(Condition::At(layout::key(&address), key.revision));
        self.put(layout::key_use(&address), encode(last));
        self
    }

    /// Notes that the uses of keys of which the journal's records up to that number tell are all noted.
    #[must_use]
    pub fn note_key_uses_up_to(mut self, sequence: u64) -> Self {
        self.put(layout::KEY_USES.into(), encode(&sequence));
        self
    }
}

impl Reader {
    /// The last use of a key, if any is noted.
    pub async fn key_use(&self, address: &KeyAddress) -> Result<Option<Stored<KeyUse>>, CatalogError> {
        self.read(&layout::key_use(address)).await
    }

    /// The number of the record of the journal up to which all uses of keys are noted.
    pub async fn key_uses_up_to(&self) -> Result<u64, CatalogError> {
        Ok(self.read(layout::KEY_USES.as_bytes()).await?.map_or(0, |sequence: Stored<u64>| *sequence))
    }
}
