//! Custom key stores: one record for all of an account and region, and which keys are in which store.

use crate::stored::encode;
use crate::{CatalogError, Changes, KeyAddress, Reader, Stored, World, layout};
use bytes::Bytes;
use keys::{
    Backend, Claim, Claimed, CloudHsmCluster, CustomKeyStore, CustomKeyStoreId, CustomKeyStores, Key,
    OuterKey, Region, XksProxy,
};
use std::sync::Arc;
use storage::{Change, Condition};

impl Reader {
    /// The custom key stores of an account in a region; nothing if it never had any.
    pub async fn custom_key_stores(
        &self,
        world: &World,
    ) -> Result<Option<Arc<Stored<CustomKeyStores>>>, CatalogError> {
        let read = async { Ok(self.read(&layout::custom_key_stores(world)).await?.map(Arc::new)) };
        self.hot.custom_key_stores.find(world, read).await
    }

    /// Where there are custom key stores, or have been.
    pub async fn worlds_with_custom_key_stores(&self) -> Result<Vec<World>, CatalogError> {
        let suffixes = self.suffixes(layout::CUSTOM_KEY_STORE_WORLDS).await?;
        Ok(suffixes.iter().filter_map(|suffix| layout::parse_world(suffix)).collect())
    }

    /// By how many stores of a region something is claimed; nothing if by none.
    pub async fn custom_key_store_claim(
        &self,
        region: &Region,
        claim: &Claim,
    ) -> Result<Option<Stored<Claimed>>, CatalogError> {
        self.read(&layout::custom_key_store_claim(region, claim)).await
    }

    /// Whether a key has that external key of a store.
    pub async fn has_external_key(
        &self,
        world: &World,
        store: &CustomKeyStoreId,
        id: &str,
    ) -> Result<bool, CatalogError> {
        Ok(self.storage.get(&layout::external_key(world, store, id)).await?.is_some())
    }

    /// Whether there is a key in the store, in whatever state.
    pub async fn has_keys_in_store(
        &self,
        world: &World,
        store: &CustomKeyStoreId,
    ) -> Result<bool, CatalogError> {
        let prefix = layout::keys_in_store(world, store);
        Ok(!self.storage.scan(prefix.as_bytes(), None, 1).await?.is_empty())
    }
}

impl Changes {
    /// Puts the custom key stores of an account and region in place of what was read of them.
    #[must_use]
    pub fn put_custom_key_stores(
        mut self,
        world: &World,
        old: Option<&Stored<CustomKeyStores>>,
        new: &CustomKeyStores,
    ) -> Self {
        let at = layout::custom_key_stores(world);
        match old {
            Some(old) => self.replace_at(at, old.revision, &without_secrets(old), encode(new)),
            None => {
                self.conditions.push(Condition::Absent(at.clone()));
                self.put(at, encode(new));
                self.put(layout::custom_key_store_world(world), Bytes::new());
            }
        }
        self
    }

    /// Puts by how many stores something is claimed in place of what was read of it. No history: the stores have theirs.
    #[must_use]
    pub fn put_custom_key_store_claim(
        mut self,
        region: &Region,
        claim: &Claim,
        old: Option<&Stored<Claimed>>,
        new: Option<&Claimed>,
    ) -> Self {
        let at = layout::custom_key_store_claim(region, claim);
        self.conditions.push(match old {
            Some(old) => Condition::At(at.clone(), old.revision),
            None => Condition::Absent(at.clone()),
        });
        match new {
            Some(new) => self.put(at, encode(new)),
            None => self.changes.push(Change::Delete { key: at }),
        }
        self
    }

    /// Asks that the custom key stores are still as they were read, and writes them as they are: of changes that do so at the same time
    /// one is made and the others conflict.
    #[must_use]
    pub fn touch_custom_key_stores(mut self, world: &World, stores: &Stored<CustomKeyStores>) -> Self {
        let at = layout::custom_key_stores(world);
        self.conditions.push(Condition::At(at.clone(), stores.revision));
        self.put(at, encode(&**stores));
        self
    }
}

impl Changes {
    /// Notes that a key is in its custom key store, and that its external key is taken.
    pub(crate) fn place(&mut self, address: &KeyAddress, key: &Key) {
        let Some(place) = &key.place else { return };
        self.put(layout::key_in_store(address, &place.store), Bytes::new());
        if let OuterKey::External { id } = &place.key {
            let at = layout::external_key(&address.world, &place.store, id);
            self.conditions.push(Condition::Absent(at.clone()));
            self.put(at, Bytes::new());
        }
    }

    /// The other way round.
    pub(crate) fn leave(&mut self, address: &KeyAddress, key: &Key) {
        let Some(place) = &key.place else { return };
        self.changes.push(Change::Delete { key: layout::key_in_store(address, &place.store) });
        if let OuterKey::External { id } = &place.key {
            let at = layout::external_key(&address.world, &place.store, id);
            self.changes.push(Change::Delete { key: at });
        }
    }
}

/// Stores as their history keeps them: what was replaced must be gone.
fn without_secrets(stores: &CustomKeyStores) -> CustomKeyStores {
    CustomKeyStores { stores: stores.stores.iter().map(without_secret).collect() }
}

fn without_secret(store: &CustomKeyStore) -> CustomKeyStore {
    let backend = match store.backend.clone() {
        Backend::CloudHsm(cluster) => {
            let (password, transport_keys) = (Box::default(), Box::default());
            Backend::CloudHsm(CloudHsmCluster { password, transport_keys, ..cluster })
        }
        Backend::Xks(proxy) => Backend::Xks(XksProxy { secret: Box::default(), ..proxy }),
    };
    CustomKeyStore { backend, ..store.clone() }
}
