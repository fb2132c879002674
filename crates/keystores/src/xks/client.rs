//! One store's proxy as one worker reaches it.

use std::sync::Arc;

use keys::{Region, XksProxy};
use zeroize::Zeroizing;

use super::{Health, Shared};
use crate::blob::OuterBlob;
use crate::{ExternalKey, RequestMetadata, StoreError, Usage, XksFailure};

/// What the configuration says of all XKS proxies.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which certificate authorities vouch for proxies, and who we are to those that ask.
    pub tls: https::Tls,
    /// Where hosts and VPC endpoint services are.
    pub routes: https::Routes,
}

/// One store's proxy as one worker reaches it.
#[derive(Clone, Debug)]
pub struct XksClient {
    shared: Arc<Shared>,
}

impl XksClient {
    /// The client of a store's record, with its secret access key.
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
        let _ = (settings, proxy, secret, region);
        Ok(Self { shared })
    }

    /// The same proxy with another credential or path, over the connections that are there; nothing if the endpoint is another.
    #[must_use]
    pub fn with_credential(&self, proxy: &XksProxy, secret: Zeroizing<String>) -> Option<Self> {
        let _ = (proxy, secret);
        Some(self.clone())
    }

    /// Seals what the security module has sealed: an [`OuterBlob`], encoded.
    ///
    /// # Errors
    ///
    /// Of the proxy, or of its answer.
    pub async fn seal(&self, key_id: &str, usage: &Usage<'_>, inner: &[u8]) -> Result<Vec<u8>, StoreError> {
        let _ = (key_id, usage, inner);
        Err(XksFailure::Unreachable.into())
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
        let _ = (key_id, usage, blob);
        Err(XksFailure::Unreachable.into())
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
        let _ = (key_id, request);
        Err(XksFailure::Unreachable.into())
    }

    /// How the key managers behind the proxy are. It is asked whatever the circuit says.
    ///
    /// # Errors
    ///
    /// Of the proxy, or of its answer; also if none of them is available.
    pub async fn health(&self, operation: &str, request_id: &str) -> Result<Health, StoreError> {
        let _ = (operation, request_id);
        Err(XksFailure::Unhealthy.into())
    }
}
