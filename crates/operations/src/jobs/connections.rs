//! Connecting custom key stores to their backends and letting go of them, and asking proxies how they are.
//!
//! What a store waits for is in its record, so that a stop in between loses nothing. No store waits for another, and nothing else waits for
//! one; what was wanted of one meanwhile counts, not what was begun.

use super::{JobError, changes};
use crate::Service;
use catalog::{CatalogError, World};
use keys::{
    Backend, ConnectionErrorCode, ConnectionState, CustomKeyStore, CustomKeyStoreId, CustomKeyStoreType,
};
use keystores::{HsmFailure, StoreError, XksFailure};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use uuid::Uuid;

/// Connects every store that is to be connected, and disconnects every one that is to be disconnected, whenever that is wanted. Never ends.
pub async fn keep_connections(service: &Service) {
    let mut under_way = UnderWay::default();
    loop {
        match under_way.beside(wanted(service)).await {
            Ok(wanted) => under_way.turn_to(service, &wanted),
            Err(error) => {
                under_way.beside(failed(&error)).await;
                continue;
            }
        }
        tokio::select! {
            () = service.connections_bell.rung() => {}
            () = under_way.one_ends() => {}
        }
    }
}

async fn wanted(service: &Service) -> Result<Vec<CustomKeyStore>, JobError> {
    stores_in(service, &[ConnectionState::Connecting, ConnectionState::Disconnecting]).await
}

/// What is being done to stores, and how each was when that began.
#[derive(Default)]
struct UnderWay<'a>(Vec<(CustomKeyStore, Settling<'a>)>);

type Settling<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

impl<'a> UnderWay<'a> {
    /// Begins what is wanted by now, and gives up what is wanted no more.
    fn turn_to(&mut self, service: &'a Service, wanted: &[CustomKeyStore]) {
        self.0.retain(|(store, _)| wanted.contains(store));
        for store in wanted {
            if !self.0.iter().any(|(begun, _)| begun == store) {
                self.0.push((store.clone(), Box::pin(settle(service, store.clone()))));
            }
        }
    }

    /// Carries all of it on until one thing is done.
    async fn one_ends(&mut self) {
        poll_fn(|context| if self.carry_on(context) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// Carries all of it on until that is done. Whoever waits for that alone may wait for ever: it may need a record that something under
    /// way is about to read.
    async fn beside<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        poll_fn(|context| {
            self.carry_on(context);
            other.as_mut().poll(context)
        })
        .await
    }

    /// Says whether something is done.
    fn carry_on(&mut self, context: &mut Context<'_>) -> bool {
        let before = self.0.len();
        self.0.retain_mut(|(_, settling)| settling.as_mut().poll(context).is_pending());
        self.0.len() < before
    }
}

/// Asks the proxies of all connected stores how they are, which is measured.
//= xks: K10: GetHealthStatus every few minutes as KmsHealthCheck
pub async fn check_health(service: &Service) -> Result<(), JobError> {
    let mut stores = stores_in(service, &[ConnectionState::Connected]).await?;
    stores.retain(|store| matches!(store.backend, Backend::Xks(_)));
    let checks = stores.iter().map(|store| async move {
        let request_id = Uuid::new_v4().to_string();
        let checked = service.key_stores.check_health(store, &request_id);
        let _ = tokio::time::timeout(longest_attempt(store), checked).await;
    });
    all(checks).await;
    Ok(())
}

/// The stores of all accounts and regions that are in one of those states.
async fn stores_in(service: &Service, states: &[ConnectionState]) -> Result<Vec<CustomKeyStore>, JobError> {
    let (reader, mut found) = (service.catalog.reader(), Vec::new());
    for world in reader.worlds_with_custom_key_stores().await? {
        let Some(stores) = reader.custom_key_stores(&world).await? else { continue };
        found.extend(stores.stores.iter().filter(|store| states.contains(&store.connection.state)).cloned());
    }
    Ok(found)
}

async fn settle(service: &Service, store: CustomKeyStore) {
    if let Err(error) = try_to_settle(service, &store).await {
        failed(&error).await;
    }
}

async fn failed(error: &JobError) {
    tracing::error!(error = error as &dyn std::error::Error, "custom key stores cannot be connected");
    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
}

async fn try_to_settle(service: &Service, store: &CustomKeyStore) -> Result<(), JobError> {
    if store.connection.state == ConnectionState::Disconnecting {
        let _ = tokio::time::timeout(LONGEST_FAREWELL, service.key_stores.disconnect(store)).await;
        return change(service, store, CustomKeyStore::disconnected).await;
    }
    let came_to = attempt(service, store).await;
    change(service, store, |now| now.after_attempt(store, came_to.clone())).await
}

async fn attempt(service: &Service, store: &CustomKeyStore) -> Result<Backend, ConnectionErrorCode> {
    let request_id = store.connection.request_id.as_deref().unwrap_or_default();
    let connected = service.key_stores.connect(store, request_id);
    let failed = match tokio::time::timeout(longest_attempt(store), connected).await {
        Ok(Ok(backend)) => return Ok(backend),
        Ok(Err(error)) => error,
        Err(_) => too_late(store.store_type()),
    };
    tracing::warn!(store = %store.id, error = %failed, "a custom key store could not be connected");
    Err(error_code(failed))
}

/// Changes a store as it is by now, which may be to leave it.
async fn change(
    service: &Service,
    store: &CustomKeyStore,
    changed: impl Fn(&CustomKeyStore) -> Option<CustomKeyStore>,
) -> Result<(), JobError> {
    let world = World { account: store.account, region: store.region };
    for _ in 0..MOST_CONFLICTS {
        match try_to_change(service, &world, &store.id, &changed).await {
            Err(CatalogError::Conflict) => {}
            done => return Ok(done?),
        }
    }
    Err(CatalogError::Conflict.into())
}

async fn try_to_change(
    service: &Service,
    world: &World,
    id: &CustomKeyStoreId,
    changed: impl Fn(&CustomKeyStore) -> Option<CustomKeyStore>,
) -> Result<(), CatalogError> {
    let Some(stores) = service.catalog.reader().custom_key_stores(world).await? else { return Ok(()) };
    let Some(new) = stores.store(id).and_then(changed) else { return Ok(()) };
    // INVARIANT: neither its name nor its address is another, so that it is no more in the way of others than it was.
    let Ok(new) = stores.with_changed(&new) else { return Ok(()) };
    let changes = changes(service, JOB).put_custom_key_stores(world, Some(&stores), &new);
    service.catalog.commit(changes).await
}

/// Carries them all on at the same time. What came of each, in the order in which they ended.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.map(Box::pin).collect();
    let mut done = Vec::with_capacity(running.len());
    poll_fn(|context| {
        running.retain_mut(|future| match future.as_mut().poll(context) {
            Poll::Ready(output) => {
                done.push(output);
                false
            }
            Poll::Pending => true,
        });
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done
}

const fn too_late(kind: CustomKeyStoreType) -> StoreError {
    match kind {
        CustomKeyStoreType::AwsCloudHsm => StoreError::Hsm(HsmFailure::TimedOut),
        CustomKeyStoreType::ExternalKeyStore => StoreError::Xks(XksFailure::TimedOut),
    }
}

/// What DescribeCustomKeyStores says of an attempt that failed so.
//= kms:CustomKeyStoresListEntry ConnectionErrorCode
const fn error_code(error: StoreError) -> ConnectionErrorCode {
    match error {
        StoreError::Hsm(failure) => hsm_error_code(failure),
        StoreError::Xks(failure) => xks_error_code(failure),
        StoreError::InvalidCiphertext | StoreError::Module(_) | StoreError::Throttled => {
            ConnectionErrorCode::InternalError
        }
    }
}

const fn hsm_error_code(failure: HsmFailure) -> ConnectionErrorCode {
    match failure {
        HsmFailure::ClusterNotFound => ConnectionErrorCode::ClusterNotFound,
        HsmFailure::Failed | HsmFailure::TimedOut => ConnectionErrorCode::NetworkErrors,
        HsmFailure::IncorrectPin => ConnectionErrorCode::InvalidCredentials,
        HsmFailure::InsufficientMembers => ConnectionErrorCode::InsufficientCloudHsmHsms,
        HsmFailure::KeyMissing | HsmFailure::LibraryUnavailable => ConnectionErrorCode::InternalError,
        HsmFailure::UserLocked => ConnectionErrorCode::UserLockedOut,
        HsmFailure::UserLoggedIn => ConnectionErrorCode::UserLoggedIn,
        HsmFailure::UserNotFound => ConnectionErrorCode::UserNotFound,
    }
}

/// A proxy that answers a question about itself with an error about a key does not make sense.
const fn xks_error_code(failure: XksFailure) -> ConnectionErrorCode {
    match failure {
        XksFailure::AccessDenied => ConnectionErrorCode::XksProxyAccessDenied,
        XksFailure::AuthenticationFailed => ConnectionErrorCode::InvalidCredentials,
        XksFailure::DependencyTimeout | XksFailure::TimedOut => ConnectionErrorCode::XksProxyTimedOut,
        XksFailure::InvalidUriPath | XksFailure::UnsupportedOperation => {
            ConnectionErrorCode::XksProxyInvalidConfiguration
        }
        XksFailure::Throttling | XksFailure::Unhealthy | XksFailure::Unreachable => {
            ConnectionErrorCode::XksProxyNotReachable
        }
        XksFailure::Tls => ConnectionErrorCode::XksProxyInvalidTlsConfiguration,
        XksFailure::VpcEndpointServiceNotFound => ConnectionErrorCode::XksVpcEndpointServiceNotFound,
        XksFailure::Internal
        | XksFailure::InvalidCiphertext
        | XksFailure::InvalidKeyUsage
        | XksFailure::InvalidResponse
        | XksFailure::InvalidState
        | XksFailure::KeyNotFound => ConnectionErrorCode::XksProxyInvalidResponse,
    }
}

const JOB: &str = "connection job";

/// An attempt may take so long. A proxy has half a second; a cluster has members to log in to, and those may make their transport keys.
const fn longest_attempt(store: &CustomKeyStore) -> Duration {
    match store.backend {
        Backend::CloudHsm(_) => Duration::from_secs(60),
        Backend::Xks(_) => Duration::from_secs(5),
    }
}

/// Letting go waits no longer for a backend that does not answer: its processes are let go of by themselves.
const LONGEST_FAREWELL: Duration = Duration::from_secs(5);

const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);
const MOST_CONFLICTS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    fn every_cause_that_has_a_code_of_its_own_is_told_by_it() {
        for (failure, code) in [
            (XksFailure::AuthenticationFailed, "INVALID_CREDENTIALS"),
            (XksFailure::AccessDenied, "XKS_PROXY_ACCESS_DENIED"),
            (XksFailure::InvalidUriPath, "XKS_PROXY_INVALID_CONFIGURATION"),
            (XksFailure::InvalidResponse, "XKS_PROXY_INVALID_RESPONSE"),
            (XksFailure::Internal, "XKS_PROXY_INVALID_RESPONSE"),
            (XksFailure::Tls, "XKS_PROXY_INVALID_TLS_CONFIGURATION"),
            (XksFailure::Unreachable, "XKS_PROXY_NOT_REACHABLE"),
            (XksFailure::Unhealthy, "XKS_PROXY_NOT_REACHABLE"),
            (XksFailure::TimedOut, "XKS_PROXY_TIMED_OUT"),
            (XksFailure::DependencyTimeout, "XKS_PROXY_TIMED_OUT"),
            (XksFailure::VpcEndpointServiceNotFound, "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND"),
        ] {
            assert_eq!(error_code(failure.into()).name(), code, "{failure}");
        }
        for (failure, code) in [
            (HsmFailure::ClusterNotFound, "CLUSTER_NOT_FOUND"),
            (HsmFailure::IncorrectPin, "INVALID_CREDENTIALS"),
            (HsmFailure::InsufficientMembers, "INSUFFICIENT_CLOUDHSM_HSMS"),
            (HsmFailure::TimedOut, "NETWORK_ERRORS"),
            (HsmFailure::UserLocked, "USER_LOCKED_OUT"),
            (HsmFailure::UserLoggedIn, "USER_LOGGED_IN"),
            (HsmFailure::UserNotFound, "USER_NOT_FOUND"),
            (HsmFailure::LibraryUnavailable, "INTERNAL_ERROR"),
        ] {
            assert_eq!(error_code(failure.into()).name(), code, "{failure}");
        }
        assert_eq!(error_code(StoreError::Throttled), ConnectionErrorCode::InternalError);
    }

    #[test]
    fn none_waits_for_another() {
        let mut turns = [0; 3];
        let waiting = turns.iter_mut().zip([2, 0, 1]).map(|(turns, wanted)| {
            poll_fn(move |_| {
                *turns += 1;
                if *turns > wanted { Poll::Ready(wanted) } else { Poll::Pending }
            })
        });
        let mut together = Box::pin(all(waiting));
        let mut context = std::task::Context::from_waker(Waker::noop());
        assert!(together.as_mut().poll(&mut context).is_pending());
        assert!(together.as_mut().poll(&mut context).is_pending());
        assert_eq!(together.as_mut().poll(&mut context), Poll::Ready(vec![0, 1, 2]));
    }
}
