//! One store's proxy as one worker reaches it: what it is asked, in how much time, and what of its answers is believed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use keys::{Region, XksProxy};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{info, warn};
use zeroize::Zeroizing;

use super::answer::{self, Encrypted, LONGEST_BODY};
use super::proxy::Proxy;
use super::request;
use super::{Health, Settings, Shared};
use crate::blob::{MOST_CIPHERTEXT, OuterBlob, StoreKind};
use crate::{ExternalKey, RequestMetadata, StoreError, Usage, XksFailure};
use xks_api::Operation;

/// One store's proxy as one worker reaches it. Clones share its connections.
#[derive(Clone, Debug)]
pub struct XksClient {
    proxy: Arc<Proxy>,
    shared: Arc<Shared>,
}

impl XksClient {
    /// The client of a store's record, with its secret access key. Nobody is asked yet.
    ///
    /// # Errors
    ///
    /// If its VPC endpoint service has no route.
    pub fn new(
        settings: &Settings,
        proxy: &XksProxy,
        secret: Zeroizing<String>,
        region: &Region,
        shared: Arc<Shared>,
    ) -> Result<Self, StoreError> {
        shared.has_credential_since(proxy.credential_since);
        let proxy = Arc::new(Proxy::new(settings, proxy, secret, region, &shared)?);
        Ok(Self { proxy, shared })
    }

    /// The same proxy with another credential or path, over the connections that are there; nothing if the endpoint is another.
    #[must_use]
    pub fn with_credential(&self, proxy: &XksProxy, secret: Zeroizing<String>) -> Option<Self> {
        let other = Arc::new(self.proxy.with_credential(proxy, secret)?);
        self.shared.has_credential_since(proxy.credential_since);
        Some(Self { proxy: other, shared: Arc::clone(&self.shared) })
    }

    /// Seals what the security module has sealed: an [`OuterBlob`], encoded.
    ///
    /// # Errors
    ///
    /// Of the proxy, or of its answer.
    pub async fn seal(&self, key_id: &str, usage: &Usage<'_>, inner: &[u8]) -> Result<Vec<u8>, StoreError> {
        if inner.len() > MOST_CIPHERTEXT {
            return Err(XksFailure::UnsupportedOperation.into());
        }
        let aad = usage.additional_data();
        let body = request::encrypt(&usage.request, &aad, inner);
        let call = Call::about(&usage.request, Operation::Encrypt, key_id);
        let reader = |answer: &[u8]| {
            answer::encrypted(answer, inner.len()).filter(|encrypted| is_intact(encrypted, &aad))
        };
        let Encrypted { ciphertext, initialization_vector: iv, tag, metadata, .. } =
            self.admitted(&call, body, reader).await?;
        let (kind, header) = (StoreKind::Xks, usage.header);
        let blob =
            OuterBlob { kind, header, metadata: &metadata, iv: &iv, tag: &tag, ciphertext: &ciphertext };
        Ok(blob.encode().ok_or(XksFailure::InvalidResponse)?)
    }

    /// Opens what [`Self::seal`] sealed.
    ///
    /// # Errors
    ///
    /// Of the proxy, or of its answer.
    pub async fn open(
        &self,
        key_id: &str,
        usage: &Usage<'_>,
        blob: &OuterBlob<'_>,
    ) -> Result<Vec<u8>, StoreError> {
        if blob.kind != StoreKind::Xks {
            return Err(StoreError::InvalidCiphertext);
        }
        let body = request::decrypt(&usage.request, &usage.additional_data(), blob);
        let call = Call::about(&usage.request, Operation::Decrypt, key_id);
        self.admitted(&call, body, |answer| answer::decrypted(answer, blob.ciphertext.len())).await
    }

    /// What an external key is.
    ///
    /// # Errors
    ///
    /// Of the proxy, or of its answer.
    pub async fn key_metadata(
        &self,
        key_id: &str,
        request: &RequestMetadata<'_>,
    ) -> Result<ExternalKey, StoreError> {
        let call = Call::about(request, Operation::GetKeyMetadata, key_id);
        self.admitted(&call, request::key_metadata(request), answer::key_metadata).await
    }

    /// How the key managers behind the proxy are. The proxy is asked whatever the circuit says, and outside the quota.
    ///
    /// # Errors
    ///
    /// Of the proxy, or of its answer; also if none of the key managers is available.
    pub async fn health(&self, operation: &str, request_id: &str) -> Result<Health, StoreError> {
        let call = Call::about_health(operation, request_id);
        let health = self.asked(&call, request::health(operation, request_id), answer::health).await?;
        self.shared.is_healthy(health);
        if health.active == 0 && health.degraded == 0 {
            return Err(XksFailure::Unhealthy.into());
        }
        Ok(health)
    }

    async fn admitted<T>(
        &self,
        call: &Call<'_>,
        body: Bytes,
        reader: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, StoreError> {
        if let Err(refusal) = self.shared.admit(call.operation, call.kind) {
            self.probe_if_open();
            return Err(refusal);
        }
        let outcome = self.asked(call, body, reader).await;
        self.probe_if_open();
        Ok(outcome?)
    }

    /// Only what came too late is asked again, once. That a try ended late is taken from the time of the next.
    async fn asked<T>(
        &self,
        call: &Call<'_>,
        body: Bytes,
        reader: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, XksFailure> {
        let request = self.proxy.request(&call.path, body)?;
        let began = Instant::now();
        match self.tried(call, &request, &reader, TRY).await {
            Err(XksFailure::TimedOut) => {
                let left = (TRY * 2).saturating_sub(began.elapsed());
                self.tried(call, &request, &reader, left.min(TRY)).await
            }
            outcome => outcome,
        }
    }

    /// One try, in its time, setting up a connection and waiting for a place included.
    async fn tried<T>(
        &self,
        call: &Call<'_>,
        request: &Request<Bytes>,
        reader: impl Fn(&[u8]) -> Option<T>,
        time: Duration,
    ) -> Result<T, XksFailure> {
        let began = Instant::now();
        let outcome = self.answered(call, request, reader, began + time).await;
        let is_late = matches!(outcome, Err(XksFailure::TimedOut));
        self.shared.took(call.operation, call.kind, if is_late { time } else { began.elapsed().min(time) });
        self.shared.count(
            call.operation,
            call.kind,
            outcome.as_ref().map(|_| ()).map_err(|failure| *failure),
        );
        outcome
    }

    async fn answered<T>(
        &self,
        call: &Call<'_>,
        request: &Request<Bytes>,
        reader: impl Fn(&[u8]) -> Option<T>,
        deadline: Instant,
    ) -> Result<T, XksFailure> {
        let place = match call.kind {
            Operation::GetHealthStatus => None,
            // That all places are taken says nothing of the proxy.
            _ => timeout_at(deadline, self.shared.place()).await.map_err(|_| XksFailure::TimedOut)?,
        };
        let sent = timeout_at(deadline, self.proxy.https().send(request, LONGEST_BODY)).await;
        drop(place);
        let answer = match sent {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.unanswered(call, &error)),
            Err(_) => {
                self.log(call, "(none)", "no answer in time");
                self.shared.circuit.unanswered(XksFailure::TimedOut);
                return Err(XksFailure::TimedOut);
            }
        };
        self.shared.circuit.answered();
        answer::read(answer.status(), answer.body(), reader).map_err(|refusal| {
            let (error, message) = refusal.printable();
            self.log(call, &error, &message);
            refusal.failure()
        })
    }

    fn unanswered(&self, call: &Call<'_>, error: &https::Error) -> XksFailure {
        self.log(call, "(none)", &error.to_string());
        let failure = match error {
            https::Error::BrokenOff(_) | https::Error::Connect(_) | https::Error::Request(_) => {
                XksFailure::Unreachable
            }
            https::Error::Malformed(_) | https::Error::TooLong => XksFailure::InvalidResponse,
            https::Error::Tls(_) => XksFailure::Tls,
        };
        match failure {
            XksFailure::InvalidResponse => self.shared.circuit.answered(),
            failure => self.shared.circuit.unanswered(failure),
        }
        failure
    }

    /// Says in our log what the proxy says, which nobody else is told. Not each of many.
    fn log(&self, call: &Call<'_>, error: &str, message: &str) {
        let Call { operation, request_id, kind, .. } = call;
        if self.shared.may_log() {
            let (store, xks_operation) = (self.shared.name(), kind.as_str());
            warn!(
                store,
                operation, xks_operation, request_id, error, message, "an XKS proxy failed a request"
            );
        }
    }

    /// Sees to it that somebody asks a proxy that does not answer until it does.
    fn probe_if_open(&self) {
        if self.shared.circuit.refusal().is_none() || !self.shared.circuit.claim_probe() {
            return;
        }
        warn!(store = self.shared.name(), proxy = %self.proxy, "an XKS proxy does not answer: calls to it fail at once");
        let probe = Probe { proxy: Arc::downgrade(&self.proxy), shared: Arc::clone(&self.shared) };
        tokio::spawn(probe.run());
    }
}

/// Asks a proxy how it is until it answers, or until nobody needs it any more.
struct Probe {
    proxy: Weak<Proxy>,
    shared: Arc<Shared>,
}

impl Probe {
    async fn run(self) {
        while let Some(proxy) = self.proxy.upgrade() {
            let client = XksClient { proxy, shared: Arc::clone(&self.shared) };
            client.ask_once().await;
            if self.shared.circuit.refusal().is_none() {
                info!(store = self.shared.name(), "an XKS proxy answers again");
                return;
            }
            drop(client);
            sleep(PROBE_EVERY).await;
        }
    }
}

/// Also if its worker ends: then whoever calls next starts another.
impl Drop for Probe {
    fn drop(&mut self) {
        self.shared.circuit.release_probe();
    }
}

impl XksClient {
    async fn ask_once(&self) {
        let request_id = uuid::Uuid::new_v4().to_string();
        let call = Call::about_health(HEALTH_CHECK, &request_id);
        let body = request::health(HEALTH_CHECK, &request_id);
        let Ok(request) = self.proxy.request(&call.path, body) else { return };
        if let Ok(health) = self.tried(&call, &request, answer::health, TRY).await {
            self.shared.is_healthy(health);
        }
    }
}

/// What a proxy is asked, and why.
struct Call<'a> {
    kind: Operation,
    /// The KMS operation.
    operation: &'a str,
    request_id: &'a str,
    /// Behind the path of the proxy's API.
    path: String,
}

impl<'a> Call<'a> {
    fn about(request: &RequestMetadata<'a>, kind: Operation, key_id: &str) -> Self {
        let RequestMetadata { operation, request_id, .. } = *request;
        Self { kind, operation, request_id, path: kind.path(key_id) }
    }

    fn about_health(operation: &'a str, request_id: &'a str) -> Self {
        let kind = Operation::GetHealthStatus;
        Self { kind, operation, request_id, path: kind.path("") }
    }
}

/// Whether what the proxy encrypted is what came here.
fn is_intact(encrypted: &Encrypted, additional_data: &[u8]) -> bool {
    let Encrypted { ciphertext, initialization_vector, tag, metadata, integrity_value } = encrypted;
    xks_api::integrity_value(additional_data, metadata, initialization_vector, ciphertext, tag)
        == *integrity_value
}

//= xks: 250 milliseconds, connection set-up included, and one retry after a time-out
const TRY: Duration = Duration::from_millis(250);

/// How often a proxy that does not answer is asked.
const PROBE_EVERY: Duration = Duration::from_secs(1);

const HEALTH_CHECK: &str = "KmsHealthCheck";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_integrity_value_is_the_specifications() {
        let answer = br#"{"authenticationTag":"vBxN2ncH1oEkR8WVXpmyYQ==","ciphertext":"ghxkK1txeDNn3q8Y","ciphertextDataIntegrityValue":"qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc=","ciphertextMetadata":"a2V5X3ZlcnNpb249MQ==","initializationVector":"HMrlRw85cAJUd5Ax"}"#;
        let encrypted = answer::encrypted(answer, 12).unwrap();
        assert!(is_intact(&encrypted, b"project=nile,department=marketing"));
        assert!(!is_intact(&encrypted, b"project=nile,department=Marketing"));
        let moved = Encrypted { metadata: Vec::new(), ..encrypted };
        assert!(!is_intact(&moved, b"project=nile,department=marketing"));
    }
}
