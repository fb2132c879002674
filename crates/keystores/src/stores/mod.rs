//! All custom key stores of a node: what its workers share of them, and a seat for each worker.

mod answers;
mod credential;
mod reach;
mod reached;
mod worker;

pub use answers::{Destroyed, Destruction, ExternalKey};
pub use worker::KeyStores;

use crate::pkcs11::{Cluster, ClusterSettings, HsmSeat};
use crate::{Metrics, xks};
use pki_types::CertificateDer;
use pki_types::pem::PemObject as _;
use reach::Reach;
use reached::Reached;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};

/// What the configuration says of custom key stores.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many requests a second each store is sent at most.
    pub requests_per_second: NonZeroU32,
    /// How XKS proxies are reached.
    pub xks: xks::Settings,
    /// The HSM clusters.
    pub clusters: Vec<ClusterSettings>,
}

/// What the workers of a node share of its custom key stores. Clones are the same.
#[derive(Clone, Debug)]
pub struct Stores(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    requests_per_second: NonZeroU32,
    xks: xks::Settings,
    metrics: Arc<Metrics>,
    workers: usize,
    clusters: BTreeMap<String, KnownCluster>,
    /// The stores whose credentials are open.
    reached: RwLock<Reached<Reach>>,
}

#[derive(Debug)]
struct KnownCluster {
    cluster: Cluster,
    trust_anchor: CertificateDer<'static>,
}

/// One worker's place at every HSM cluster.
#[derive(Debug)]
pub struct Seat {
    worker: usize,
    clusters: BTreeMap<String, HsmSeat>,
}

impl Stores {
    /// Starts the processes of the clusters' members and gives as many workers a seat. Every seat must be taken.
    pub fn start(
        settings: Settings,
        workers: usize,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, Vec<Seat>), StartError> {
        let mut seats: Vec<_> =
            (0..workers).map(|worker| Seat { worker, clusters: BTreeMap::new() }).collect();
        let mut clusters = BTreeMap::new();
        for settings in settings.clusters {
            let id = settings.id.clone();
            let trust_anchor = CertificateDer::from_pem_slice(&settings.trust_anchor)
                .map_err(|source| StartError::TrustAnchor { cluster: id.clone(), source })?;
            let (cluster, places) = Cluster::start(settings, workers)
                .map_err(|source| StartError::Cluster { cluster: id.clone(), source })?;
            for (seat, place) in seats.iter_mut().zip(places) {
                seat.clusters.insert(id.clone(), place);
            }
            clusters.insert(id, KnownCluster { cluster, trust_anchor });
        }
        let shared = Shared {
            requests_per_second: settings.requests_per_second,
            xks: settings.xks,
            metrics,
            workers,
            clusters,
            reached: RwLock::default(),
        };
        Ok((Self(Arc::new(shared)), seats))
    }

    /// Ends the processes of the clusters' members and waits until they are gone.
    pub fn stop(&self) {
        self.0.reached.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.0.clusters.values().for_each(|known| known.cluster.stop());
    }
}

/// Why the custom key stores cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The processes of a cluster's members could not be started.
    #[error("the processes of the HSM cluster `{cluster}` could not be started: {source}")]
    Cluster {
        /// The id of the cluster.
        cluster: String,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate of a cluster is none.
    #[error("the trust anchor of the HSM cluster `{cluster}` is not a certificate in PEM: {source}")]
    TrustAnchor {
        /// The id of the cluster.
        cluster: String,
        /// Why.
        source: pki_types::pem::Error,
    },
}
