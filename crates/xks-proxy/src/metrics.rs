//! What is measured, under names as Prometheus has them. No label holds what a caller chose: stores, credentials and key managers are
//! named as the configuration names them, and everything else is one of a few words.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::time::Duration;
use xks_api::{ErrorName, Operation};

/// What is counted as it happens.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    requests: Family<OfOutcome, Counter>,
    duration: Family<OfStore, Histogram, Latency>,
    key_manager_duration: Family<OfKeyManager, Histogram, Latency>,
    in_flight: Gauge,
    connections: Gauge,
    request_bytes: Family<OfStore, Counter>,
    response_bytes: Family<OfStore, Counter>,
    refused: Family<OfReason, Counter>,
    reloads: Family<OfReload, Counter>,
    unrecorded: Counter,
}

/// A call that is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured<'a> {
    pub(crate) store: &'a Arc<str>,
    pub(crate) operation: Operation,
    pub(crate) error: Option<ErrorName>,
    pub(crate) took: Duration,
    pub(crate) request_bytes: usize,
    pub(crate) response_bytes: usize,
}

impl Metrics {
    /// Metrics that are read from that registry.
    pub(crate) fn new(registry: &mut Registry) -> Arc<Self> {
        let metrics = Self::unread();
        let Self { requests, duration, key_manager_duration, in_flight, connections, .. } = metrics.clone();
        let Self { request_bytes, response_bytes, refused, reloads, unrecorded, .. } = metrics.clone();
        let mut named = Named(registry.sub_registry_with_prefix(PREFIX));
        named.add("requests", "Requests of authenticated callers, by what became of them", requests);
        named.seconds("request_duration", "From the head of a request to its answer", duration);
        named.seconds("key_manager_duration", "What key managers took of that", key_manager_duration);
        named.add("requests_in_flight", "Requests that are being answered", in_flight);
        named.add("connections", "Open TLS connections", connections);
        named.add("request_body_bytes", "Bodies of authenticated requests", request_bytes);
        named.add("response_body_bytes", "Bodies of the answers to them", response_bytes);
        named.add("refused_unauthenticated", "Requests that nobody stood behind, by why", refused);
        named.add("reloads", "Reloads of the configuration: ok, or refused", reloads);
        named.add("unrecorded", "Calls that failed because the journal took no record of them", unrecorded);
        Arc::new(metrics)
    }

    fn unread() -> Self {
        Self {
            requests: Family::default(),
            duration: Family::new_with_constructor(Latency),
            key_manager_duration: Family::new_with_constructor(Latency),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            request_bytes: Family::default(),
            response_bytes: Family::default(),
            refused: Family::default(),
            reloads: Family::default(),
            unrecorded: Counter::default(),
        }
    }

    pub(crate) fn answered(&self, call: &Measured<'_>) {
        let of_store = OfStore { store: Arc::clone(call.store), operation: call.operation.as_str() };
        let outcome = call.error.map_or("Success", ErrorName::as_str);
        let OfStore { store, operation } = of_store.clone();
        self.requests.get_or_create(&OfOutcome { store, operation, outcome }).inc();
        self.duration.get_or_create(&of_store).observe(call.took.as_secs_f64());
        self.request_bytes.get_or_create(&of_store).inc_by(call.request_bytes as u64);
        self.response_bytes.get_or_create(&of_store).inc_by(call.response_bytes as u64);
    }

    pub(crate) fn key_manager_took(&self, key_manager: &Arc<str>, operation: Operation, took: Duration) {
        let labels = OfKeyManager { key_manager: Arc::clone(key_manager), operation: operation.as_str() };
        self.key_manager_duration.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A request that nobody stood behind; of no store, if its path is none's.
    pub(crate) fn refused(&self, store: Option<&Arc<str>>, reason: &'static str) {
        let store = store.map_or_else(|| Arc::from(NO_STORE), Arc::clone);
        self.refused.get_or_create(&OfReason { store, reason }).inc();
    }

    pub(crate) fn reloaded(&self, outcome: &'static str) {
        self.reloads.get_or_create(&OfReload { outcome }).inc();
    }

    pub(crate) fn unrecorded(&self) {
        self.unrecorded.inc();
    }

    /// A request is in flight until the guard is dropped.
    pub(crate) fn begin_request(&self) -> Open {
        Open::in_(&self.in_flight)
    }

    /// A connection is open until the guard is dropped.
    pub(crate) fn open_connection(&self) -> Open {
        Open::in_(&self.connections)
    }
}

/// Counted in a gauge as long as it is there.
#[derive(Debug)]
pub(crate) struct Open(Gauge);

impl Open {
    fn in_(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

struct Named<'a>(&'a mut Registry);

impl Named<'_> {
    fn add(&mut self, name: &str, help: &str, metric: impl prometheus_client::registry::Metric) {
        self.0.register(name, help, metric);
    }

    fn seconds(&mut self, name: &str, help: &str, metric: impl prometheus_client::registry::Metric) {
        self.0.register_with_unit(name, help, Unit::Seconds, metric);
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStore {
    store: Arc<str>,
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutcome {
    store: Arc<str>,
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKeyManager {
    key_manager: Arc<str>,
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    store: Arc<str>,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReload {
    outcome: &'static str,
}

#[derive(Clone, Copy, Debug)]
struct Latency;

impl MetricConstructor<Histogram> for Latency {
    fn new_metric(&self) -> Histogram {
        Histogram::new(BUCKETS)
    }
}

pub(crate) const PREFIX: &str = "cardea_xks_proxy";

/// Stands where there is no store of that path.
const NO_STORE: &str = "none";

/// In seconds. KMS waits for 0.25.
const BUCKETS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1.0];
