//! Records in memory, the ones in use: a bounded number, fewer of long ones.

use crate::layout::{self, Kept};
use crate::{
    AccessKey, AliasAddress, CatalogError, Group, IntegratedService, KeyAddress, ManagedPolicy, OidcProvider,
    RecordKind, Role, Stored, User, World,
};
use keys::{AccountId, Alias, CustomKeyStores, Grant, Key};
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use storage::Revision;

/// The records that memory keeps, by kind.
pub struct Hot {
    pub(crate) keys: Records<KeyAddress, Arc<Stored<Key>>>,
    pub(crate) aliases: Records<AliasAddress, Arc<Stored<Alias>>>,
    pub(crate) custom_key_stores: Records<World, Arc<Stored<CustomKeyStores>>>,
    pub(crate) access_keys: Records<String, Arc<Stored<AccessKey>>>,
    pub(crate) grants: Records<GranteeAddress, Arc<Vec<Grant>>>,
    pub(crate) groups: NamedRecords<Group>,
    pub(crate) oidc_providers: NamedRecords<OidcProvider>,
    pub(crate) policies: NamedRecords<ManagedPolicy>,
    pub(crate) roles: NamedRecords<Role>,
    pub(crate) services: NamedRecords<IntegratedService>,
    pub(crate) users: NamedRecords<User>,
}

/// Records of one kind that are found by account and name.
pub type NamedRecords<T> = Records<NamedAddress, Arc<Stored<T>>>;

/// An account, and a name in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NamedAddress {
    account: AccountId,
    name: Box<str>,
}

/// A key, and a principal that has grants on it or has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GranteeAddress {
    pub(crate) key: KeyAddress,
    pub(crate) grantee: Box<str>,
}

impl std::fmt::Debug for Hot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hot")
    }
}

impl NamedAddress {
    pub(crate) fn new(account: AccountId, name: &str) -> Self {
        Self { account, name: name.to_ascii_lowercase().into() }
    }
}

impl Hot {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            keys: Records::new(capacity),
            aliases: Records::new(capacity),
            custom_key_stores: Records::new(capacity),
            access_keys: Records::new(capacity),
            grants: Records::of_lists(capacity),
            groups: Records::new(capacity),
            oidc_providers: Records::new(capacity),
            policies: Records::new(capacity),
            roles: Records::new(capacity),
            services: Records::new(capacity),
            users: Records::new(capacity),
        }
    }

    /// Forgets the record stored at that key, because it was changed at that revision.
    pub(crate) fn forget(&self, key: &[u8], changed: Revision) {
        match layout::parse(key) {
            Some(Kept::AccessKey(id)) => self.access_keys.forget(&*id, changed),
            Some(Kept::Alias(address)) => self.aliases.forget(&address, changed),
            Some(Kept::CustomKeyStores(world)) => self.custom_key_stores.forget(&world, changed),
            Some(Kept::GrantTo(address)) => self.grants.forget(&address, changed),
            Some(Kept::Key(address)) => self.keys.forget(&address, changed),
            Some(Kept::Named(kind, account, name)) => {
                self.forget_named(kind, &NamedAddress { account, name }, changed);
            }
            None => {}
        }
    }

    fn forget_named(&self, kind: RecordKind, address: &NamedAddress, changed: Revision) {
        match kind {
            RecordKind::Group => self.groups.forget(address, changed),
            RecordKind::IntegratedService => self.services.forget(address, changed),
            RecordKind::ManagedPolicy => self.policies.forget(address, changed),
            RecordKind::OidcProvider => self.oidc_providers.forget(address, changed),
            RecordKind::Role => self.roles.forget(address, changed),
            RecordKind::User => self.users.forget(address, changed),
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.keys.0.clear();
        self.aliases.0.clear();
        self.access_keys.0.clear();
        self.custom_key_stores.0.clear();
        self.grants.0.clear();
        self.groups.0.clear();
        self.oidc_providers.0.clear();
        self.policies.0.clear();
        self.roles.0.clear();
        self.services.0.clear();
        self.users.0.clear();
    }
}

/// What memory keeps under one key.
pub trait Keepable: Clone {
    /// Whether it is known to have been read after the change at that revision.
    fn is_newer_than(&self, changed: Revision) -> bool;

    /// As how many usual records it counts.
    fn records(&self) -> u64;
}

impl<T> Keepable for Arc<Stored<T>> {
    fn is_newer_than(&self, changed: Revision) -> bool {
        self.revision >= changed
    }

    /// A long record holds policies, and what is compiled from them and kept with it is many times their text.
    fn records(&self) -> u64 {
        (self.bytes.saturating_sub(USUAL_BYTES) / BYTES_A_RECORD).saturating_add(1) as u64
    }
}

impl Keepable for Arc<Vec<Grant>> {
    /// Never known: what tells of a deletion is no longer in the list.
    fn is_newer_than(&self, _: Revision) -> bool {
        false
    }

    /// The list itself is one, so that those that are empty do not fill the memory.
    fn records(&self) -> u64 {
        self.len().saturating_add(1) as u64
    }
}

/// What memory keeps of one kind.
pub struct Records<K, V>(Cache<K, V, ByRecords>);

impl<K, V> std::fmt::Debug for Records<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Records")
    }
}

/// Weighs what memory keeps by the number of records.
#[derive(Clone)]
struct ByRecords;

impl<K, V: Keepable> Weighter<K, V> for ByRecords {
    fn weight(&self, _: &K, kept: &V) -> u64 {
        kept.records()
    }
}

impl<K: Hash + Eq + Clone, V: Keepable> Records<K, V> {
    fn new(capacity: usize) -> Self {
        Self(Cache::with_weighter(capacity, capacity as u64, ByRecords))
    }

    /// Room for lists that have so many records together. The fewer lists it reckons with, the longer one may be.
    fn of_lists(capacity: usize) -> Self {
        Self(Cache::with_weighter(capacity / RECORDS_A_LIST, capacity as u64, ByRecords))
    }

    /// What memory keeps under the key, or else what the store has. Those who want the same at the same time read it once.
    ///
    /// What is forgotten while it is being read does not get into memory: its place was taken away meanwhile.
    pub(crate) async fn find<Q, F>(&self, key: &Q, read: F) -> Result<Option<V>, CatalogError>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
        F: Future<Output = Result<Option<V>, CatalogError>>,
    {
        let place = match self.0.get_value_or_guard_async(key).await {
            Ok(kept) => return Ok(Some(kept)),
            Err(place) => place,
        };
        let Some(found) = read.await? else { return Ok(None) };
        // Refused if it was forgotten meanwhile; what was read is still an answer as of before that change.
        let _ = place.insert(found.clone());
        Ok(Some(found))
    }

    /// Forgets what was read before the change at that revision; a place that is being read for is taken away.
    fn forget<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q, changed: Revision) {
        if self.0.peek(key).is_some_and(|kept| kept.is_newer_than(changed)) {
            return;
        }
        self.0.remove(key);
    }
}

/// A key without a policy of its own takes no more.
const USUAL_BYTES: usize = 1024;

/// So many bytes more weigh as much as another record: compiled policies were seen to take 15 to 80 times their text.
const BYTES_A_RECORD: usize = 64;

/// So that with the usual capacity of 131,072 records a list of 10,000 stays in memory.
const RECORDS_A_LIST: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::cell::Cell;
    use storage::Versioned;

    type Numbers<K> = Records<K, Arc<Stored<u64>>>;

    fn stored(number: u64) -> Arc<Stored<u64>> {
        let value = Bytes::from(number.to_string());
        Arc::new(Stored::decode(b"", &Versioned { value, revision: Revision(number) }).unwrap())
    }

    #[tokio::test]
    async fn a_record_is_read_once_and_again_after_it_was_changed() {
        let records: Numbers<u8> = Records::new(8);
        let reads = Cell::new(0_u64);
        let read = || async {
            reads.set(reads.get() + 1);
            Ok(Some(stored(reads.get())))
        };
        assert_eq!(**records.find(&1, read()).await.unwrap().unwrap(), 1);
        assert_eq!(**records.find(&1, read()).await.unwrap().unwrap(), 1);
        records.forget(&1, Revision(1));
        assert_eq!(**records.find(&1, read()).await.unwrap().unwrap(), 1, "known to be newer");
        records.forget(&1, Revision(2));
        assert_eq!(**records.find(&1, read()).await.unwrap().unwrap(), 2);
    }

    #[tokio::test]
    async fn what_is_forgotten_while_it_is_read_does_not_stay() {
        let records: Numbers<u8> = Records::new(8);
        let read_before_the_change = async {
            records.forget(&1, Revision(2));
            Ok(Some(stored(1)))
        };
        assert_eq!(**records.find(&1, read_before_the_change).await.unwrap().unwrap(), 1);
        assert_eq!(**records.find(&1, async { Ok(Some(stored(2))) }).await.unwrap().unwrap(), 2);
    }

    #[tokio::test]
    async fn absence_is_not_remembered() {
        let records: Numbers<u8> = Records::new(8);
        assert!(records.find(&1, async { Ok(None) }).await.unwrap().is_none());
        assert!(records.find(&1, async { Ok(Some(stored(1))) }).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn long_records_leave_room_for_fewer() {
        let records: Records<u64, Arc<Stored<String>>> = Records::new(10_000);
        let text = Bytes::from(format!("\"{}\"", "a".repeat(32 << 10)));
        for number in 0..1000 {
            let versioned = Versioned { value: text.clone(), revision: Revision(number) };
            let read = async { Ok(Some(Arc::new(Stored::decode(b"", &versioned).unwrap()))) };
            records.find(&number, read).await.unwrap();
        }
        assert!((1..=20).contains(&records.0.len()), "{}", records.0.len());
    }

    #[tokio::test]
    async fn a_list_without_entries_is_remembered_until_it_has_one() {
        let lists: Records<u8, Arc<Vec<Grant>>> = Records::of_lists(8);
        let read = async || lists.find(&1, async { Ok(Some(Arc::default())) }).await.unwrap().unwrap();
        let first = read().await;
        assert!(Arc::ptr_eq(&first, &read().await));
        lists.forget(&1, Revision(1));
        assert!(!Arc::ptr_eq(&first, &read().await));
    }

    #[tokio::test]
    async fn a_list_without_entries_that_gets_one_while_it_is_read_does_not_stay() {
        let lists: Records<u8, Arc<Vec<Grant>>> = Records::of_lists(8);
        let before = async {
            lists.forget(&1, Revision(2));
            Ok(Some(Arc::default()))
        };
        let old = lists.find(&1, before).await.unwrap().unwrap();
        let new = lists.find(&1, async { Ok(Some(Arc::new(vec![grant()]))) }).await.unwrap().unwrap();
        assert_eq!((old.len(), new.len()), (0, 1));
    }

    #[tokio::test]
    async fn lists_count_by_their_entries() {
        let lists: Records<u8, Arc<Vec<Grant>>> = Records::of_lists(100);
        for key in 0..50 {
            lists.find(&key, async { Ok(Some(Arc::new(vec![grant(); 9]))) }).await.unwrap();
        }
        assert!((1..=10).contains(&lists.0.len()), "{}", lists.0.len());
    }

    #[test]
    fn a_long_list_has_room_in_a_memory_of_usual_size() {
        let lists: Records<u8, Arc<Vec<Grant>>> = Records::of_lists(131_072);
        assert!(lists.0.shard_capacity() > 10_000, "{}", lists.0.shard_capacity());
    }

    fn grant() -> Grant {
        let record = format!(
            r#"{{"id":"{}","grantee":{{"name":"a"}},"operations":["Decrypt"],"constraints":{{}},"created":1,
                "issuing_account":"111122223333"}}"#,
            "0".repeat(64)
        );
        serde_json::from_str(&record).unwrap()
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        let records: Numbers<u64> = Records::new(100);
        for number in 0..10_000 {
            records.find(&number, async { Ok(Some(stored(number))) }).await.unwrap();
        }
        assert!(records.0.len() <= 100, "{}", records.0.len());
    }
}
