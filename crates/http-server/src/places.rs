//! The places for connections that may be open at one time.

use crate::{Current, Limits};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// As many places as the limits of the moment say, and never more than the process may have.
#[derive(Debug)]
pub(crate) struct Places {
    limits: Arc<Current<Limits>>,
    at_most: usize,
    taken: AtomicUsize,
    given_back: Notify,
}

impl Places {
    pub(crate) fn new(limits: Arc<Current<Limits>>, at_most: usize) -> Arc<Self> {
        Arc::new(Self { limits, at_most, taken: AtomicUsize::new(0), given_back: Notify::new() })
    }

    /// A place; waits until there is one.
    pub(crate) async fn take(self: &Arc<Self>) -> Place {
        while !self.is_taken_at_once() {
            // More places by new limits wake nobody.
            let _ = tokio::time::timeout(LIMITS_ARE_READ_EVERY, self.given_back.notified()).await;
        }
        Place { places: Some(Arc::clone(self)), load: None }
    }

    fn is_taken_at_once(&self) -> bool {
        let limit = self.limits.now().connections.min(self.at_most);
        let one_more = |taken: usize| (taken < limit).then(|| taken.saturating_add(1));
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }
}

/// A place among the connections that may be open at one time; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Option<Arc<Places>>,
    load: Option<Arc<AtomicUsize>>,
}

impl Place {
    /// A place beyond the limit, for what has already been accepted when the service stops.
    pub(crate) const fn beyond_the_limit() -> Self {
        Self { places: None, load: None }
    }

    /// It counts as load of one worker besides, until it is given back.
    pub(crate) fn is_load_of(&mut self, load: &Arc<AtomicUsize>) {
        load.fetch_add(1, Ordering::Relaxed);
        self.load = Some(Arc::clone(load));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(load) = &self.load {
            load.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(places) = &self.places {
            places.taken.fetch_sub(1, Ordering::Relaxed);
            places.given_back.notify_one();
        }
    }
}

const LIMITS_ARE_READ_EVERY: Duration = Duration::from_millis(500);
