//! What a caller is told when a custom key store does not do what was asked: AWS's errors and AWS's words. What a proxy or a cluster
//! says itself is never passed on.

use super::Home;
use crate::operation::Failure;
use keys::{Backend, CustomKeyStore};
use keystores::{HsmFailure, StoreError, XksFailure};
use wire::{Fault, FaultKind};

/// Why a key in a custom key store cannot be used.
//= custom-key-stores: cryptographic operations fail with KMSInvalidStateException, whatever the cause
pub fn of_use(error: StoreError) -> Failure {
    match error {
        StoreError::Hsm(failure) => Fault::new(FaultKind::KmsInvalidState, hsm_message(failure)).into(),
        StoreError::Xks(failure) => Fault::new(FaultKind::KmsInvalidState, xks_message(failure)).into(),
        error => of_ours(error),
    }
}

/// Why a key cannot be made in a custom key store, or random bytes not be had of it.
pub fn of_creation(error: StoreError) -> Failure {
    match error {
        StoreError::Hsm(failure) => Fault::new(hsm_creation(failure), hsm_message(failure)).into(),
        StoreError::Xks(failure) => Fault::new(xks_creation(failure), xks_message(failure)).into(),
        error => of_ours(error),
    }
}

/// Why a store cannot be made or changed so.
pub fn of_management(error: StoreError) -> Failure {
    match error {
        StoreError::Hsm(failure) => {
            Fault::new(FaultKind::CloudHsmClusterInvalidConfiguration, hsm_message(failure)).into()
        }
        StoreError::Xks(failure) => {
            let (kind, message) = xks_management(failure);
            Fault::new(kind, message).into()
        }
        StoreError::InvalidCiphertext => {
            Fault::new(FaultKind::XksProxyInvalidResponse, INVALID_RESPONSE).into()
        }
        error => of_ours(error),
    }
}

/// Why a key that is unavailable is so.
pub fn unavailable(home: Option<&Home>) -> &'static str {
    match home {
        Some(home) if home.is_connected() => KEY_MISSING,
        home => disconnected(home.and_then(Home::store)),
    }
}

/// Why something cannot be made in a store that is not connected.
pub fn not_connected(store: &CustomKeyStore) -> Fault {
    Fault::new(FaultKind::CustomKeyStoreInvalidState, disconnected(Some(store)))
}

/// What the proxy opened is not what the security module has sealed.
pub fn inner_is_invalid() -> Fault {
    Fault::new(FaultKind::KmsInvalidState, INVALID_INSIDE)
}

/// What has nothing to do with what is behind the store.
fn of_ours(error: StoreError) -> Failure {
    match error {
        StoreError::Module(error) => error.into(),
        StoreError::Throttled => Fault::new(FaultKind::Throttling, TOO_MANY_REQUESTS).into(),
        _ => Fault::bare(FaultKind::InvalidCiphertext).into(),
    }
}

const fn hsm_creation(failure: HsmFailure) -> FaultKind {
    match failure {
        HsmFailure::InsufficientMembers => FaultKind::CloudHsmClusterInvalidConfiguration,
        _ => FaultKind::CustomKeyStoreInvalidState,
    }
}

const fn xks_creation(failure: XksFailure) -> FaultKind {
    match failure {
        XksFailure::InvalidKeyUsage | XksFailure::InvalidState => FaultKind::XksKeyInvalidConfiguration,
        XksFailure::KeyNotFound => FaultKind::XksKeyNotFound,
        _ => FaultKind::CustomKeyStoreInvalidState,
    }
}

/// A proxy that answers a question about itself with an error about a key does not make sense.
const fn xks_management(failure: XksFailure) -> (FaultKind, &'static str) {
    let kind = match failure {
        XksFailure::AuthenticationFailed => FaultKind::XksProxyIncorrectAuthenticationCredential,
        XksFailure::AccessDenied
        | XksFailure::InvalidUriPath
        | XksFailure::Tls
        | XksFailure::UnsupportedOperation => FaultKind::XksProxyInvalidConfiguration,
        XksFailure::DependencyTimeout
        | XksFailure::Throttling
        | XksFailure::TimedOut
        | XksFailure::Unhealthy
        | XksFailure::Unreachable => FaultKind::XksProxyUriUnreachable,
        XksFailure::VpcEndpointServiceNotFound => FaultKind::XksProxyVpcEndpointServiceNotFound,
        XksFailure::Internal => FaultKind::XksProxyInvalidResponse,
        XksFailure::InvalidCiphertext
        | XksFailure::InvalidKeyUsage
        | XksFailure::InvalidResponse
        | XksFailure::InvalidState
        | XksFailure::KeyNotFound => return (FaultKind::XksProxyInvalidResponse, INVALID_RESPONSE),
    };
    (kind, xks_message(failure))
}

const fn disconnected(store: Option<&CustomKeyStore>) -> &'static str {
    match store {
        Some(CustomKeyStore { backend: Backend::CloudHsm(_), .. }) => CLUSTER_NOT_CONNECTED,
        _ => PROXY_NOT_CONNECTED,
    }
}

/// What AWS says of an HSM cluster.
const fn hsm_message(failure: HsmFailure) -> &'static str {
    match failure {
        HsmFailure::InsufficientMembers => TOO_FEW_HSMS,
        HsmFailure::KeyMissing => KEY_MISSING,
        HsmFailure::IncorrectPin
        | HsmFailure::UserLocked
        | HsmFailure::UserLoggedIn
        | HsmFailure::UserNotFound => NOT_LOGGED_IN,
        HsmFailure::ClusterNotFound
        | HsmFailure::Failed
        | HsmFailure::LibraryUnavailable
        | HsmFailure::TimedOut => NO_CLUSTER,
    }
}

/// What AWS says of an XKS proxy.
const fn xks_message(failure: XksFailure) -> &'static str {
    match failure {
        XksFailure::AccessDenied => ACCESS_DENIED,
        XksFailure::AuthenticationFailed => NOT_AUTHENTICATED,
        XksFailure::DependencyTimeout => NO_RESPONSE,
        XksFailure::Internal => NO_KEY_MANAGER,
        XksFailure::InvalidCiphertext => INVALID_CIPHERTEXT,
        XksFailure::InvalidKeyUsage => INVALID_KEY_USAGE,
        XksFailure::InvalidResponse => INVALID_RESPONSE,
        XksFailure::InvalidState => KEY_NOT_ENABLED,
        XksFailure::InvalidUriPath => INVALID_URI_PATH,
        XksFailure::KeyNotFound => KEY_NOT_FOUND,
        XksFailure::Throttling => REQUEST_RATE,
        XksFailure::TimedOut => TIMED_OUT,
        XksFailure::Tls => NO_TLS,
        XksFailure::Unhealthy => UNHEALTHY,
        XksFailure::Unreachable | XksFailure::VpcEndpointServiceNotFound => UNREACHABLE,
        XksFailure::UnsupportedOperation => UNSUPPORTED,
    }
}

//= xks: what KMS tells its callers, M1 to M18
const INVALID_RESPONSE: &str = "AWS KMS cannot interpret the response from the external key store proxy. If you see this error repeatedly, report it to your external key store proxy administrator.";
const KEY_NOT_ENABLED: &str = "The external key associated with this KMS key in an external key store is not enabled in the external key manager. Enable the external key in the external key manager and retry the request.";
const INVALID_CIPHERTEXT: &str = "The external key store proxy rejected the request because the specified ciphertext or encryption context is corrupted, missing, or otherwise invalid.";
const INVALID_INSIDE: &str = "The ciphertext that the external key store proxy submitted for decryption, or the encryption context, is corrupted, missing, or otherwise invalid.";
const INVALID_KEY_USAGE: &str = "The external key associated with this KMS key in an external key store does not support the requested operation. Enable the operation on the key in your external key manager, and try the request again.";
const NOT_AUTHENTICATED: &str = "The external key store proxy rejected the request because it could not authenticate AWS KMS. Verify the XKS proxy authentication credentials for your external key store and update if necessary.";
const ACCESS_DENIED: &str = "The external key store proxy denied access to the operation. Verify that the user and the external key are both authorized for this operation, and try the request again.";
const KEY_NOT_FOUND: &str = "The external key associated with this KMS key in an external key store was not found in its external key manager. If the external key ID associated with this KMS key is incorrect, create a new KMS key with the correct external key ID.";
const INVALID_URI_PATH: &str = "The external key store proxy rejected the request because of an invalid URI path. Verify the URI path for your external key store and update if necessary.";
const UNSUPPORTED: &str = "The external key store proxy rejected the request because it does not support the requested operation. If you see this error repeatedly, report it to your external key store proxy administrator.";
const NO_RESPONSE: &str = "The external key store proxy did not respond to the request in the time allotted. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator.";
const REQUEST_RATE: &str = "The external key store proxy rejected the request due to a very high request rate. Reduce the frequency of your calls using KMS keys in this external key store.";
const NO_KEY_MANAGER: &str = "The external key store proxy rejected the request because it cannot communicate with the external key manager. Verify that the external key store proxy configuration is correct and that the external key manager is available.";
const UNREACHABLE: &str = "AWS KMS cannot communicate with the external key store proxy. This might be a transient network issue. If you see this error repeatedly, verify that your external key store proxy is active and is connected to the network, and that its endpoint URI is correct in your external keystore.";
const NO_TLS: &str = "AWS KMS cannot establish a TLS connection to the external key store proxy. Verify the TLS configuration, including its certificate.";
const TIMED_OUT: &str = "AWS KMS rejected the request because the external key store proxy did not respond in time. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator.";
const UNHEALTHY: &str = "The external key store proxy is in an unhealthy state. If you see this message repeatedly, notify your external key store proxy administrator.";
const PROXY_NOT_CONNECTED: &str = "This KMS key is in a custom key store that is not connected to its external key store proxy. Connect the external key store and try the request again.";

const CLUSTER_NOT_CONNECTED: &str = "This KMS key is in a custom key store that is not connected to its CloudHSM cluster. Connect the custom key store and try the request again.";
const NO_CLUSTER: &str = "KMS cannot communicate with your CloudHSM cluster. If you see this error repeatedly, verify that the HSMs of the cluster are active and can be reached.";
const NOT_LOGGED_IN: &str = "KMS cannot log in to your CloudHSM cluster. Verify the kmsuser crypto user and its password, disconnect the custom key store and connect it again.";
const KEY_MISSING: &str =
    "The key material of this KMS key is not in your CloudHSM cluster. Verify that nobody has deleted it.";
const TOO_FEW_HSMS: &str = "Your CloudHSM cluster has too few active HSMs for that.";
const TOO_MANY_REQUESTS: &str = "You have exceeded the rate at which you may call KMS with KMS keys in this custom key store. Reduce the frequency of your calls.";

#[cfg(test)]
mod tests {
    use super::*;

    fn told(failure: Failure) -> (FaultKind, String) {
        match failure {
            Failure::Fault(fault) => (fault.kind(), fault.message().unwrap_or_default().to_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn whatever_keeps_a_key_from_being_used_the_key_is_in_an_invalid_state() {
        for failure in XKS_FAILURES {
            let (kind, message) = told(of_use(failure.into()));
            assert_eq!((kind, message.as_str()), (FaultKind::KmsInvalidState, xks_message(failure)));
        }
        for failure in [HsmFailure::Failed, HsmFailure::KeyMissing, HsmFailure::InsufficientMembers] {
            assert_eq!(told(of_use(failure.into())).0, FaultKind::KmsInvalidState);
        }
    }

    #[test]
    fn a_key_is_not_made_for_an_external_key_that_does_not_suit_and_else_for_a_store_that_does_not() {
        for failure in XKS_FAILURES {
            let kind = match failure {
                XksFailure::KeyNotFound => FaultKind::XksKeyNotFound,
                XksFailure::InvalidState | XksFailure::InvalidKeyUsage => {
                    FaultKind::XksKeyInvalidConfiguration
                }
                _ => FaultKind::CustomKeyStoreInvalidState,
            };
            assert_eq!(told(of_creation(failure.into())).0, kind, "{failure}");
        }
        let too_few = told(of_creation(HsmFailure::InsufficientMembers.into()));
        assert_eq!(too_few.0, FaultKind::CloudHsmClusterInvalidConfiguration);
        let gone = told(of_creation(HsmFailure::TimedOut.into()));
        assert_eq!(gone.0, FaultKind::CustomKeyStoreInvalidState);
    }

    #[test]
    fn a_store_is_not_made_for_a_proxy_that_does_not_do_and_the_kind_says_what_to_repair() {
        for (failure, kind) in [
            (XksFailure::AuthenticationFailed, FaultKind::XksProxyIncorrectAuthenticationCredential),
            (XksFailure::InvalidResponse, FaultKind::XksProxyInvalidResponse),
            (XksFailure::Internal, FaultKind::XksProxyInvalidResponse),
            (XksFailure::InvalidUriPath, FaultKind::XksProxyInvalidConfiguration),
            (XksFailure::Tls, FaultKind::XksProxyInvalidConfiguration),
            (XksFailure::DependencyTimeout, FaultKind::XksProxyUriUnreachable),
            (XksFailure::Throttling, FaultKind::XksProxyUriUnreachable),
            (XksFailure::Unreachable, FaultKind::XksProxyUriUnreachable),
            (XksFailure::TimedOut, FaultKind::XksProxyUriUnreachable),
            (XksFailure::Unhealthy, FaultKind::XksProxyUriUnreachable),
            (XksFailure::VpcEndpointServiceNotFound, FaultKind::XksProxyVpcEndpointServiceNotFound),
        ] {
            assert_eq!(told(of_management(failure.into())), (kind, xks_message(failure).to_owned()));
        }
        let about_a_key = told(of_management(XksFailure::KeyNotFound.into()));
        assert_eq!(about_a_key, (FaultKind::XksProxyInvalidResponse, INVALID_RESPONSE.to_owned()));
    }

    #[test]
    fn too_many_requests_are_throttled_and_a_forged_blob_is_an_invalid_ciphertext() {
        for failure in [of_use, of_creation].map(|told_as| told_as(StoreError::Throttled)) {
            assert_eq!(told(failure).0, FaultKind::Throttling);
        }
        assert_eq!(told(of_use(StoreError::InvalidCiphertext)).0, FaultKind::InvalidCiphertext);
    }

    #[test]
    fn every_cause_has_words_of_its_own_but_for_a_service_without_address_which_cannot_be_reached() {
        let mut messages: Vec<_> = XKS_FAILURES.map(xks_message).into();
        messages.sort_unstable();
        messages.dedup();
        assert_eq!(messages.len(), XKS_FAILURES.len() - 1);
    }

    const XKS_FAILURES: [XksFailure; 17] = [
        XksFailure::AccessDenied,
        XksFailure::AuthenticationFailed,
        XksFailure::DependencyTimeout,
        XksFailure::Internal,
        XksFailure::InvalidCiphertext,
        XksFailure::InvalidKeyUsage,
        XksFailure::InvalidResponse,
        XksFailure::InvalidState,
        XksFailure::InvalidUriPath,
        XksFailure::KeyNotFound,
        XksFailure::Throttling,
        XksFailure::TimedOut,
        XksFailure::Tls,
        XksFailure::Unhealthy,
        XksFailure::Unreachable,
        XksFailure::UnsupportedOperation,
        XksFailure::VpcEndpointServiceNotFound,
    ];
}
