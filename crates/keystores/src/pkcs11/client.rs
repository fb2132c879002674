//! What is done with the keys of a cluster: each operation goes to a member that can do it.

use super::{Cluster, Pin, TransportKeys};
use crate::{Destroyed, HsmFailure, StoreError, Usage};
use keys::{HsmKey, KeyId};
use zeroize::Zeroizing;

/// A worker's way to a cluster. Clones share it.
#[derive(Clone, Debug)]
pub struct HsmClient {
    pub(super) cluster: Cluster,
}

impl HsmClient {
    /// What the whole node knows of the cluster.
    #[must_use]
    pub const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// How many members are there, whether logged in to or not.
    pub async fn present_members(&self) -> usize {
        0
    }

    /// Logs in to every member. One is enough. Gives the transport keys of those that are known, to be kept with the store.
    pub async fn connect(&self, _pin: Pin<'_>, _known: &TransportKeys) -> Result<TransportKeys, StoreError> {
        Err(HsmFailure::InsufficientMembers.into())
    }

    /// Logs out of every member, and forgets the PIN.
    pub async fn disconnect(&self) {}

    /// Makes a key on every active member, and a wrapped copy for each member.
    pub async fn generate_key(
        &self,
        _pin: Pin<'_>,
        _known: &TransportKeys,
        _key_id: &KeyId,
        _random: [u8; 16],
    ) -> Result<HsmKey, StoreError> {
        Err(HsmFailure::InsufficientMembers.into())
    }

    /// Seals what the security module has sealed. The result is an [`OuterBlob`](crate::blob::OuterBlob).
    pub async fn seal(
        &self,
        _pin: Pin<'_>,
        _key: &HsmKey,
        _usage: &Usage<'_>,
        _inner: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        Err(HsmFailure::InsufficientMembers.into())
    }

    /// Opens an [`OuterBlob`](crate::blob::OuterBlob): what the security module can open.
    pub async fn open(
        &self,
        _pin: Pin<'_>,
        _key: &HsmKey,
        _usage: &Usage<'_>,
        _blob: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        Err(HsmFailure::InsufficientMembers.into())
    }

    /// Destroys a key on every member that can be reached, and says what became of it.
    pub async fn destroy_key(&self, _pin: Pin<'_>, _key: &HsmKey) -> Result<Destroyed, StoreError> {
        Err(HsmFailure::InsufficientMembers.into())
    }

    /// Random bytes of a member's generator, 1 to 1024.
    pub async fn random(&self, _pin: Pin<'_>, _length: u16) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        Err(HsmFailure::InsufficientMembers.into())
    }
}
