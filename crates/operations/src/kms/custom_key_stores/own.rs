//! The custom key stores of the caller's account and region, and which of them a request names: looked up after the caller was allowed
//! to ask, so that nobody else learns which there are.

use super::{claims, refusals};
use crate::operation::{Failure, NamedKey, Subject};
use crate::pipeline::{Authorized, Scene};
use audit::json::{Json, object};
use catalog::{Changes, Stored};
use keys::{AccountId, Backend, CustomKeyStore, CustomKeyStores};
use std::sync::Arc;
use wire::member::{AccountIdText, CustomKeyStoreId};
use wire::{Fault, FaultKind};

/// The custom key stores of the caller's account in the region of the request.
#[derive(Debug)]
pub struct OwnStores(Option<Arc<Stored<CustomKeyStores>>>);

impl Subject for OwnStores {
    fn governed(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::empty()
    }
}

impl OwnStores {
    /// As they are now.
    pub async fn read(scene: &Scene<'_>) -> Result<Self, Failure> {
        Ok(Self(scene.reader().custom_key_stores(&scene.world()).await?))
    }

    /// All of them.
    pub fn all(&self) -> &[CustomKeyStore] {
        self.0.as_deref().map_or(&[], |stored| &stored.stores)
    }

    /// All that is kept of them.
    pub fn record(&self) -> CustomKeyStores {
        self.0.as_deref().map(|stored| CustomKeyStores::clone(stored)).unwrap_or_default()
    }

    /// The one of that id.
    pub fn named(&self, id: &CustomKeyStoreId) -> Result<&CustomKeyStore, Fault> {
        let id = id.as_str().parse();
        self.all().iter().find(|store| Ok(store.id) == id).ok_or_else(no_such_store)
    }

    /// One more, or one in place of what it was: with what it claims. Refused if it cannot be beside the others.
    pub async fn with(
        &self,
        store: &CustomKeyStore,
        before: Option<&CustomKeyStore>,
        scene: &Scene<'_>,
    ) -> Result<Changes, Failure> {
        let most = scene.settings().custom_key_stores_per_region;
        let stores = match before {
            None => self.record().with(store.clone(), most),
            Some(_) => self.record().with_changed(store),
        };
        let changes = self.replaced(&stores.map_err(refusals::conflict)?, scene);
        claims::follow(changes, scene.reader(), &store.region, (before, Some(store))).await
    }

    /// No change yet but that these come in their place.
    pub fn replaced(&self, new: &CustomKeyStores, scene: &Scene<'_>) -> Changes {
        scene.changes().put_custom_key_stores(&scene.world(), self.0.as_deref(), new)
    }

    /// Puts one in place of what it was, and has somebody see what is to be done about it.
    pub async fn set_connection(
        subject: &Authorized<Self>,
        store: &CustomKeyStore,
        scene: &Scene<'_>,
    ) -> Result<(), Failure> {
        let new = subject.record().with_changed(store).map_err(refusals::conflict)?;
        scene.commit(subject, subject.replaced(&new, scene)).await?;
        scene.ring_for_connections(subject);
        Ok(())
    }
}

/// There is no store of that id or name.
pub fn no_such_store() -> Fault {
    Fault::new(FaultKind::CustomKeyStoreNotFound, NO_STORE)
}

/// The account of that id.
pub fn account(id: &AccountIdText) -> Result<AccountId, Fault> {
    id.as_str().parse().map_err(|_| refusals::invalid("XksProxyVpcEndpointServiceOwner is no account id."))
}

/// `additionalEventData` of what is done to a store.
pub fn event_data(store: &CustomKeyStore) -> Json {
    object(|data| {
        data.string("customKeyStoreName", &store.name);
        if let Backend::CloudHsm(cluster) = &store.backend {
            data.string("clusterId", &cluster.cluster_id);
        }
    })
}

const NO_STORE: &str = "The request was rejected because KMS cannot find a custom key store with the specified key store name or ID.";
