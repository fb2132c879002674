//! What is done with the keys of a cluster: each operation goes to a member that can do it.

use super::cluster::STUCK;
use super::way::Way;
use super::{Cluster, Pin, TransportKeys};
use crate::blob::{OuterBlob, StoreKind};
use crate::{Destroyed, HsmFailure, StoreError, Usage};
use keys::{HsmKey, KeyId};
use pkcs11_api::{Bytes, Command, IV, ObjectId, Reply, TAG};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// A worker's way to a cluster. Clones share it.
#[derive(Clone)]
pub struct HsmClient {
    cluster: Cluster,
    pub(super) way: Arc<Way>,
}

impl HsmClient {
    pub(super) const fn new(cluster: Cluster, way: Arc<Way>) -> Self {
        Self { cluster, way }
    }

    /// What the whole node knows of the cluster.
    #[must_use]
    pub const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// How many members' tokens are there, whether anybody is logged in to them or not.
    pub async fn present_members(&self) -> usize {
        let read = |reply: Reply<'_>| match reply {
            Reply::Status { serial, .. } => Some(serial.is_some()),
            _ => None,
        };
        let mut present = 0_usize;
        for member in (0..self.way.hsm.count()).filter_map(|at| self.way.hsm.member_at(at)) {
            let is_there = member.ask(&Command::Status, STUCK, read).await.unwrap_or(false);
            present = present.saturating_add(usize::from(is_there));
        }
        present
    }

    /// Logs in to every member. One is enough. Gives all transport keys that are known now, to be kept with the store.
    ///
    /// A PIN that was refused is tried again, once: somebody asked for it.
    pub async fn connect(&self, pin: Pin<'_>, known: &TransportKeys) -> Result<TransportKeys, StoreError> {
        let members = self.way.hsm.members();
        members.log_in(pin);
        let is_settled = members.wait_until_settled(Instant::now() + CONNECT_WITHIN).await;
        match (members.active_count(), is_settled) {
            (0, true) => Err(HsmFailure::from(members.why_none()).into()),
            (0, false) => Err(HsmFailure::TimedOut.into()),
            _ => Ok(self.way.holdings.transport_keys(known)),
        }
    }

    /// Logs out of every member, and forgets the PIN.
    pub async fn disconnect(&self) {
        let members = self.way.hsm.members();
        members.log_out();
        members.wait_until_settled(members.end_of_request()).await;
    }

    /// Makes a key on every active member, and a wrapped copy for each member. Takes two active members, and one if the library
    /// brings keys to the others by itself. On failure nothing is left of it.
    pub async fn generate_key(
        &self,
        pin: Pin<'_>,
        known: &TransportKeys,
        key_id: &KeyId,
        random: [u8; 16],
    ) -> Result<HsmKey, StoreError> {
        super::making::generate(&self.way, pin, known, key_id, random).await
    }

    /// Destroys a key on every member that can be reached, and says what became of it.
    pub async fn destroy_key(&self, pin: Pin<'_>, key: &HsmKey) -> Result<Destroyed, StoreError> {
        super::making::destroy(&self.way, pin, key).await
    }

    /// Seals what the security module has sealed. The result is an [`OuterBlob`].
    pub async fn seal(
        &self,
        pin: Pin<'_>,
        key: &HsmKey,
        usage: &Usage<'_>,
        inner: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let id = id_of(key)?;
        let additional_data = usage.additional_data();
        let command = Command::Seal {
            name: ObjectId::new(&id).map_err(|_| HsmFailure::KeyMissing)?.into(),
            additional_data: Bytes(&additional_data),
            plaintext: Bytes(inner),
        };
        let read = |reply: Reply<'_>| match reply {
            Reply::Sealed { iv, ciphertext, tag } => {
                let (kind, metadata, ciphertext) = (StoreKind::Hsm, [].as_slice(), ciphertext.0);
                Some(
                    OuterBlob { kind, header: usage.header, metadata, iv: &iv, tag: &tag, ciphertext }
                        .encode(),
                )
            }
            _ => None,
        };
        let blob = self.way.on_a_member(pin, Some(key), &command, read).await?;
        blob.ok_or(StoreError::Hsm(HsmFailure::Failed))
    }

    /// Opens an [`OuterBlob`]: what comes back is a blob of the security module.
    pub async fn open(
        &self,
        pin: Pin<'_>,
        key: &HsmKey,
        usage: &Usage<'_>,
        blob: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let (iv, tag, ciphertext) = parts(usage, blob).ok_or(StoreError::InvalidCiphertext)?;
        let id = id_of(key)?;
        let additional_data = usage.additional_data();
        let command = Command::Open {
            name: ObjectId::new(&id).map_err(|_| HsmFailure::KeyMissing)?.into(),
            iv: (&iv).into(),
            additional_data: Bytes(&additional_data),
            ciphertext: Bytes(ciphertext),
            tag,
        };
        let read = |reply: Reply<'_>| match reply {
            Reply::Opened(inner) => Some(inner.0.to_vec()),
            _ => None,
        };
        self.way.on_a_member(pin, Some(key), &command, read).await
    }

    /// Random bytes of a member's generator, 1 to 1024.
    pub async fn random(&self, pin: Pin<'_>, length: u16) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let read = |reply: Reply<'_>| match reply {
            Reply::Random(bytes) => Some(Zeroizing::new(bytes.0.to_vec())),
            _ => None,
        };
        self.way.on_a_member(pin, None, &Command::Random { length }, read).await
    }
}

impl fmt::Debug for HsmClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HsmClient").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

/// What a blob of this usage has for the HSM; nothing if it is not one.
fn parts<'a>(usage: &Usage<'_>, blob: &'a [u8]) -> Option<([u8; IV], [u8; TAG], &'a [u8])> {
    let OuterBlob { kind, header, metadata, iv, tag, ciphertext } = OuterBlob::parse(blob).ok()?;
    let is_ours = kind == StoreKind::Hsm && header == usage.header && metadata.is_empty();
    is_ours.then_some((iv.try_into().ok()?, *tag, ciphertext))
}

/// The id of a key's objects.
pub(super) fn id_of(key: &HsmKey) -> Result<[u8; 16], StoreError> {
    let parsed = u128::from_str_radix(&key.id, 16).map(u128::to_be_bytes);
    parsed.map_err(|_| HsmFailure::KeyMissing.into())
}

/// A login of every member at the same time. More than one of them may take, so that one that hangs does not keep the others from being
/// used; less than the service gives an attempt to connect.
const CONNECT_WITHIN: Duration = Duration::from_secs(45);
