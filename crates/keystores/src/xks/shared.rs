//! What all workers of the node share of one store while it is connected: its quota, its places, its circuit, and what is measured.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use https::PeerCertificate;
use keys::{CustomKeyStoreId, Moment};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Health;
use super::circuit::Circuit;
use crate::metrics::{Gauges, StoreMetrics};
use crate::quota::Quota;
use crate::{Metrics, StoreError, XksFailure};
use xks_api::Operation;

/// What all workers of the node share of one store, from when it is connected until it is disconnected.
#[derive(Debug)]
pub struct Shared {
    pub(super) circuit: Circuit,
    places: Semaphore,
    since: Instant,
    quota: Option<Quota>,
    log_quota: Quota,
    measured: Option<Measured>,
}

#[derive(Debug)]
struct Measured {
    store: CustomKeyStoreId,
    metrics: Arc<Metrics>,
    counters: Arc<StoreMetrics>,
    gauges: Arc<Gauges>,
}

impl Shared {
    /// Of a store that is or is being connected. A store that is connected again begins anew.
    #[must_use]
    pub fn of_store(
        store: CustomKeyStoreId,
        requests_per_second: NonZeroU32,
        metrics: &Arc<Metrics>,
    ) -> Arc<Self> {
        let (counters, gauges) = (metrics.counters(store), metrics.gauges(store));
        let measured = Measured { store, metrics: Arc::clone(metrics), counters, gauges };
        Self::with(Some(Quota::new(requests_per_second)), Some(measured))
    }

    /// Of a proxy that there may never be a store for: nothing is measured.
    #[must_use]
    pub fn of_proposal() -> Arc<Self> {
        Self::with(None, None)
    }

    fn with(quota: Option<Quota>, measured: Option<Measured>) -> Arc<Self> {
        Arc::new(Self {
            circuit: Circuit::default(),
            places: Semaphore::new(PLACES),
            since: Instant::now(),
            quota,
            log_quota: Quota::new(LINES_PER_SECOND),
            measured,
        })
    }

    /// Forgets the gauges of the store: it is disconnected, and what they say is not known any more.
    pub fn disconnected(&self) {
        if let Some(Measured { store, metrics, gauges, .. }) = &self.measured {
            metrics.forget_gauges(*store, gauges);
        }
    }

    /// Whether one more call may be made now; if so, it is counted.
    pub(super) fn admit(&self, operation: &str, call: Operation) -> Result<(), StoreError> {
        if let Some(failure) = self.circuit.refusal() {
            self.count(operation, call, Err(failure));
            return Err(failure.into());
        }
        if self.quota.as_ref().is_none_or(|quota| quota.take(self.since.elapsed())) {
            return Ok(());
        }
        if let Some(measured) = &self.measured {
            measured.counters.throttled_xks(operation);
        }
        Err(StoreError::Throttled)
    }

    /// A place among the calls that are under way; nothing if there is none even after waiting, which who asks bounds.
    pub(super) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.places.acquire().await.ok()
    }

    /// Counts a request to the proxy.
    pub(super) fn count(&self, operation: &str, call: Operation, outcome: Result<(), XksFailure>) {
        if let Some(measured) = &self.measured {
            measured.counters.requested(operation, call, outcome);
        }
    }

    /// Notes how long one took.
    pub(super) fn took(&self, operation: &str, call: Operation, time: Duration) {
        if let Some(measured) = &self.measured {
            measured.counters.took(operation, call, time);
        }
    }

    pub(super) fn is_healthy(&self, health: Health) {
        if let Some(measured) = &self.measured {
            measured.gauges.set_health(health);
        }
    }

    pub(super) fn has_credential_since(&self, since: Moment) {
        if let Some(measured) = &self.measured {
            measured.gauges.set_credential(since);
        }
    }

    /// What is told of each connection's server.
    pub(super) fn observer(&self) -> Option<https::Observer> {
        let gauges = Arc::clone(&self.measured.as_ref()?.gauges);
        Some(Arc::new(move |certificate: PeerCertificate| gauges.set_certificate(certificate)))
    }

    /// Whether one more line may be logged of a proxy that fails.
    pub(super) fn may_log(&self) -> bool {
        self.log_quota.take(self.since.elapsed())
    }

    /// The store, for our log.
    pub(super) fn name(&self) -> String {
        self.measured.as_ref().map_or_else(|| "(proposed)".to_owned(), |measured| measured.store.to_string())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.disconnected();
    }
}

/// Calls that are under way to one proxy, of the whole node: at 1,800 calls a second, as many as a proxy needs that answers within 140 ms.
const PLACES: usize = 256;

const LINES_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();
