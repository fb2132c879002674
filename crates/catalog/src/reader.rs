//! Finding and listing records.

use crate::cache::Hot;
use crate::cache::NamedAddress;
use crate::{
    AccessKey, AccessKeyUse, Account, AliasAddress, Announcement, Attachment, CatalogError, KeyAddress,
    Record, Stored, World, layout,
};
use bytes::Bytes;
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
    pub(crate) fn new(storage: Arc<dyn Storage>, hot_records: usize) -> Self {
        Self { storage, hot: Hot::new(hot_records) }
    }

    /// A key.
    pub async fn key(&self, address: &KeyAddress) -> Result<Option<Arc<Stored<Key>>>, CatalogError> {
        let read = self.read_shared(layout::key(address));
        self.hot.keys.find(address, read).await
    }

    /// An alias.
    pub async fn alias(&self, address: &AliasAddress) -> Result<Option<Arc<Stored<Alias>>>, CatalogError> {
        let read = self.read_shared(layout::alias(address));
        self.hot.aliases.find(address, read).await
    }

    /// An access key.
    pub async fn access_key(&self, id: &str) -> Result<Option<Arc<Stored<AccessKey>>>, CatalogError> {
        let read = self.read_shared(layout::access_key(id));
        self.hot.access_keys.find(id, read).await
    }

    /// The ids of the access keys of an account's root principal. Those of users and services are in their records.
    pub async fn root_access_keys(&self, account: &AccountId) -> Result<Vec<String>, CatalogError> {
        self.suffixes(&layout::root_access_keys(account)).await
    }

    /// The last use of an access key, if any is known.
    pub async fn access_key_use(&self, id: &str) -> Result<Option<Stored<AccessKeyUse>>, CatalogError> {
        self.read(&layout::access_key_use(id)).await
    }

    /// A record by its name, whose case does not matter.
    pub async fn find<T: Record>(
        &self,
        account: &AccountId,
        name: &str,
    ) -> Result<Option<Arc<Stored<T>>>, CatalogError> {
        let read = self.read_shared(layout::record(T::KIND, account, name));
        T::memory(&self.hot).find(&NamedAddress::new(*account, name), read).await
    }

    /// The records of an account in the order of their names, from the one after `after` on.
    pub async fn list<T: Record>(
        &self,
        account: &AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Arc<Stored<T>>>, CatalogError> {
        self.records(&layout::records(T::KIND, account), after, limit).await
    }

    /// How many records of a kind an account has, counted up to so many.
    pub async fn count<T: Record>(&self, account: &AccountId, most: usize) -> Result<usize, CatalogError> {
        let prefix = layout::records(T::KIND, account);
        Ok(self.storage.scan(prefix.as_bytes(), None, most).await?.len())
    }

    /// Who in an account uses a managed policy, which need not be the account's own.
    pub async fn attachments(
        &self,
        account: &AccountId,
        policy_arn: &str,
    ) -> Result<Vec<Attachment>, CatalogError> {
        let suffixes = self.suffixes(&layout::attachments(account, policy_arn)).await?;
        Ok(suffixes.iter().filter_map(|suffix| layout::parse_attachment(suffix)).collect())
    }

    /// The names of the users in a group.
    pub async fn members(&self, account: &AccountId, group: &str) -> Result<Vec<String>, CatalogError> {
        self.suffixes(&layout::members(account, group)).await
    }

    /// An account.
    pub async fn account(&self, id: &AccountId) -> Result<Option<Stored<Account>>, CatalogError> {
        self.read(&layout::account(id)).await
    }

    /// Whether there is any account at all.
    pub async fn has_accounts(&self) -> Result<bool, CatalogError> {
        let installation = format!("a/{}/~", AccountId::INSTALLATION);
        Ok(!self.storage.scan(b"a/", Some(installation.as_bytes()), 1).await?.is_empty())
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
        self.records(&layout::aliases_of(world), after, limit).await
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

    /// The keys to which the service has to do something by itself, the first ones first, and when; those after the one given.
    pub async fn due(
        &self,
        after: Option<&(Moment, KeyAddress)>,
        limit: usize,
    ) -> Result<Vec<(Moment, KeyAddress)>, CatalogError> {
        let after = after.map(|(date, address)| layout::due(*date, address));
        let entries = self.storage.scan(layout::DUE.as_bytes(), after.as_deref(), limit).await?;
        Ok(entries.iter().filter_map(|entry| layout::parse_due(&entry.key)).collect())
    }

    /// What is done and still to be put on record, the first first.
    pub async fn announcements(&self) -> Result<Vec<Announcement>, CatalogError> {
        let entries = self.storage.scan(layout::OUTBOX.as_bytes(), None, BATCH).await?;
        Ok(entries.into_iter().map(|entry| Announcement { at: entry.key, line: entry.value }).collect())
    }

    /// How many keys of its own an account has in a region, in whatever state.
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

    async fn read_shared<T: DeserializeOwned>(
        &self,
        key: Bytes,
    ) -> Result<Option<Arc<Stored<T>>>, CatalogError> {
        Ok(self.read(&key).await?.map(Arc::new))
    }

    pub(crate) async fn records<T: DeserializeOwned>(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Arc<Stored<T>>>, CatalogError> {
        let page = self.page(prefix, after, limit).await?;
        let entries = page.entries.iter().map(|entry| decode(entry).map(Arc::new));
        Ok(Page { entries: entries.collect::<Result<_, _>>()?, next: page.next })
    }

    /// What follows the prefix in each key that begins with it.
    pub(crate) async fn suffixes(&self, prefix: &str) -> Result<Vec<String>, CatalogError> {
        let entries = self.all(prefix).await?;
        Ok(entries.iter().filter_map(|entry| suffix(prefix, entry)).map(str::to_owned).collect())
    }

    /// Every entry whose key begins with the prefix. What is made or deleted meanwhile may be among them or not.
    pub(crate) async fn all(&self, prefix: &str) -> Result<Vec<Entry>, CatalogError> {
        let mut all: Vec<Entry> = Vec::new();
        loop {
            let after = all.last().map(|entry| entry.key.clone());
            let more = self.storage.scan(prefix.as_bytes(), after.as_deref(), AT_ONCE).await?;
            let done = more.len() < AT_ONCE;
            all.extend(more);
            if done {
                return Ok(all);
            }
        }
    }

    pub(crate) async fn page(
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

pub(crate) fn decode<T: DeserializeOwned>(entry: &Entry) -> Result<Stored<T>, CatalogError> {
    let stored = Versioned { value: entry.value.clone(), revision: entry.revision };
    Stored::decode(&entry.key, &stored)
}

pub(crate) fn suffix<'a>(prefix: &str, entry: &'a Entry) -> Option<&'a str> {
    std::str::from_utf8(&entry.key).ok()?.strip_prefix(prefix)
}

const AT_ONCE: usize = 1000;
const SHARDS: usize = 16;
const BATCH: usize = 100;
