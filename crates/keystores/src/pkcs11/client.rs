//! What is done with the keys of a cluster: each operation goes to a member that can do it.

use super::member::{Member, Trouble};
use super::members::{Choice, Chosen, Members, Tried};
use super::transport::wrapped;
use super::{Cluster, Pin, TransportKeys};
use crate::blob::{OuterBlob, StoreKind};
use crate::{Destroyed, HsmFailure, StoreError, Usage};
use keys::{HsmKey, KeyId};
use pkcs11_api::{Bytes, Command, IV, KeyLabel, ObjectId, Reply, TAG};
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
        for member in &self.way.members {
            let is_there = member.ask(&Command::Status, TRY, read).await.unwrap_or(false);
            present = present.saturating_add(usize::from(is_there));
        }
        present
    }

    /// Logs in to every member. One is enough. Gives all transport keys that are known now, to be kept with the store.
    ///
    /// A PIN that was refused is tried again, once: somebody asked for it.
    pub async fn connect(&self, pin: Pin<'_>, known: &TransportKeys) -> Result<TransportKeys, StoreError> {
        let shared = &self.way.shared;
        shared.log_in(pin);
        let is_settled = shared.wait_until(after(CONNECT_WITHIN), super::members::State::is_settled).await;
        match (shared.active_count(), is_settled) {
            (0, true) => Err(shared.why_none().into()),
            (0, false) => Err(HsmFailure::TimedOut.into()),
            _ => Ok(shared.transport_keys(known)),
        }
    }

    /// Logs out of every member, and forgets the PIN.
    pub async fn disconnect(&self) {
        let shared = &self.way.shared;
        shared.log_out();
        shared.wait_until(after(BUDGET), super::members::State::is_settled).await;
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

/// A worker's way to each member, and what the node knows of them.
pub(super) struct Way {
    pub(super) shared: Arc<Members>,
    pub(super) members: Vec<Member>,
}

impl Way {
    /// Has a member do it, and another one if that fails, within a request's time.
    pub(super) async fn on_a_member<T>(
        &self,
        pin: Pin<'_>,
        key: Option<&HsmKey>,
        command: &Command<'_>,
        read: impl Fn(Reply<'_>) -> Option<T>,
    ) -> Result<T, StoreError> {
        let _permit = self.shared.permits.try_acquire().map_err(|_| StoreError::Throttled)?;
        self.shared.need(pin);
        let (end, mut tried, mut last) = (after(BUDGET), Tried::default(), None);
        loop {
            let chosen = match self.next(&tried, key, end).await {
                Ok(chosen) => chosen,
                Err(none) => return Err(last.unwrap_or(none)),
            };
            match self.attempt(chosen, key, command, end, &read).await {
                Ok(result) => {
                    self.shared.succeeded(chosen);
                    return Ok(result);
                }
                Err(trouble) => last = Some(self.blame(trouble, chosen, key)?),
            }
            tried.add(chosen);
        }
    }

    /// The next member to ask, waiting for one that has only just failed.
    async fn next(&self, tried: &Tried, key: Option<&HsmKey>, end: Instant) -> Result<Chosen, StoreError> {
        let mut changes = self.shared.subscribe();
        loop {
            changes.mark_unchanged();
            match self.shared.choose(tried, key) {
                Choice::Member(chosen, _) => return Ok(chosen),
                Choice::Nobody { all_lack_the_key: true } => {
                    key.inspect(|key| self.shared.lacks.note_missing(key));
                    return Err(HsmFailure::KeyMissing.into());
                }
                Choice::Nobody { all_lack_the_key: false } => return Err(self.shared.why_none().into()),
                Choice::WaitUntil(_) if Instant::now() >= end => return Err(HsmFailure::TimedOut.into()),
                // Whoever is there by then is found by the next choice.
                Choice::WaitUntil(until) => {
                    drop(tokio::time::timeout_at(until.min(end), changes.changed()).await)
                }
            }
        }
    }

    /// One member's try; if it lacks the key, it gets its copy first.
    async fn attempt<T>(
        &self,
        chosen: Chosen,
        key: Option<&HsmKey>,
        command: &Command<'_>,
        end: Instant,
        read: &impl Fn(Reply<'_>) -> Option<T>,
    ) -> Result<T, Trouble> {
        let member = self.member(chosen)?;
        let within = TRY.min(end.saturating_duration_since(Instant::now()));
        let answered = member.ask(command, within, read).await;
        if let (Err(Trouble::KeyMissing), Some(key)) = (&answered, key) {
            self.catch_up(chosen, key).await?;
            let answered = member.ask(command, TRY, read).await;
            self.shared.lacks.found(key, chosen.at);
            return answered;
        }
        if let (Ok(_), Some(key)) = (&answered, key) {
            self.shared.lacks.found(key, chosen.at);
        }
        answered
    }

    /// What a member's trouble means: an answer to the request, or a reason to ask another one, with what is said if there is none.
    fn blame(
        &self,
        trouble: Trouble,
        chosen: Chosen,
        key: Option<&HsmKey>,
    ) -> Result<StoreError, StoreError> {
        match trouble {
            Trouble::Busy => Ok(StoreError::Throttled),
            Trouble::Command => Err(HsmFailure::Failed.into()),
            Trouble::InvalidCiphertext => Err(StoreError::InvalidCiphertext),
            Trouble::KeyMissing | Trouble::NotUnwrapped => {
                key.inspect(|key| self.shared.lacks.note(key, chosen.at));
                Ok(HsmFailure::KeyMissing.into())
            }
            Trouble::Member(why) => {
                self.shared.failed(chosen, why);
                Ok(why.into())
            }
        }
    }

    /// Gives a member the key that it lacks, from its copy. A key that is gone from every member was taken away by whoever is in charge of
    /// the cluster, and is not brought back.
    async fn catch_up(&self, chosen: Chosen, key: &HsmKey) -> Result<(), Trouble> {
        if !self.may_be_elsewhere(chosen, key).await {
            return Err(Trouble::KeyMissing);
        }
        let label = self.shared.settings.members.get(chosen.at).ok_or(Trouble::KeyMissing)?;
        let copy = key.copies.get(label).and_then(wrapped).ok_or(Trouble::KeyMissing)?;
        let id = id_of(key).map_err(|_| Trouble::KeyMissing)?;
        let id = ObjectId::new(&id).map_err(|_| Trouble::KeyMissing)?;
        let command = Command::UnwrapKey {
            id,
            label: KeyLabel::new(&key.id).map_err(|_| Trouble::KeyMissing)?,
            wrapped: copy,
        };
        let read = |reply: Reply<'_>| matches!(reply, Reply::Key { .. }).then_some(());
        if let Err(trouble) = self.member(chosen)?.ask(&command, TRY, read).await {
            return Err(self.why_not_unwrapped(trouble, chosen, key).await);
        }
        tracing::info!(member = label, key = key.id, "a member of the HSM cluster got a key that it lacked");
        Ok(())
    }

    /// Whether another member has the key, or has it for all we know.
    async fn may_be_elsewhere(&self, chosen: Chosen, key: &HsmKey) -> bool {
        let active = self.shared.active();
        for at in (0..self.members.len()).filter(|at| *at != chosen.at) {
            let found = match active.iter().find(|other| other.at == at) {
                Some(other) => self.find(*other, key).await,
                None => Err(Trouble::Member(HsmFailure::InsufficientMembers)),
            };
            match found {
                Ok(()) => return true,
                Err(Trouble::KeyMissing) => self.shared.lacks.note(key, at),
                // It cannot be asked: what it said when it could counts.
                Err(_) if !self.shared.lacks.was_noted(key, at) => return true,
                Err(_) => (),
            }
        }
        false
    }

    async fn find(&self, chosen: Chosen, key: &HsmKey) -> Result<(), Trouble> {
        let id = id_of(key).map_err(|_| Trouble::KeyMissing)?;
        let id = ObjectId::new(&id).map_err(|_| Trouble::KeyMissing)?;
        self.member(chosen)?.ask(&Command::FindKey { name: id.into() }, TRY, super::member::done).await
    }

    /// Libraries have many words for a copy that is not for this HSM. If the member is well otherwise, it is that.
    async fn why_not_unwrapped(&self, trouble: Trouble, chosen: Chosen, key: &HsmKey) -> Trouble {
        match (trouble, self.find(chosen, key).await) {
            (Trouble::Member(_), Err(Trouble::KeyMissing)) => Trouble::NotUnwrapped,
            _ => trouble,
        }
    }

    /// Whether a member has the key, or now gets it.
    pub(super) async fn has_or_gets(&self, chosen: Chosen, key: &HsmKey) -> bool {
        match self.find(chosen, key).await {
            Err(Trouble::KeyMissing) => self.catch_up(chosen, key).await.is_ok(),
            Err(Trouble::Member(why)) => {
                self.shared.failed(chosen, why);
                false
            }
            answered => answered.is_ok(),
        }
    }

    pub(super) fn member(&self, chosen: Chosen) -> Result<&Member, Trouble> {
        self.members.get(chosen.at).ok_or(Trouble::Member(HsmFailure::Failed))
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

pub(super) fn after(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now)
}

/// How long a request waits for a cluster.
pub(super) const BUDGET: Duration = Duration::from_secs(3);
/// How long for one member: then its process is stuck.
pub(super) const TRY: Duration = Duration::from_secs(1);
/// A login of every member at the same time. More than one of them may take, so that one that hangs does not keep the others from being
/// used; less than the service gives an attempt to connect.
const CONNECT_WITHIN: Duration = Duration::from_secs(45);
