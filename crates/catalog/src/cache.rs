//! Records in memory: a bounded number, the ones in use.

use crate::layout::{self, Kept};
use crate::{AccessKey, AliasAddress, CatalogError, KeyAddress, Stored};
use keys::{Alias, Key};
use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use storage::Revision;

/// The records that memory keeps, by kind.
pub(crate) struct Hot {
    pub(crate) keys: Records<KeyAddress, Key>,
    pub(crate) aliases: Records<AliasAddress, Alias>,
    pub(crate) access_keys: Records<String, AccessKey>,
}

impl Hot {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            keys: Records::new(capacity),
            aliases: Records::new(capacity),
            access_keys: Records::new(capacity),
        }
    }

    /// Forgets the record stored at that key, because it was changed at that revision.
    pub(crate) fn forget(&self, key: &[u8], changed: Revision) {
        match layout::parse(key) {
            Some(Kept::AccessKey(id)) => self.access_keys.forget(&*id, changed),
            Some(Kept::Alias(address)) => self.aliases.forget(&address, changed),
            Some(Kept::Key(address)) => self.keys.forget(&address, changed),
            None => {}
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.keys.0.clear();
        self.aliases.0.clear();
        self.access_keys.0.clear();
    }
}

/// Records of one kind.
pub(crate) struct Records<K, T>(Cache<K, Arc<Stored<T>>>);

impl<K: Hash + Eq + Clone, T> Records<K, T> {
    fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }

    /// The record from memory, or else from the store. Those who want the same record at the same time read it once.
    ///
    /// A record that is forgotten while it is being read does not get into memory: its place was taken away meanwhile.
    pub(crate) async fn find<Q, F>(&self, key: &Q, read: F) -> Result<Option<Arc<Stored<T>>>, CatalogError>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
        F: Future<Output = Result<Option<Stored<T>>, CatalogError>>,
    {
        let place = match self.0.get_value_or_guard_async(key).await {
            Ok(record) => return Ok(Some(record)),
            Err(place) => place,
        };
        let Some(record) = read.await?.map(Arc::new) else { return Ok(None) };
        // Refused if the record was forgotten meanwhile; what was read is still an answer as of before that change.
        let _ = place.insert(Arc::clone(&record));
        Ok(Some(record))
    }

    /// Forgets what was read before the change at that revision; a place that is being read for is taken away.
    fn forget<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q, changed: Revision) {
        if self.0.peek(key).is_some_and(|record| record.revision >= changed) {
            return;
        }
        self.0.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::cell::Cell;
    use storage::Versioned;

    fn stored(number: u64) -> Stored<u64> {
        let value = Bytes::from(number.to_string());
        Stored::decode(b"", &Versioned { value, revision: Revision(number) }).unwrap()
    }

    #[tokio::test]
    async fn a_record_is_read_once_and_again_after_it_was_changed() {
        let records: Records<u8, u64> = Records::new(8);
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
        let records: Records<u8, u64> = Records::new(8);
        let read_before_the_change = async {
            records.forget(&1, Revision(2));
            Ok(Some(stored(1)))
        };
        assert_eq!(**records.find(&1, read_before_the_change).await.unwrap().unwrap(), 1);
        assert_eq!(**records.find(&1, async { Ok(Some(stored(2))) }).await.unwrap().unwrap(), 2);
    }

    #[tokio::test]
    async fn absence_is_not_remembered() {
        let records: Records<u8, u64> = Records::new(8);
        assert!(records.find(&1, async { Ok(None) }).await.unwrap().is_none());
        assert!(records.find(&1, async { Ok(Some(stored(1))) }).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        let records: Records<u64, u64> = Records::new(100);
        for number in 0..10_000 {
            records.find(&number, async { Ok(Some(stored(number))) }).await.unwrap();
        }
        assert!(records.0.len() <= 100, "{}", records.0.len());
    }
}
