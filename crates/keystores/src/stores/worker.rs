//! The custom key stores as one worker reaches them: each by its record.

use super::reach::{HsmWay, Reach, Way, XksWay};
use super::reached::Reached;
use super::{Destroyed, ExternalKey, Seat, Stores, credential};
use crate::blob::{OuterBlob, StoreKind};
use crate::pkcs11::HsmClient;
use crate::xks::{self, XksClient};
use crate::{HsmFailure, RequestMetadata, StoreError, Usage, XksFailure};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use keys::{AccountId, Backend, CloudHsmCluster, CustomKeyStore, CustomKeyStoreId, HsmKey, KeyId, OuterKey};
use module_client::ModuleClient;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLockWriteGuard};
use std::time::Instant;
use zeroize::Zeroizing;

/// The custom key stores as one worker reaches them.
#[derive(Debug)]
pub struct KeyStores {
    stores: Stores,
    worker: usize,
    clusters: BTreeMap<String, HsmClient>,
    module: ModuleClient,
}

impl KeyStores {
    /// Takes a worker's seat, on the runtime that this is called on.
    #[must_use]
    pub fn new(stores: Stores, seat: Seat, module: ModuleClient) -> Self {
        let clusters = seat.clusters.into_iter().map(|(id, place)| (id, place.take())).collect();
        Self { stores, worker: seat.worker, clusters, module }
    }

    /// Seals what the security module has sealed.
    pub async fn seal(
        &self,
        store: &CustomKeyStore,
        usage: &Usage<'_>,
        inner: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let reach = self.reach(store).await?;
        match (&reach.way, &usage.place.key) {
            (Way::Hsm(way), OuterKey::Hsm(key)) => {
                self.count(way, store, usage.request.operation)?;
                self.cluster(way)?.seal(way.pin()?, key, usage, inner).await
            }
            (Way::Xks(way), OuterKey::External { id }) => self.client(way)?.seal(id, usage, inner).await,
            _ => Err(StoreError::InvalidCiphertext),
        }
    }

    /// Opens what [`Self::seal`] sealed: what comes back is a blob of the security module.
    pub async fn open(
        &self,
        store: &CustomKeyStore,
        usage: &Usage<'_>,
        blob: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let outer = OuterBlob::parse(blob).map_err(|_| StoreError::InvalidCiphertext)?;
        let reach = self.reach(store).await?;
        match (&reach.way, &usage.place.key, outer.kind) {
            (Way::Hsm(way), OuterKey::Hsm(key), StoreKind::Hsm) => {
                self.count(way, store, usage.request.operation)?;
                self.cluster(way)?.open(way.pin()?, key, usage, blob).await
            }
            (Way::Xks(way), OuterKey::External { id }, StoreKind::Xks) => {
                self.client(way)?.open(id, usage, &outer).await
            }
            _ => Err(StoreError::InvalidCiphertext),
        }
    }

    /// What an external key is.
    pub async fn external_key(
        &self,
        store: &CustomKeyStore,
        id: &str,
        request: &RequestMetadata<'_>,
    ) -> Result<ExternalKey, StoreError> {
        match &self.reach(store).await?.way {
            Way::Xks(way) => self.client(way)?.key_metadata(id, request).await,
            Way::Hsm(_) => Err(XksFailure::KeyNotFound.into()),
        }
    }

    /// Makes a key in the HSM cluster of a store.
    pub async fn generate_key(
        &self,
        store: &CustomKeyStore,
        key: &KeyId,
        random: [u8; 16],
    ) -> Result<HsmKey, StoreError> {
        let reach = self.reach(store).await?;
        let way = hsm(&reach)?;
        self.cluster(way)?.generate_key(way.pin()?, &way.transport_keys, key, random).await
    }

    /// Destroys a key in the HSM cluster of a store, as far as its members can be reached.
    pub async fn destroy_key(&self, store: &CustomKeyStore, key: &HsmKey) -> Result<Destroyed, StoreError> {
        let reach = self.reach(store).await?;
        let way = hsm(&reach)?;
        self.cluster(way)?.destroy_key(way.pin()?, key).await
    }

    /// Random bytes of the HSM cluster of a store.
    pub async fn random(
        &self,
        store: &CustomKeyStore,
        length: u16,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let reach = self.reach(store).await?;
        let way = hsm(&reach)?;
        self.count(way, store, "GenerateRandom")?;
        self.cluster(way)?.random(way.pin()?, length).await
    }

    /// Whether the proxy that a store is to have is there, lets us in and has a key manager that works. Nothing is kept of it.
    pub async fn check_proxy(
        &self,
        proposed: &CustomKeyStore,
        operation: &str,
        request_id: &str,
    ) -> Result<(), StoreError> {
        let Backend::Xks(proxy) = &proposed.backend else { return Ok(()) };
        let secret = credential::open_text(&self.module, &proposed.id, &proxy.secret).await?;
        let shared = xks::Shared::of_proposal();
        let client = XksClient::new(&self.stores.0.xks, proxy, secret, &proposed.region, shared)?;
        client.health(operation, request_id).await.map(drop)
    }

    /// Connects a store to its backend: afterwards its keys can be used, on every worker. Gives the backend as it is to be kept: what was
    /// learnt of it is in there.
    pub async fn connect(&self, store: &CustomKeyStore, request_id: &str) -> Result<Backend, StoreError> {
        self.reached().want(&store.id);
        let reach = self.reach(store).await?;
        match (&reach.way, &store.backend) {
            (Way::Hsm(way), Backend::CloudHsm(cluster)) => self.log_in(store, way, cluster).await,
            (Way::Xks(way), backend) => {
                self.client(way)?.health("ConnectCustomKeyStore", request_id).await?;
                Ok(backend.clone())
            }
            _ => Err(HsmFailure::ClusterNotFound.into()),
        }
    }

    async fn log_in(
        &self,
        store: &CustomKeyStore,
        way: &HsmWay,
        cluster: &CloudHsmCluster,
    ) -> Result<Backend, StoreError> {
        let transport_keys = self.cluster(way)?.connect(way.pin()?, &way.transport_keys).await?;
        if transport_keys == way.transport_keys {
            return Ok(store.backend.clone());
        }
        let transport_keys = credential::seal(&self.module, &store.id, &transport_keys.to_bytes()).await?;
        Ok(Backend::CloudHsm(CloudHsmCluster { transport_keys, ..cluster.clone() }))
    }

    /// Lets go of a store's backend: logs out, closes connections, forgets its credential and what its gauges said.
    pub async fn disconnect(&self, store: &CustomKeyStore) {
        let reach = self.take(&store.id);
        if let Some(Way::Xks(way)) = reach.as_deref().map(|reach| &reach.way) {
            way.shared.disconnected();
        }
        if let Backend::CloudHsm(cluster) = &store.backend
            && let Some(client) = self.clusters.get(&cluster.cluster_id)
        {
            client.disconnect().await;
        }
    }

    /// Forgets a store that is deleted, and all that was measured of it.
    pub fn forget(&self, store: &CustomKeyStoreId) {
        drop(self.take(store));
        self.stores.0.metrics.forget(*store);
    }

    /// Asks the proxy of a connected store how it is. What it says is measured; nothing else comes of it.
    pub async fn check_health(&self, store: &CustomKeyStore, request_id: &str) {
        let checked = async {
            match &self.reach(store).await?.way {
                Way::Xks(way) => self.client(way)?.health("KmsHealthCheck", request_id).await.map(drop),
                Way::Hsm(_) => Ok(()),
            }
        };
        if let Err(error) = checked.await {
            tracing::warn!(store = %store.id, %error, "a custom key store is not well");
        }
    }

    /// Whether no member of a store's cluster was found to have that key, as far as is known now.
    #[must_use]
    pub fn is_missing(&self, store: &CustomKeyStore, key: &OuterKey) -> bool {
        let (Backend::CloudHsm(cluster), OuterKey::Hsm(key)) = (&store.backend, key) else { return false };
        self.clusters.get(&cluster.cluster_id).is_some_and(|client| client.cluster().is_missing(key))
    }

    /// The certificate that vouches for the cluster of that id, in DER, if the configuration has such a cluster for that account.
    #[must_use]
    pub fn trust_anchor(&self, cluster_id: &str, account: AccountId) -> Option<&[u8]> {
        let known = self.stores.0.clusters.get(cluster_id)?;
        let is_for_it = known.cluster.settings().account.is_none_or(|only| only == account);
        is_for_it.then_some(&*known.trust_anchor)
    }

    /// Whether the cluster of that id has as many active members as it takes to make keys.
    pub async fn has_enough_members(&self, cluster_id: &str) -> bool {
        let Some(client) = self.clusters.get(cluster_id) else { return false };
        let wanted = if client.cluster().settings().synchronises { 1 } else { MEMBERS };
        client.present_members().await >= wanted
    }

    /// Whether the configuration gives that VPC endpoint service an address.
    #[must_use]
    pub fn knows_service(&self, name: &str) -> bool {
        self.stores.0.xks.routes.of(name).is_some()
    }

    /// A credential as it is kept: sealed for that store.
    pub async fn seal_credential(
        &self,
        store: &CustomKeyStoreId,
        secret: &str,
    ) -> Result<Box<[u8]>, StoreError> {
        credential::seal(&self.module, store, secret.as_bytes()).await
    }

    /// Whether that is the credential that was sealed for that store.
    pub async fn is_credential(
        &self,
        store: &CustomKeyStoreId,
        sealed: &[u8],
        secret: &str,
    ) -> Result<bool, StoreError> {
        let kept = credential::open(&self.module, store, sealed).await?;
        Ok(verify_slices_are_equal(&kept, secret.as_bytes()).is_ok())
    }

    /// A store with its credential open.
    async fn reach(&self, store: &CustomKeyStore) -> Result<Arc<Reach>, StoreError> {
        let known = self.stores.0.reached.read().unwrap_or_else(PoisonError::into_inner).of(&store.id);
        if let Some(known) = known.as_ref().filter(|known| known.is_of(store)) {
            return Ok(Arc::clone(known));
        }
        let opened = Arc::new(Reach::open(&self.stores.0, &self.module, store, known.as_deref()).await?);
        self.reached().keep(store.id, &opened, Instant::now());
        Ok(opened)
    }

    fn reached(&self) -> RwLockWriteGuard<'_, Reached<Reach>> {
        self.stores.0.reached.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a store, which is known no more.
    fn take(&self, store: &CustomKeyStoreId) -> Option<Arc<Reach>> {
        self.reached().let_go(*store, Instant::now())
    }

    fn client(&self, way: &XksWay) -> Result<XksClient, StoreError> {
        way.client(&self.stores.0, self.worker)
    }

    fn cluster(&self, way: &HsmWay) -> Result<&HsmClient, StoreError> {
        Ok(self.clusters.get(&way.cluster_id).ok_or(HsmFailure::ClusterNotFound)?)
    }

    fn count(&self, way: &HsmWay, store: &CustomKeyStore, operation: &str) -> Result<(), StoreError> {
        way.take().inspect_err(|_| self.stores.0.metrics.throttled_hsm(store.id, operation))
    }
}

fn hsm(reach: &Reach) -> Result<&HsmWay, StoreError> {
    match &reach.way {
        Way::Hsm(way) => Ok(way),
        Way::Xks(_) => Err(HsmFailure::ClusterNotFound.into()),
    }
}

//= kms:CreateCustomKeyStore: at least two active HSMs in different availability zones
const MEMBERS: usize = 2;
