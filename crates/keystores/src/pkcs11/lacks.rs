//! Which members lack which keys, as far as that was seen: what is missing is not asked for by every call.

use keys::HsmKey;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The keys that members lack.
#[derive(Default)]
pub(super) struct Lacks {
    any: AtomicBool,
    keys: Mutex<HashMap<String, Lack>>,
}

/// A key that some member lacks.
struct Lack {
    key: HsmKey,
    /// Since when, for each member that does.
    members: HashMap<usize, Instant>,
    /// No active member had it.
    missing: bool,
}

impl Lacks {
    /// Whether that member was found to lack the key just now.
    pub(super) fn has(&self, key: &HsmKey, member: usize) -> bool {
        let lacked_since = |keys: &HashMap<String, Lack>| keys.get(&key.id)?.members.get(&member).copied();
        self.any() && lacked_since(&self.keys()).is_some_and(|since| since.elapsed() < super::way::LOOK_AGAIN)
    }

    /// Whether that member was found to lack the key when it was last asked.
    pub(super) fn was_noted(&self, key: &HsmKey, member: usize) -> bool {
        self.any() && self.keys().get(&key.id).is_some_and(|lack| lack.members.contains_key(&member))
    }

    /// That member lacks the key, and cannot get it.
    pub(super) fn note(&self, key: &HsmKey, member: usize) {
        let mut keys = self.keys();
        if keys.len() >= MOST && !keys.contains_key(&key.id) {
            return;
        }
        let new = || Lack { key: key.clone(), members: HashMap::new(), missing: false };
        let lack = keys.entry(key.id.clone()).or_insert_with(new);
        lack.members.insert(member, Instant::now());
        self.any.store(true, Ordering::Release);
    }

    /// No active member has the key.
    pub(super) fn note_missing(&self, key: &HsmKey) {
        if let Some(lack) = self.keys().get_mut(&key.id) {
            if !lack.missing {
                tracing::error!(key = key.id, "no active member of the HSM cluster has this key");
            }
            lack.missing = true;
        }
    }

    /// A member has it.
    pub(super) fn found(&self, key: &HsmKey, member: usize) {
        if !self.any() {
            return;
        }
        let mut keys = self.keys();
        if let Some(lack) = keys.get_mut(&key.id) {
            lack.members.remove(&member);
            lack.missing = false;
        }
        keys.retain(|_, lack| lack.missing || !lack.members.is_empty());
        self.any.store(!keys.is_empty(), Ordering::Release);
    }

    /// Nobody is to have it any more.
    pub(super) fn forget(&self, key: &HsmKey) {
        let mut keys = self.keys();
        keys.remove(&key.id);
        self.any.store(!keys.is_empty(), Ordering::Release);
    }

    /// Whether no active member had it.
    pub(super) fn is_missing(&self, key: &HsmKey) -> bool {
        self.any() && self.keys().get(&key.id).is_some_and(|lack| lack.missing)
    }

    /// The keys that no active member had.
    pub(super) fn missing(&self) -> Vec<HsmKey> {
        if !self.any() {
            return Vec::new();
        }
        self.keys().values().filter(|lack| lack.missing).map(|lack| lack.key.clone()).collect()
    }

    fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<String, Lack>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// More than that are not remembered: they are looked for by every call.
const MOST: usize = 4096;
