//! Typed records over storage: find, list, change in one commit, and remember how it was before.
//!
//! Reads come from memory where they can, from the store where they must; what is in memory is kept true by this node's own
//! commits and by the store's watch. The only crate that knows how records are laid out. It decides nothing: who may read or
//! change is settled before it is asked.

#![forbid(unsafe_code)]

mod cache;
mod changes;
mod custom_key_stores;
mod error;
mod follow;
mod grants;
mod identity;
mod import_tokens;
mod key_uses;
mod layout;
mod reader;
mod record;
mod stored;

pub use changes::{Announcement, Author, Changes};
pub use error::CatalogError;
pub use follow::Followed;
pub use grants::{GRANTS_A_COMMIT, NamedGrants};
pub use identity::{
    Attachment, Group, IntegratedService, ManagedPolicy, OidcProvider, PolicyUsage, PolicyVersion, Record,
    RecordKind, Role, User,
};
pub use import_tokens::SpentImportToken;
pub use key_uses::KeyUse;
pub use reader::{Page, Reader};
pub use record::{AccessKey, AccessKeyOwner, AccessKeyUse, Account, AliasAddress, KeyAddress, World};
pub use stored::Stored;

use std::sync::Arc;
use storage::Storage;

/// The records of this installation. Reading is open to whoever holds a [`Reader`]; changing takes the catalog itself.
#[derive(Debug)]
pub struct Catalog {
    reader: Reader,
}

impl Catalog {
    /// The catalog over that store, keeping in memory up to so many records of each kind that were used.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, hot_records: usize) -> Self {
        Self { reader: Reader::new(storage, hot_records) }
    }

    /// What may be read.
    #[must_use]
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Makes all the changes in one commit, or none: [`CatalogError::Conflict`] if a record was changed by others since it
    /// was read. Durable, and seen by every later read on this node, once it has answered.
    pub async fn commit(&self, changes: Changes) -> Result<(), CatalogError> {
        changes.commit(&self.reader).await
    }

    /// Removes what is left of deleted records and of former versions, so that no file of the store holds a token which no record
    /// holds any more. Next to nothing if there was no commit since the last time.
    pub async fn shred(&self) -> Result<(), CatalogError> {
        Ok(self.reader.storage.shred().await?)
    }

    /// Follows the store's changes until it fails; to be run beside everything else, again after each failure.
    pub async fn follow(&self, followed: &Followed) -> Result<(), CatalogError> {
        follow::follow(&self.reader, followed).await
    }
}
