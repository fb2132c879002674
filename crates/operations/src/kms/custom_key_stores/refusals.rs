//! What a caller is told when the rules of custom key stores refuse what was asked: AWS's errors, and its words where it has some.

use keys::{Claim, ConnectionState, InvalidConnectionState, StoreConflict, UpdateRefusal};
use wire::{Fault, FaultKind};

/// The stores of the account and region do not admit it.
pub fn conflict(conflict: StoreConflict) -> Fault {
    let (kind, message) = match conflict {
        StoreConflict::Name => (FaultKind::CustomKeyStoreNameInUse, NAME_IN_USE),
        StoreConflict::TooMany => (FaultKind::LimitExceeded, TOO_MANY),
        StoreConflict::Uri => (FaultKind::XksProxyUriInUse, URI_IN_USE),
    };
    Fault::new(kind, message)
}

/// Another store has it for itself, maybe one of another account: of that nothing is said.
pub fn in_use(claim: &Claim) -> Fault {
    let (kind, message) = match claim {
        Claim::Certificate(_) | Claim::Cluster(_) => (FaultKind::CloudHsmClusterInUse, CLUSTER_IN_USE),
        Claim::Endpoint(_) => (FaultKind::XksProxyUriEndpointInUse, ENDPOINT_IN_USE),
        Claim::VpcEndpointService(_) => (FaultKind::XksProxyVpcEndpointServiceInUse, SERVICE_IN_USE),
    };
    Fault::new(kind, message)
}

/// It is not connected as that takes.
pub fn state(InvalidConnectionState(state): InvalidConnectionState, wanted: &str) -> Fault {
    let message = format!(
        "The request was rejected because the ConnectionState of the custom key store is {state}. {wanted}"
    );
    Fault::new(FaultKind::CustomKeyStoreInvalidState, message)
}

/// It cannot be changed so.
pub fn update(refusal: UpdateRefusal) -> Fault {
    match refusal {
        UpdateRefusal::NoEndpoint => invalid(NO_ENDPOINT),
        UpdateRefusal::NoPlaceForService => invalid(NO_PLACE_FOR_SERVICE),
        UpdateRefusal::NoService => invalid(NO_SERVICE),
        UpdateRefusal::NotForType(kind) => invalid(format!(
            "The request has a parameter that is not valid for a custom key store of type {kind}."
        )),
        UpdateRefusal::State(refusal) => state(refusal, TAKES_DISCONNECTED),
    }
}

/// The request makes no sense.
pub fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::new(FaultKind::Validation, message)
}

/// What it takes to connect a store.
pub fn takes_to_connect(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Failed => "To connect it again, disconnect it first.",
        _ => "To connect it, wait until it is DISCONNECTED.",
    }
}

/// What it takes to delete a store, and to change most of it.
pub const TAKES_DISCONNECTED: &str = "For this, it must be DISCONNECTED.";
/// What it takes to disconnect a store.
pub const TAKES_CONNECTION: &str = "There is no connection to end.";
/// Also what it takes to make one.
pub const NO_PLACE_FOR_SERVICE: &str = "XksProxyVpcEndpointServiceName and XksProxyVpcEndpointServiceOwner are not valid with the XksProxyConnectivity PUBLIC_ENDPOINT.";
/// Also what it takes to make one.
pub const NO_SERVICE: &str =
    "XksProxyVpcEndpointServiceName is required with the XksProxyConnectivity VPC_ENDPOINT_SERVICE.";
const NO_ENDPOINT: &str = "To change the XksProxyConnectivity, specify the XksProxyUriEndpoint, too.";

const NAME_IN_USE: &str = "The request was rejected because the specified custom key store name is already assigned to another custom key store in the account. Try again with a custom key store name that is unique in the account.";
const TOO_MANY: &str =
    "You have reached the maximum number of custom key stores that you can have in this account and Region.";
const URI_IN_USE: &str = "The request was rejected because the concatenation of the XksProxyUriEndpoint and XksProxyUriPath is already associated with another external key store in this Amazon Web Services Region. Each external key store in a Region must use a unique external key store proxy API address.";
const ENDPOINT_IN_USE: &str = "The request was rejected because the XksProxyUriEndpoint is already associated with another external key store in this Amazon Web Services Region.";
const SERVICE_IN_USE: &str = "The request was rejected because the specified Amazon VPC endpoint service is already associated with another external key store in this Amazon Web Services Region. Each external key store in a Region must use a different Amazon VPC endpoint service.";
const CLUSTER_IN_USE: &str = "The request was rejected because the specified CloudHSM cluster is already associated with a custom key store, or it shares a backup history with such a cluster. Each custom key store must be associated with a different CloudHSM cluster.";
