//! What a node knows of the keys that the members of a cluster hold: transport keys, what is missing, what is half made.

use super::lacks::Lacks;
use super::transport::{TransportKey, public_key};
use super::{ClusterSettings, TransportKeys};
use pkcs11_api::{Command, ObjectId, Reply};
use pkcs11_client::{Fault, Member, Trouble, Upkeep};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a node knows of the keys that the members of a cluster hold.
pub(super) struct Holdings {
    pub(super) settings: ClusterSettings,
    pub(super) lacks: Lacks,
    members: Mutex<BTreeMap<usize, Holding>>,
}

/// What is known of one member.
#[derive(Default)]
struct Holding {
    transport_key: Option<TransportKey>,
    /// Keys that are to be destroyed on it, because they were not made on enough members.
    half_made: Vec<Vec<u8>>,
}

impl Holdings {
    pub(super) fn new(settings: ClusterSettings) -> Self {
        Self { settings, lacks: Lacks::default(), members: Mutex::default() }
    }

    /// The transport keys that are known, from the members themselves before what was known of them.
    pub(super) fn transport_keys(&self, known: &TransportKeys) -> TransportKeys {
        let members = self.members();
        let found = (0..).zip(&self.settings.members).filter_map(|(at, label)| {
            let own = members.get(&at).and_then(|member| member.transport_key.as_ref());
            Some((label.clone(), own.or_else(|| known.0.get(label))?.clone()))
        });
        TransportKeys(found.collect())
    }

    /// A key on that member is to be destroyed when it is there again.
    pub(super) fn note_half_made(&self, at: usize, id: &[u8]) {
        let mut members = self.members();
        let half_made = &mut members.entry(at).or_default().half_made;
        if half_made.len() < MOST_HALF_MADE {
            half_made.push(id.to_vec());
        }
    }

    fn note_transport_key(&self, at: usize, key: TransportKey) {
        let mut members = self.members();
        let member = members.entry(at).or_default();
        if member.transport_key.as_ref().is_some_and(|known| *known != key) {
            tracing::error!(
                member = self.settings.members.get(at),
                "a member of an HSM cluster has another transport key: it cannot get the keys that it lacks"
            );
        }
        member.transport_key = Some(key);
    }

    fn take_half_made(&self, at: usize) -> Vec<Vec<u8>> {
        let mut members = self.members();
        members.get_mut(&at).map(|member| std::mem::take(&mut member.half_made)).unwrap_or_default()
    }

    fn members(&self) -> MutexGuard<'_, BTreeMap<usize, Holding>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upkeep for Holdings {
    /// A library that brings keys to all members by itself needs no transport keys, and its HSM need not be able to make any.
    async fn prepare(&self, at: usize, member: &Member) -> Result<(), Fault> {
        if self.settings.synchronises {
            return Ok(());
        }
        let read = public_key(TransportKey::of);
        let key = member.ask(&Command::TransportKey, TRANSPORT_KEY_WITHIN, read).await;
        self.note_transport_key(at, key.map_err(Trouble::fault)?);
        Ok(())
    }

    /// What could not be undone when a key was not made on enough members.
    async fn follow_up(&self, at: usize, member: &Member) {
        for id in self.take_half_made(at) {
            let Ok(object) = ObjectId::new(&id) else { continue };
            let read = |reply: Reply<'_>| matches!(reply, Reply::Destroyed { .. }).then_some(());
            if member.ask(&Command::DestroyKey { id: object }, DESTROY_WITHIN, read).await.is_err() {
                self.note_half_made(at, &id);
            }
        }
    }
}

impl std::fmt::Debug for Holdings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Holdings").field("cluster", &self.settings.id).finish_non_exhaustive()
    }
}

const MOST_HALF_MADE: usize = 1024;
/// An RSA key of 3072 bits may have to be made.
const TRANSPORT_KEY_WITHIN: Duration = Duration::from_secs(30);
const DESTROY_WITHIN: Duration = Duration::from_secs(2);
