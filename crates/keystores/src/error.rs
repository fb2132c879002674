//! Why a custom key store does not do what was asked.

use module_client::CallError;

/// Why a custom key store does not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Its HSM cluster does not.
    #[error(transparent)]
    Hsm(#[from] HsmFailure),
    /// The ciphertext, or what it is bound to, is not what this store sealed.
    #[error("the ciphertext was not made by this key store and key, or was changed")]
    InvalidCiphertext,
    /// The security module failed.
    #[error(transparent)]
    Module(#[from] CallError),
    /// More requests a second than a store is sent.
    #[error("the key store is sent as many requests a second as it may be")]
    Throttled,
    /// Its XKS proxy does not.
    #[error(transparent)]
    Xks(#[from] XksFailure),
}

/// Why an HSM cluster does not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HsmFailure {
    /// The configuration has no cluster of that id.
    #[error("there is no HSM cluster of that id")]
    ClusterNotFound,
    /// The PIN of the crypto user is wrong.
    #[error("the HSM cluster refuses the crypto user's PIN")]
    IncorrectPin,
    /// Fewer members are active than that takes.
    #[error("too few members of the HSM cluster are active")]
    InsufficientMembers,
    /// No active member has the key.
    #[error("the key is not in the HSM cluster")]
    KeyMissing,
    /// The library cannot be loaded, or not be used.
    #[error("the PKCS#11 library cannot be used")]
    LibraryUnavailable,
    /// No member answered in time.
    #[error("the HSM cluster did not answer in time")]
    TimedOut,
    /// Members answer, but with errors.
    #[error("the HSM cluster failed")]
    Failed,
    /// The crypto user is locked.
    #[error("the crypto user of the HSM cluster is locked")]
    UserLocked,
    /// The crypto user is logged in where we do not know of.
    #[error("the crypto user of the HSM cluster is logged in elsewhere")]
    UserLoggedIn,
    /// There is no crypto user.
    #[error("the HSM cluster has no crypto user")]
    UserNotFound,
}

/// Why an XKS proxy does not do what was asked: what AWS tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum XksFailure {
    /// `AccessDeniedException`.
    #[error("the XKS proxy denies access")]
    AccessDenied,
    /// `AuthenticationFailedException`.
    #[error("the XKS proxy does not accept the credential")]
    AuthenticationFailed,
    /// `DependencyTimeoutException`.
    #[error("the key manager behind the XKS proxy did not answer in time")]
    DependencyTimeout,
    /// `InternalException`.
    #[error("the XKS proxy failed")]
    Internal,
    /// `InvalidCiphertextException`.
    #[error("the XKS proxy does not accept the ciphertext")]
    InvalidCiphertext,
    /// `InvalidKeyUsageException`.
    #[error("the external key is not for this")]
    InvalidKeyUsage,
    /// An answer that cannot be understood, `ValidationException`, or an error that nobody has heard of.
    #[error("the answer of the XKS proxy cannot be understood")]
    InvalidResponse,
    /// `InvalidStateException`.
    #[error("the external key is not enabled")]
    InvalidState,
    /// `InvalidUriPathException`.
    #[error("the XKS proxy does not know the path")]
    InvalidUriPath,
    /// `KeyNotFoundException`.
    #[error("the external key is not there")]
    KeyNotFound,
    /// `ThrottlingException`.
    #[error("the XKS proxy is asked too often")]
    Throttling,
    /// No answer in time.
    #[error("the XKS proxy did not answer in time")]
    TimedOut,
    /// No TLS connection that can be trusted.
    #[error("there is no TLS connection with the XKS proxy that can be trusted")]
    Tls,
    /// All key managers behind the proxy are unavailable.
    #[error("no key manager behind the XKS proxy is available")]
    Unhealthy,
    /// Nobody answers there.
    #[error("the XKS proxy cannot be reached")]
    Unreachable,
    /// `UnsupportedOperationException`.
    #[error("the XKS proxy does not support that")]
    UnsupportedOperation,
    /// The configuration gives the VPC endpoint service no address.
    #[error("the VPC endpoint service is not in the configuration")]
    VpcEndpointServiceNotFound,
}
