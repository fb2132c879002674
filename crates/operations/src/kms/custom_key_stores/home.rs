//! The custom key store that a key is in, as it was when the key was found. Nothing here reaches the store itself.

use catalog::{CatalogError, Reader, Stored, World};
use keys::{CustomKeyStore, CustomKeyStoreId, CustomKeyStores, Key, KeyPlace, KeyState, Moment};
use keystores::KeyStores;
use std::sync::Arc;

/// The custom key store that a key is in.
#[derive(Clone, Debug)]
pub struct Home {
    id: CustomKeyStoreId,
    stores: Option<Arc<Stored<CustomKeyStores>>>,
    /// No HSM of the store was found to have the key.
    lacks_key: bool,
}

impl Home {
    /// The one of a key that is there.
    pub async fn of(
        place: &KeyPlace,
        world: &World,
        reader: &Reader,
        key_stores: &KeyStores,
    ) -> Result<Self, CatalogError> {
        let home = Self::named(place.store, world, reader).await?;
        let lacks_key = home.store().is_some_and(|store| key_stores.is_missing(store, &place.key));
        Ok(Self { lacks_key, ..home })
    }

    /// The one of that id, in which a key is to be made.
    pub async fn named(id: CustomKeyStoreId, world: &World, reader: &Reader) -> Result<Self, CatalogError> {
        Ok(Self { id, stores: reader.custom_key_stores(world).await?, lacks_key: false })
    }

    /// What is kept of it. Of a store with keys there is always something, for it cannot be deleted.
    pub fn store(&self) -> Option<&CustomKeyStore> {
        self.stores.as_ref()?.store(&self.id)
    }

    /// All stores of the account and region, as they were read.
    pub fn stores(&self) -> Option<&Stored<CustomKeyStores>> {
        self.stores.as_deref()
    }

    /// Whether it is connected.
    pub fn is_connected(&self) -> bool {
        self.store().is_some_and(CustomKeyStore::is_connected)
    }

    /// The state of the key as a client sees it at that time.
    pub fn state_of(&self, key: &Key, now: Moment) -> KeyState {
        let is_usable = self.is_connected() && !self.lacks_key;
        if is_usable { key.state(now) } else { key.state_while_unavailable(now) }
    }
}
