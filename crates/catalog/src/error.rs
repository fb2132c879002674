//! What can go wrong between a record and the store.

use storage::StorageError;

/// Why the catalog did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// A record that was to be changed had been changed since it was read. Read again and decide again.
    #[error("a record was changed by someone else")]
    Conflict,
    /// The quota of grants on a key keeps the grant from being made.
    #[error("the limit of {limit} grants on a key is reached")]
    TooManyGrants {
        /// The limit.
        limit: u64,
    },
    /// The quota of keys keeps the key from being made.
    #[error("the limit of {limit} keys is reached")]
    TooManyKeys {
        /// The limit.
        limit: u64,
    },
    /// A record does not read as what it must be.
    #[error("the record `{key}` cannot be read")]
    Unreadable {
        /// Where it is stored.
        key: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// What was to be changed together is more than a store takes at once.
    #[error("the change is too large: {0}")]
    TooLarge(#[source] StorageError),
    /// The store failed.
    #[error("the store failed: {0}")]
    Storage(#[source] StorageError),
}

impl From<StorageError> for CatalogError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::TooLarge { .. } => Self::TooLarge(error),
            other => Self::Storage(other),
        }
    }
}

impl CatalogError {
    /// Whether somebody still reads what was to be removed, who will soon have read it.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        matches!(self, Self::Storage(StorageError::Held))
    }
}
