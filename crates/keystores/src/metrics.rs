//! What is measured of custom key stores, under AWS's names. What depends on the time is computed when it is read; of a store that is
//! disconnected no gauge is left, of one that is deleted nothing. Every label is one of a few words or the id of a store.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use https::PeerCertificate;
use keys::{CustomKeyStoreId, Moment};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::XksFailure;
use crate::xks::Health;
use xks_api::Operation;

/// What is measured of the custom key stores of a node.
#[derive(Debug, Default)]
pub struct Metrics {
    counters: Mutex<BTreeMap<CustomKeyStoreId, Arc<StoreMetrics>>>,
    gauges: Mutex<BTreeMap<CustomKeyStoreId, Arc<Gauges>>>,
}

impl Metrics {
    /// Metrics that are read from that registry.
    pub fn new(registry: &mut Registry) -> Arc<Self> {
        let metrics = Arc::new(Self::default());
        registry.register_collector(Box::new(Arc::clone(&metrics)));
        metrics
    }

    /// A request to an HSM cluster that was refused, by us or by the cluster, as there were too many.
    pub fn throttled_hsm(&self, store: CustomKeyStoreId, operation: &str) {
        self.counters(store).count(Row::HsmThrottle(known(operation)));
    }

    /// Forgets all that was measured of a store that is deleted.
    pub fn forget(&self, store: CustomKeyStoreId) {
        lock(&self.counters).remove(&store);
        lock(&self.gauges).remove(&store);
    }

    pub(crate) fn counters(&self, store: CustomKeyStoreId) -> Arc<StoreMetrics> {
        Arc::clone(lock(&self.counters).entry(store).or_default())
    }

    /// New ones, in the place of those that there may be.
    pub(crate) fn gauges(&self, store: CustomKeyStoreId) -> Arc<Gauges> {
        let gauges = Arc::<Gauges>::default();
        lock(&self.gauges).insert(store, Arc::clone(&gauges));
        gauges
    }

    /// Takes these out, if no newer ones have come into their place.
    pub(crate) fn forget_gauges(&self, store: CustomKeyStoreId, gauges: &Arc<Gauges>) {
        let mut all = lock(&self.gauges);
        if all.get(&store).is_some_and(|current| Arc::ptr_eq(current, gauges)) {
            all.remove(&store);
        }
    }
}

/// What is counted of one store since it was first used.
#[derive(Debug, Default)]
pub(crate) struct StoreMetrics {
    counts: Mutex<HashMap<Row, u64>>,
    latencies: Mutex<HashMap<(&'static str, Operation), Histogram>>,
}

/// What has a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Row {
    HsmThrottle(&'static str),
    XksRequest(&'static str, Operation, Option<XksFailure>),
    XksThrottle(&'static str),
}

impl StoreMetrics {
    /// A request to the XKS proxy, and what came of it.
    pub(crate) fn requested(&self, operation: &str, call: Operation, outcome: Result<(), XksFailure>) {
        self.count(Row::XksRequest(known(operation), call, outcome.err()));
    }

    /// How long it took.
    pub(crate) fn took(&self, operation: &str, call: Operation, time: Duration) {
        let mut latencies = lock(&self.latencies);
        let latency = latencies.entry((known(operation), call));
        latency.or_insert_with(|| Histogram::new(BUCKETS)).observe(time.as_secs_f64() * 1000.0);
    }

    /// A request that was not sent, as there were too many.
    pub(crate) fn throttled_xks(&self, operation: &str) {
        self.count(Row::XksThrottle(known(operation)));
    }

    fn count(&self, row: Row) {
        let mut counts = lock(&self.counts);
        let count = counts.entry(row).or_default();
        *count = count.saturating_add(1);
    }
}

/// What is known now of a store that is connected.
#[derive(Debug, Default)]
pub(crate) struct Gauges(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    health: Option<Health>,
    certificate: Option<PeerCertificate>,
    credential_since: Option<Moment>,
}

impl Gauges {
    pub(crate) fn set_health(&self, health: Health) {
        lock(&self.0).health = Some(health);
    }

    pub(crate) fn set_certificate(&self, certificate: PeerCertificate) {
        lock(&self.0).certificate = Some(certificate);
    }

    pub(crate) fn set_credential(&self, since: Moment) {
        lock(&self.0).credential_since = Some(since);
    }
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let counters = lock(&self.counters).clone();
        let gauges = lock(&self.gauges).clone();
        let requests = "requests to XKS proxies, and those that a proxy known to be out of reach was spared";
        write_counters(&mut encoder, &counters, "XksProxyErrors", requests)?;
        write_counters(&mut encoder, &counters, "ExternalKeyStoreThrottle", "requests refused as too many")?;
        write_counters(&mut encoder, &counters, "CloudHSMKeyStoreThrottle", "requests refused as too many")?;
        write_latencies(&mut encoder, &counters)?;
        write_states(&mut encoder, &gauges)?;
        write_certificates(&mut encoder, &gauges)?;
        write_credentials(&mut encoder, &gauges)
    }
}

fn write_counters(
    encoder: &mut DescriptorEncoder<'_>,
    stores: &BTreeMap<CustomKeyStoreId, Arc<StoreMetrics>>,
    name: &str,
    help: &str,
) -> Result<(), Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (id, store) in stores {
        let id = id.to_string();
        let counts = lock(&store.counts).clone();
        for (row, count) in counts.into_iter().filter(|(row, _)| row.metric() == name) {
            row.write(&mut metric, &id, count)?;
        }
    }
    Ok(())
}

impl Row {
    const fn metric(self) -> &'static str {
        match self {
            Self::HsmThrottle(_) => "CloudHSMKeyStoreThrottle",
            Self::XksRequest(..) => "XksProxyErrors",
            Self::XksThrottle(_) => "ExternalKeyStoreThrottle",
        }
    }

    fn write(self, metric: &mut MetricEncoder<'_>, id: &str, count: u64) -> Result<(), Error> {
        let none: Option<&Exemplar<[(&str, &str); 0], f64>> = None;
        match self {
            Self::HsmThrottle(operation) | Self::XksThrottle(operation) => {
                let labels = [(STORE, id), (KMS_OPERATION, operation), (KEY_SPEC, SYMMETRIC)];
                metric.encode_family(&labels)?.encode_counter(&count, none)
            }
            Self::XksRequest(operation, call, failure) => {
                let (kind, exception) = failure.map_or(("N/A", "None"), exception);
                let [store, kms, xks, spec] = request_labels(id, operation, call);
                let labels = [store, kms, xks, spec, ("ErrorType", kind), ("ExceptionName", exception)];
                metric.encode_family(&labels)?.encode_counter(&count, none)
            }
        }
    }
}

fn write_latencies(
    encoder: &mut DescriptorEncoder<'_>,
    stores: &BTreeMap<CustomKeyStoreId, Arc<StoreMetrics>>,
) -> Result<(), Error> {
    let help = "milliseconds until an XKS proxy answered";
    let mut metric = encoder.encode_descriptor("XksProxyLatency", help, None, MetricType::Histogram)?;
    for (id, store) in stores {
        let id = id.to_string();
        for ((operation, call), latency) in lock(&store.latencies).iter() {
            latency.encode(metric.encode_family(&request_labels(&id, operation, *call))?)?;
        }
    }
    Ok(())
}

fn write_states(
    encoder: &mut DescriptorEncoder<'_>,
    stores: &BTreeMap<CustomKeyStoreId, Arc<Gauges>>,
) -> Result<(), Error> {
    let name = "XksExternalKeyManagerStates";
    let mut metric =
        encoder.encode_descriptor(name, "external key managers by state", None, MetricType::Gauge)?;
    for (id, gauges) in stores {
        let Some(health) = lock(&gauges.0).health else { continue };
        let id = id.to_string();
        for (state, count) in
            [("Active", health.active), ("Degraded", health.degraded), ("Unavailable", health.unavailable)]
        {
            let labels = [(STORE, id.as_str()), ("XksExternalKeyManagerState", state)];
            metric.encode_family(&labels)?.encode_gauge(&u64::from(count))?;
        }
    }
    Ok(())
}

fn write_certificates(
    encoder: &mut DescriptorEncoder<'_>,
    stores: &BTreeMap<CustomKeyStoreId, Arc<Gauges>>,
) -> Result<(), Error> {
    let (name, help) =
        ("XksProxyCertificateDaysToExpire", "days until the certificate of an XKS proxy expires");
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (id, gauges) in stores {
        let Some(certificate) = lock(&gauges.0).certificate.clone() else { continue };
        // A certificate of many hosts is not one store's to watch.
        let named = certificate.common_name.filter(|name| !name.contains('*'));
        let Some(common_name) = named else { continue };
        let id = id.to_string();
        let labels = [(STORE, id.as_str()), ("CertificateName", common_name.as_str())];
        let days = days_between(now(), i64::try_from(certificate.not_after).unwrap_or(i64::MAX));
        metric.encode_family(&labels)?.encode_gauge(&days)?;
    }
    Ok(())
}

fn write_credentials(
    encoder: &mut DescriptorEncoder<'_>,
    stores: &BTreeMap<CustomKeyStoreId, Arc<Gauges>>,
) -> Result<(), Error> {
    let (name, help) = ("XksProxyCredentialAge", "days since the credential of an XKS proxy was set");
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (id, gauges) in stores {
        let Some(since) = lock(&gauges.0).credential_since else { continue };
        let id = id.to_string();
        let days = days_between(since.as_seconds(), now()).max(0);
        metric.encode_family(&[(STORE, id.as_str())])?.encode_gauge(&days)?;
    }
    Ok(())
}

fn request_labels<'a>(id: &'a str, operation: &'static str, call: Operation) -> [(&'static str, &'a str); 4] {
    let spec = if call == Operation::GetHealthStatus { "N/A" } else { SYMMETRIC };
    [(STORE, id), (KMS_OPERATION, operation), ("XksOperation", call.as_str()), (KEY_SPEC, spec)]
}

/// Whether it is worth another try, and its name.
const fn exception(failure: XksFailure) -> (&'static str, &'static str) {
    match failure {
        XksFailure::AccessDenied => (LASTING, "AccessDeniedException"),
        XksFailure::AuthenticationFailed => (LASTING, "AuthenticationFailedException"),
        XksFailure::DependencyTimeout => (RETRYABLE, "DependencyTimeoutException"),
        XksFailure::Internal => (RETRYABLE, "InternalException"),
        XksFailure::InvalidCiphertext => (LASTING, "InvalidCiphertextException"),
        XksFailure::InvalidKeyUsage => (LASTING, "InvalidKeyUsageException"),
        XksFailure::InvalidResponse => (LASTING, "XksProxyInvalidResponseException"),
        XksFailure::InvalidState => (LASTING, "InvalidStateException"),
        XksFailure::InvalidUriPath => (LASTING, "InvalidUriPathException"),
        XksFailure::KeyNotFound => (LASTING, "KeyNotFoundException"),
        XksFailure::Throttling => (RETRYABLE, "ThrottlingException"),
        XksFailure::TimedOut => (RETRYABLE, "XksProxyTimedOutException"),
        XksFailure::Tls => (LASTING, "XksProxyInvalidTlsConfigurationException"),
        XksFailure::Unhealthy | XksFailure::Unreachable | XksFailure::VpcEndpointServiceNotFound => {
            (RETRYABLE, "XksProxyUnreachableException")
        }
        XksFailure::UnsupportedOperation => (LASTING, "UnsupportedOperationException"),
    }
}

/// The operations that use stores, so that nobody can make up labels.
fn known(operation: &str) -> &'static str {
    OPERATIONS.into_iter().find(|known| *known == operation).unwrap_or("Other")
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// Whole days; fewer than none if `to` is earlier.
const fn days_between(from: i64, to: i64) -> i64 {
    to.saturating_sub(from).div_euclid(24 * 60 * 60)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const STORE: &str = "CustomKeyStoreId";
const KMS_OPERATION: &str = "KmsOperation";
const KEY_SPEC: &str = "KeySpec";
/// No other key can be in a custom key store.
const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";
const RETRYABLE: &str = "Retryable errors";
const LASTING: &str = "Non-retryable errors";
/// Up to what a proxy has; a request that was given up is in the last.
const BUCKETS: [f64; 11] = [1.0, 2.0, 5.0, 10.0, 20.0, 35.0, 50.0, 100.0, 150.0, 200.0, 250.0];
const OPERATIONS: [&str; 11] = [
    "ConnectCustomKeyStore",
    "CreateCustomKeyStore",
    "CreateKey",
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateRandom",
    "KmsHealthCheck",
    "ReEncrypt",
    "UpdateCustomKeyStore",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn store(number: u8) -> CustomKeyStoreId {
        CustomKeyStoreId::from_random([number; 16])
    }

    fn scraped(registry: &Registry) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        text
    }

    fn certificate(name: &str, days: u64) -> PeerCertificate {
        let not_after = u64::try_from(now()).unwrap() + days * 86_400 + 60;
        PeerCertificate { common_name: Some(name.to_owned()), not_after }
    }

    #[test]
    fn every_request_is_counted_with_all_its_dimensions() {
        let mut registry = Registry::default();
        let counters = Metrics::new(&mut registry).counters(store(0xab));
        counters.requested("Encrypt", Operation::Encrypt, Ok(()));
        counters.requested("Encrypt", Operation::Encrypt, Ok(()));
        counters.requested("KmsHealthCheck", Operation::GetHealthStatus, Err(XksFailure::Throttling));
        counters.requested("Invented-1", Operation::Decrypt, Err(XksFailure::KeyNotFound));
        counters.throttled_xks("Decrypt");
        let text = scraped(&registry);
        for line in [
            r#"XksProxyErrors_total{CustomKeyStoreId="STORE",KmsOperation="Encrypt",XksOperation="Encrypt",KeySpec="SYMMETRIC_DEFAULT",ErrorType="N/A",ExceptionName="None"} 2"#,
            r#"KmsOperation="KmsHealthCheck",XksOperation="GetHealthStatus",KeySpec="N/A",ErrorType="Retryable errors",ExceptionName="ThrottlingException"} 1"#,
            r#"KmsOperation="Other",XksOperation="Decrypt",KeySpec="SYMMETRIC_DEFAULT",ErrorType="Non-retryable errors",ExceptionName="KeyNotFoundException"} 1"#,
            r#"ExternalKeyStoreThrottle_total{CustomKeyStoreId="STORE",KmsOperation="Decrypt",KeySpec="SYMMETRIC_DEFAULT"} 1"#,
        ] {
            let line = line.replace("STORE", &store(0xab).to_string());
            assert!(text.contains(&line), "{line}\n{text}");
        }
    }

    #[test]
    fn latencies_are_milliseconds_and_a_request_given_up_is_in_the_last_bucket() {
        let mut registry = Registry::default();
        let counters = Metrics::new(&mut registry).counters(store(1));
        counters.took("Decrypt", Operation::Decrypt, Duration::from_millis(3));
        counters.took("Decrypt", Operation::Decrypt, Duration::from_millis(250));
        let text = scraped(&registry);
        assert!(text.contains(r#"KeySpec="SYMMETRIC_DEFAULT"} 253.0"#), "{text}");
        assert!(text.contains(r#"le="5.0",CustomKeyStoreId="#), "{text}");
        let bucket = |bound: &str| {
            let line = text.lines().find(|line| line.contains(&format!("le=\"{bound}\""))).unwrap();
            line.rsplit(' ').next().unwrap().to_owned()
        };
        assert_eq!([bucket("2.0"), bucket("5.0"), bucket("200.0"), bucket("250.0")], ["0", "1", "1", "2"]);
    }

    #[test]
    fn gauges_say_what_is_known_of_a_connected_store() {
        let mut registry = Registry::default();
        let metrics = Metrics::new(&mut registry);
        let gauges = metrics.gauges(store(1));
        gauges.set_health(Health { active: 2, degraded: 1, unavailable: 0 });
        gauges.set_certificate(certificate("proxy.example", 9));
        gauges.set_credential(Moment::from_millis((now() - 3 * 86_400 - 5) * 1000));
        let text = scraped(&registry);
        let id = store(1);
        for line in [
            format!(
                r#"XksExternalKeyManagerStates{{CustomKeyStoreId="{id}",XksExternalKeyManagerState="Active"}} 2"#
            ),
            format!(
                r#"XksExternalKeyManagerStates{{CustomKeyStoreId="{id}",XksExternalKeyManagerState="Unavailable"}} 0"#
            ),
            format!(
                r#"XksProxyCertificateDaysToExpire{{CustomKeyStoreId="{id}",CertificateName="proxy.example"}} 9"#
            ),
            format!(r#"XksProxyCredentialAge{{CustomKeyStoreId="{id}"}} 3"#),
        ] {
            assert!(text.contains(&line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_certificate_of_many_hosts_is_not_counted_down() {
        let mut registry = Registry::default();
        Metrics::new(&mut registry).gauges(store(1)).set_certificate(certificate("*.example", 9));
        assert!(!scraped(&registry).contains("CertificateName"));
    }

    #[test]
    fn a_store_that_is_disconnected_leaves_no_gauge_and_a_deleted_one_nothing() {
        let mut registry = Registry::default();
        let metrics = Metrics::new(&mut registry);
        let old = metrics.gauges(store(1));
        let new = metrics.gauges(store(1));
        new.set_health(Health::default());
        metrics.forget_gauges(store(1), &old);
        assert!(scraped(&registry).contains("KeyManagerState="), "newer ones were forgotten too");
        metrics.forget_gauges(store(1), &new);
        new.set_health(Health::default());
        metrics.throttled_hsm(store(1), "Encrypt");
        let text = scraped(&registry);
        assert!(!text.contains("KeyManagerState=") && text.contains(&store(1).to_string()), "{text}");
        metrics.forget(store(1));
        assert!(!scraped(&registry).contains(&store(1).to_string()));
    }
}
