//! Finding and listing records.

use crate::cache::Hot;
use crate::record::Stored;
use crate::{AccessKey, Account, AliasAddress, CatalogError, KeyAddress, World, layout};
use keys::{ALIAS_PREFIX, AccountId, Alias, Key, KeyId, Moment};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use storage::{Entry, Storage, Versioned};

/// A page of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// Its entries, in order.
    pub entries: Vec<T>,
    /// The entry after which the next page begins, if more come.
    pub next: Option<String>,
}

/// All that may be read.
pub struct Reader {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) hot: Hot,
}

impl Reader {
    pub(crate) fn new(storage: Arc<dyn Storage>, hot_keys: usize) -> Self {
        Self { storage, hot: Hot::new(hot_keys) }
    }

    /// A key.
    pub async fn key(&self, address: &KeyAddress) -> Result<Option<Arc<Stored<Key>>>, CatalogError> {
        let read = async { self.read(&layout::key(address)).await };
        self.hot.keys.find(address, read).await
    }

    /// An alias.
    pub async fn alias(&self, address: &AliasAddress) -> Result<Option<Arc<Stored<Alias>>>, CatalogError> {
        let read = async { self.read(&layout::alias(address)).await };
        self.hot.aliases.find(address, read).await
    }

    /// An access key.
    pub async fn access_key(&self, id: &str) -> Result<Option<Arc<Stored<AccessKey>>>, CatalogError> {
        let read = async { self.read(&layout::access_key(id)).await };
        self.hot.access_keys.find(id, read).await
    }

    /// An account.
    pub async fn account(&self, id: &AccountId) -> Result<Option<Stored<Account>>, CatalogError> {
        self.read(&layout::account(id)).await
    }

    /// Whether there is any account at all.
    pub async fn has_accounts(&self) -> Result<bool, CatalogError> {
        Ok(!self.storage.scan(b"a/", None, 1).await?.is_empty())
    }

    /// The ids of the keys of an account and region, in their order, from the one after `after` on.
    pub async fn key_ids(
        &self,
        world: &World,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<KeyId>, CatalogError> {
        let prefix = layout::keys_of(world);
        let page = self.page(&prefix, after, limit).await?;
        let id = |entry: &Entry| suffix(&prefix, entry).and_then(|id| id.parse().ok());
        Ok(Page { entries: page.entries.iter().filter_map(id).collect(), next: page.next })
    }

    /// The aliases of an account and region, in the order of their names, from the one after `after` on.
    pub async fn aliases(
        &self,
        world: &World,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Arc<Stored<Alias>>>, CatalogError> {
        let page = self.page(&layout::aliases_of(world), after, limit).await?;
        let entries = page.entries.iter().map(|entry| decode(entry).map(Arc::new));
        Ok(Page { entries: entries.collect::<Result<_, _>>()?, next: page.next })
    }

    /// The aliases of a key, in the order of their names, from the one after `after` on.
    pub async fn aliases_of_key(
        &self,
        key: &KeyAddress,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Arc<Stored<Alias>>>, CatalogError> {
        let prefix = layout::aliases_of_key(key);
        let page = self.page(&prefix, after, limit).await?;
        let mut entries = Vec::with_capacity(page.entries.len());
        for name in page.entries.iter().filter_map(|entry| suffix(&prefix, entry)) {
            let name = format!("{ALIAS_PREFIX}{name}").into();
            let alias = self.alias(&AliasAddress { world: key.world.clone(), name }).await?;
            // One that was moved or deleted since the page was read is no longer an alias of the key.
            entries.extend(alias.filter(|alias| alias.target == key.id));
        }
        Ok(Page { entries, next: page.next })
    }

    /// The key whose deletion is due first, and when.
    pub async fn next_deletion(&self) -> Result<Option<(Moment, KeyAddress)>, CatalogError> {
        let first = self.storage.scan(layout::DUE.as_bytes(), None, 1).await?;
        Ok(first.first().and_then(|entry| layout::parse_due(&entry.key)))
    }

    /// Keys that are deleted and whose deletion is not known to be on record.
    pub async fn unrecorded_deletions(&self) -> Result<Vec<KeyAddress>, CatalogError> {
        let entries = self.storage.scan(layout::DELETED.as_bytes(), None, BATCH).await?;
        Ok(entries.iter().filter_map(|entry| layout::parse_deleted(&entry.key)).collect())
    }

    /// How many keys an account has in a region, in whatever state.
    pub async fn key_count(&self, world: &World) -> Result<u64, CatalogError> {
        let counts = self.storage.scan(layout::counts_of(world).as_bytes(), None, SHARDS).await?;
        counts.iter().try_fold(0_u64, |sum, entry| Ok(sum.saturating_add(*decode::<u64>(entry)?)))
    }

    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        key: &[u8],
    ) -> Result<Option<Stored<T>>, CatalogError> {
        let stored = self.storage.get(key).await?;
        stored.map(|stored| Stored::decode(key, &stored)).transpose()
    }

    async fn page(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Entry>, CatalogError> {
        let after = after.map(|after| format!("{prefix}{after}"));
        let one_more = limit.saturating_add(1);
        let after = after.as_deref().map(str::as_bytes);
        let mut entries = self.storage.scan(prefix.as_bytes(), after, one_more).await?;
        let more = entries.len() > limit;
        entries.truncate(limit);
        let last = entries.last().filter(|_| more).and_then(|entry| suffix(prefix, entry));
        Ok(Page { next: last.map(str::to_owned), entries })
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

fn decode<T: DeserializeOwned>(entry: &Entry) -> Result<Stored<T>, CatalogError> {
    let stored = Versioned { value: entry.value.clone(), revision: entry.revision };
    Stored::decode(&entry.key, &stored)
}

fn suffix<'a>(prefix: &str, entry: &'a Entry) -> Option<&'a str> {
    std::str::from_utf8(&entry.key).ok()?.strip_prefix(prefix)
}

const SHARDS: usize = 16;
const BATCH: usize = 100;
