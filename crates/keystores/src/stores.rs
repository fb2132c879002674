//! All custom key stores as one worker reaches them: each by its record, with its credential opened once.

use crate::{RequestMetadata, StoreError, Usage};
use keys::{CustomKeyStore, CustomKeyStoreId, HsmKey, KeyId, OuterKey, XksProxy};
use module_api::MessagePurpose;
use module_client::ModuleClient;
use zeroize::Zeroizing;

/// All custom key stores as one worker reaches them.
#[derive(Debug)]
pub struct KeyStores {
    module: ModuleClient,
}

/// An XKS proxy that a store is to have, with its secret access key.
#[derive(Debug)]
pub struct ProposedProxy<'a> {
    /// The account and region and all that is kept of it but the secret.
    pub proxy: &'a XksProxy,
    /// The raw secret access key.
    pub secret: Zeroizing<String>,
    /// The region that requests are signed for.
    pub region: keys::Region,
}

/// An external key as its proxy describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalKey {
    /// Its spec, such as `AES_256`.
    pub spec: String,
    /// What it is for, such as `ENCRYPT`.
    pub usage: Vec<String>,
    /// `ENABLED` or `DISABLED`.
    pub status: String,
}

/// What became of the objects of a key that was to be destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destroyed {
    /// Each member of the cluster, and what became of the key in it.
    pub members: Vec<(String, Destruction)>,
}

/// What became of a key in one HSM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destruction {
    /// It was destroyed.
    Destroyed,
    /// It was not there.
    Absent,
    /// The HSM cannot be reached: it may still be there.
    Unreachable,
}

impl KeyStores {
    /// As a worker reaches them that has that connection to the security module.
    #[must_use]
    pub const fn new(module: ModuleClient) -> Self {
        Self { module }
    }

    /// Seals what the security module has sealed.
    pub async fn seal(
        &self,
        store: &CustomKeyStore,
        usage: &Usage<'_>,
        inner: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let _ = (store, usage, inner);
        Err(StoreError::InvalidCiphertext)
    }

    /// Opens what [`Self::seal`] sealed: what comes back is a blob of the security module.
    pub async fn open(
        &self,
        store: &CustomKeyStore,
        usage: &Usage<'_>,
        blob: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let _ = (store, usage, blob);
        Err(StoreError::InvalidCiphertext)
    }

    /// What an external key is.
    pub async fn external_key(
        &self,
        store: &CustomKeyStore,
        id: &str,
        request: &RequestMetadata<'_>,
    ) -> Result<ExternalKey, StoreError> {
        let _ = (store, id, request);
        Err(StoreError::InvalidCiphertext)
    }

    /// Makes a key in the HSM cluster of a store.
    pub async fn generate_key(
        &self,
        store: &CustomKeyStore,
        key: &KeyId,
        random: [u8; 16],
    ) -> Result<HsmKey, StoreError> {
        let _ = (store, key, random);
        Err(StoreError::InvalidCiphertext)
    }

    /// Destroys a key in the HSM cluster of a store, as far as its members can be reached.
    pub async fn destroy_key(&self, store: &CustomKeyStore, key: &HsmKey) -> Result<Destroyed, StoreError> {
        let _ = (store, key);
        Err(StoreError::InvalidCiphertext)
    }

    /// Random bytes of the HSM cluster of a store.
    pub async fn random(
        &self,
        store: &CustomKeyStore,
        length: u16,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let _ = (store, length);
        Err(StoreError::InvalidCiphertext)
    }

    /// Whether that proxy is there, lets us in and has a key manager that works; for a KMS operation, not on schedule.
    pub async fn check_proxy(
        &self,
        proposed: ProposedProxy<'_>,
        operation: &str,
        request_id: &str,
    ) -> Result<(), StoreError> {
        let _ = (proposed, operation, request_id);
        Err(StoreError::InvalidCiphertext)
    }

    /// Connects a store to its backend: afterwards its keys can be used, on every worker.
    pub async fn connect(&self, store: &CustomKeyStore, request_id: &str) -> Result<(), StoreError> {
        let _ = (store, request_id);
        Err(StoreError::InvalidCiphertext)
    }

    /// Lets go of a store's backend: logs out, closes connections, forgets its credential and its metrics.
    pub async fn disconnect(&self, store: &CustomKeyStore) {
        let _ = store;
    }

    /// Asks the proxy of a connected store how it is, every few minutes.
    pub async fn check_health(&self, store: &CustomKeyStore) {
        let _ = store;
    }

    /// Whether no member of a store's cluster was found to have that key, as far as is known now.
    #[must_use]
    pub fn is_missing(&self, store: &CustomKeyStore, key: &OuterKey) -> bool {
        let _ = (store, key);
        false
    }

    /// Whether the configuration has a cluster of that id, and if so the certificate that vouches for it, in DER.
    #[must_use]
    pub fn trust_anchor(&self, cluster_id: &str) -> Option<&[u8]> {
        let _ = cluster_id;
        None
    }

    /// How many members of that cluster are active.
    pub async fn active_members(&self, cluster_id: &str) -> usize {
        let _ = cluster_id;
        0
    }

    /// Whether the configuration gives that VPC endpoint service an address.
    #[must_use]
    pub fn knows_service(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// A credential as it is stored: sealed for that store.
    pub async fn seal_credential(
        &self,
        store: &CustomKeyStoreId,
        secret: &str,
    ) -> Result<Box<[u8]>, StoreError> {
        let message = Zeroizing::new(format!("{store}\n{secret}"));
        let sealed = self.module.seal_message(MessagePurpose::KeyStoreCredential, message.as_bytes()).await?;
        Ok(sealed.into())
    }
}
