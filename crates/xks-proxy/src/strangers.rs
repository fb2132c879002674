//! Requests that nobody stood behind, counted by store and reason until somebody asks: a line a second and store in the journal, however
//! many they are.

use crate::metrics::Metrics;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// What was counted since it was last taken.
#[derive(Debug)]
pub(crate) struct Strangers {
    counted: Mutex<BTreeMap<Option<Arc<str>>, Counted>>,
    metrics: Arc<Metrics>,
}

/// Of one store, or of what is none.
#[derive(Debug)]
pub(crate) struct Counted {
    /// By reason.
    pub(crate) refused: BTreeMap<&'static str, u64>,
    /// Where the last of them came from.
    pub(crate) source: IpAddr,
}

impl Strangers {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self { counted: Mutex::default(), metrics }
    }

    /// One more.
    pub(crate) fn count(&self, store: Option<&Arc<str>>, reason: &'static str, source: IpAddr) {
        self.metrics.refused(store, reason);
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let of_store =
            counted.entry(store.cloned()).or_insert_with(|| Counted { refused: BTreeMap::new(), source });
        of_store.source = source;
        let number = of_store.refused.entry(reason).or_default();
        *number = number.saturating_add(1);
    }

    /// What was counted, and nothing is any more.
    pub(crate) fn take(&self) -> BTreeMap<Option<Arc<str>>, Counted> {
        std::mem::take(&mut *self.counted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
