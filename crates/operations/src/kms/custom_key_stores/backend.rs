//! What is asked of the backend of a custom key store before the store is made or changed: whether it is there, and is what it is said to
//! be. Nothing is changed by asking.

use super::{faults, refusals};
use crate::operation::Failure;
use crate::pipeline::Scene;
use keys::{
    AccountId, Backend, CloudHsmCluster, CustomKeyStore, VpcEndpointService, is_loopback_endpoint,
    is_proxy_endpoint, is_proxy_path,
};
use keystores::{Fingerprint, KeyStores};
use wire::member::{XksProxyUriEndpoint, XksProxyUriPath};
use wire::{Fault, FaultKind};

/// Refuses a place in which no proxy may be.
pub fn check_uri(
    endpoint: Option<&XksProxyUriEndpoint>,
    path: Option<&XksProxyUriPath>,
) -> Result<(), Fault> {
    if endpoint.is_some_and(|endpoint| !is_proxy_endpoint(endpoint.as_str())) {
        return Err(refusals::invalid(NO_ENDPOINT));
    }
    if path.is_some_and(|path| !is_proxy_path(path.as_str())) {
        return Err(refusals::invalid(NO_PATH));
    }
    Ok(())
}

/// Refuses a proxy on the service's own machine, unless such may be there: whoever makes stores could find out what else listens.
pub fn check_reach(store: &CustomKeyStore, scene: &Scene<'_>) -> Result<(), Fault> {
    let Backend::Xks(proxy) = &store.backend else { return Ok(()) };
    if is_loopback_endpoint(&proxy.uri_endpoint) && !scene.settings().loopback_proxies {
        return Err(refusals::invalid(NO_ENDPOINT));
    }
    Ok(())
}

/// Refuses a cluster that cannot back a store, or not with that certificate.
pub async fn check_cluster(
    cluster: &CloudHsmCluster,
    account: AccountId,
    key_stores: &KeyStores,
    when_unrelated: (FaultKind, &'static str),
) -> Result<(), Fault> {
    let id = cluster.cluster_id.as_str();
    let Some(certificate) = key_stores.trust_anchor(id, account) else {
        return Err(Fault::new(FaultKind::CloudHsmClusterNotFound, NO_CLUSTER));
    };
    if Fingerprint::of_pem(&cluster.trust_anchor) != Some(Fingerprint::of_der(certificate)) {
        let (kind, message) = when_unrelated;
        return Err(Fault::new(kind, message));
    }
    match key_stores.has_enough_members(id).await {
        true => Ok(()),
        false => Err(Fault::new(FaultKind::CloudHsmClusterInvalidConfiguration, TOO_FEW_HSMS)),
    }
}

/// Refuses a VPC endpoint service that the configuration does not know.
pub fn check_service(service: Option<&VpcEndpointService>, key_stores: &KeyStores) -> Result<(), Fault> {
    match service {
        Some(service) if !key_stores.knows_service(&service.name) => {
            Err(Fault::new(FaultKind::XksProxyVpcEndpointServiceNotFound, NO_SERVICE))
        }
        _ => Ok(()),
    }
}

/// Asks the proxy that a store is to have for its health.
//= xks: K10: GetHealthStatus on CreateCustomKeyStore and UpdateCustomKeyStore, with the values that are to be
pub async fn check_proxy(
    proposed: &CustomKeyStore,
    key_stores: &KeyStores,
    scene: &Scene<'_>,
    operation: &str,
) -> Result<(), Failure> {
    let request_id = scene.request_id().to_string();
    key_stores.check_proxy(proposed, operation, &request_id).await.map_err(faults::of_management)
}

/// Of a cluster that a store is to be made with.
pub const OTHER_TRUST_ANCHOR: (FaultKind, &str) = (
    FaultKind::IncorrectTrustAnchor,
    "The request was rejected because the trust anchor certificate in the request to create an CloudHSM key store is not the trust anchor certificate for the specified CloudHSM cluster.",
);

/// Of a cluster that a store is to have in place of another.
pub const NOT_RELATED: (FaultKind, &str) = (
    FaultKind::CloudHsmClusterNotRelated,
    "The request was rejected because the specified CloudHSM cluster has a different cluster certificate than the original cluster. Specify an CloudHSM cluster that shares a backup history with the original cluster.",
);

const NO_CLUSTER: &str = "The request was rejected because KMS cannot find the CloudHSM cluster with the specified cluster ID. Retry the request with a different cluster ID.";
const TOO_FEW_HSMS: &str = "The request was rejected because the associated CloudHSM cluster did not meet the configuration requirements for an CloudHSM key store. The CloudHSM cluster must have at least two active HSMs.";
const NO_SERVICE: &str =
    "The request was rejected because KMS could not find the specified VPC endpoint service.";
const NO_ENDPOINT: &str =
    "XksProxyUriEndpoint must be https:// and a fully qualified domain name, without a port.";
const NO_PATH: &str = "XksProxyUriPath must end with /kms/xks/v1.";
