//! A store that can be reached: its credential is open, and each worker has its own connections to the backend.

use super::{Shared, credential};
use crate::pkcs11::{Pin, TransportKeys};
use crate::quota::Quota;
use crate::xks::{self, XksClient};
use crate::{HsmFailure, StoreError};
use keys::{Backend, CloudHsmCluster, CustomKeyStore, Region, XksProxy};
use module_client::ModuleClient;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use zeroize::Zeroizing;

/// A store that can be reached.
#[derive(Debug)]
pub(super) struct Reach {
    /// The backend as the record had it when the credential was opened.
    backend: Backend,
    pub(super) way: Way,
}

/// The way to a backend.
#[derive(Debug)]
pub(super) enum Way {
    Hsm(HsmWay),
    Xks(XksWay),
}

/// What it takes to use an HSM cluster.
pub(super) struct HsmWay {
    pub(super) cluster_id: String,
    pin: Zeroizing<String>,
    pub(super) transport_keys: TransportKeys,
    quota: Arc<Quota>,
    begun: Instant,
}

/// What it takes to use an XKS proxy: a client for each worker, since connections belong to the thread that made them.
pub(super) struct XksWay {
    proxy: XksProxy,
    secret: Zeroizing<String>,
    region: Region,
    pub(super) shared: Arc<xks::Shared>,
    clients: Box<[OnceLock<XksClient>]>,
}

impl Reach {
    /// Opens the credential of a store. What was known of the same store before goes on: quota, circuit, warm connections.
    pub(super) async fn open(
        node: &Shared,
        module: &ModuleClient,
        store: &CustomKeyStore,
        before: Option<&Self>,
    ) -> Result<Self, StoreError> {
        let way = match &store.backend {
            Backend::CloudHsm(cluster) => Way::Hsm(HsmWay::open(node, module, store, cluster, before).await?),
            Backend::Xks(proxy) => Way::Xks(XksWay::open(node, module, store, proxy, before).await?),
        };
        Ok(Self { backend: store.backend.clone(), way })
    }

    /// Whether the record still says the same of the backend.
    pub(super) fn is_of(&self, store: &CustomKeyStore) -> bool {
        self.backend == store.backend
    }
}

impl HsmWay {
    async fn open(
        node: &Shared,
        module: &ModuleClient,
        store: &CustomKeyStore,
        cluster: &CloudHsmCluster,
        before: Option<&Reach>,
    ) -> Result<Self, StoreError> {
        let pin = credential::open_text(module, &store.id, &cluster.password).await?;
        let transport_keys = match &*cluster.transport_keys {
            [] => TransportKeys::default(),
            sealed => {
                let bytes = credential::open(module, &store.id, sealed).await?;
                TransportKeys::from_bytes(&bytes).ok_or(HsmFailure::Failed)?
            }
        };
        let (quota, begun) = match before {
            Some(Reach { way: Way::Hsm(before), .. }) => (Arc::clone(&before.quota), before.begun),
            _ => (Arc::new(Quota::new(node.requests_per_second)), Instant::now()),
        };
        Ok(Self { cluster_id: cluster.cluster_id.clone(), pin, transport_keys, quota, begun })
    }

    /// What the crypto user logs in with.
    pub(super) fn pin(&self) -> Result<Pin<'_>, StoreError> {
        Ok(Pin::new(&self.pin).map_err(|_| HsmFailure::IncorrectPin)?)
    }

    /// Counts a request, unless there were too many.
    pub(super) fn take(&self) -> Result<(), StoreError> {
        if self.quota.take(self.begun.elapsed()) { Ok(()) } else { Err(StoreError::Throttled) }
    }
}

impl XksWay {
    async fn open(
        node: &Shared,
        module: &ModuleClient,
        store: &CustomKeyStore,
        proxy: &XksProxy,
        before: Option<&Reach>,
    ) -> Result<Self, StoreError> {
        let secret = credential::open_text(module, &store.id, &proxy.secret).await?;
        let before = before.and_then(|before| match &before.way {
            Way::Xks(before) => Some(before),
            Way::Hsm(_) => None,
        });
        let shared = before.map_or_else(
            || xks::Shared::of_store(store.id, node.requests_per_second, &node.metrics),
            |before| Arc::clone(&before.shared),
        );
        let kept = |worker: usize| {
            let client = before?.clients.get(worker)?.get()?.with_credential(proxy, secret.clone())?;
            Some(OnceLock::from(client))
        };
        let clients = (0..node.workers).map(|worker| kept(worker).unwrap_or_default()).collect();
        Ok(Self { proxy: proxy.clone(), secret, region: store.region, shared, clients })
    }

    /// The client of a worker.
    pub(super) fn client(&self, node: &Shared, worker: usize) -> Result<XksClient, StoreError> {
        let new = || {
            let shared = Arc::clone(&self.shared);
            XksClient::new(&node.xks, &self.proxy, self.secret.clone(), &self.region, shared)
        };
        let Some(place) = self.clients.get(worker) else { return new() };
        match place.get() {
            Some(client) => Ok(client.clone()),
            None => new().map(|client| place.get_or_init(|| client).clone()),
        }
    }
}

impl std::fmt::Debug for HsmWay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HsmWay").field("cluster_id", &self.cluster_id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for XksWay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XksWay").field("proxy", &self.proxy).finish_non_exhaustive()
    }
}
