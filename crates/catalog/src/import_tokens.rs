//! Import tokens that have been used: a token works once. What is out of date by itself need not be remembered.
//!
//! A key that waits for its deletion takes no material for longer than a token is good, so that no token outlives its key here.

use crate::{CatalogError, Changes, Reader, layout};
use bytes::Bytes;
use keys::Moment;
use storage::{Change, Condition};

/// An import token that has been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpentImportToken {
    /// Its id.
    pub id: [u8; 16],
    /// Until when it would have been good.
    pub valid_to: Moment,
}

impl Changes {
    /// Uses an import token up. Of changes that do so with the same token one is made and the others conflict.
    #[must_use]
    pub fn spend_import_token(mut self, token: &SpentImportToken) -> Self {
        let at = layout::spent_import_token(token);
        self.conditions.push(Condition::Absent(at.clone()));
        self.put(at, Bytes::new());
        self
    }

    /// Forgets an import token that is out of date.
    #[must_use]
    pub fn forget_import_token(mut self, token: &SpentImportToken) -> Self {
        self.changes.push(Change::Delete { key: layout::spent_import_token(token) });
        self
    }
}

impl Reader {
    /// Whether an import token has been used.
    pub async fn is_import_token_spent(&self, token: &SpentImportToken) -> Result<bool, CatalogError> {
        Ok(self.storage.get(&layout::spent_import_token(token)).await?.is_some())
    }

    /// Some of the import tokens that have been used, the oldest first.
    pub async fn spent_import_tokens(&self, limit: usize) -> Result<Vec<SpentImportToken>, CatalogError> {
        let entries = self.storage.scan(layout::SPENT_IMPORT_TOKENS.as_bytes(), None, limit).await?;
        Ok(entries.iter().filter_map(|entry| layout::parse_spent_import_token(&entry.key)).collect())
    }
}
