//! The next segment, prepared by a thread of its own while the active one is written.
//!
//! One spare at most is ready. If it cannot be made (a full disk), the thread tries again until it can.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::segment::{Medium, Segment};
use crate::JournalError;

/// The place where the spare is handed over.
#[derive(Debug)]
pub(super) struct Spare {
    state: Mutex<State>,
    changed: Condvar,
    failing: AtomicBool,
    stop: AtomicBool,
    made: AtomicU64,
    length: u64,
}

/// How far the next segment is.
#[derive(Debug)]
pub(super) enum State {
    Failed(JournalError),
    Preparing,
    Ready(Segment),
}

impl Spare {
    pub(super) const fn new(length: u64) -> Self {
        Self {
            state: Mutex::new(State::Preparing),
            changed: Condvar::new(),
            failing: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            made: AtomicU64::new(0),
            length,
        }
    }

    /// Whether the last try to make one failed.
    pub(super) fn failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Makes a segment now, on the caller's thread.
    pub(super) fn make(&self, medium: &Medium) -> Result<Segment, JournalError> {
        medium.prewrite(self.made.fetch_add(1, Ordering::Relaxed), self.length, &self.stop)
    }

    /// Waits until there is a spare or making one has failed.
    pub(super) fn tried(&self) -> MutexGuard<'_, State> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let preparing = |state: &mut State| matches!(state, State::Preparing);
        self.changed.wait_while(state, preparing).unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the spare; waits for one that is being made, and fails at once while none can be.
    pub(super) fn take(&self) -> Result<Segment, JournalError> {
        let mut state = self.tried();
        if let State::Failed(error) = &*state {
            return Err(error.clone());
        }
        match std::mem::replace(&mut *state, State::Preparing) {
            State::Ready(segment) => {
                self.changed.notify_all();
                Ok(segment)
            }
            State::Failed(error) => Err(error),
            State::Preparing => Err(JournalError::Closed),
        }
    }

    /// Ends [`Spare::keep_ready`].
    pub(super) fn stop(&self) {
        let _state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.stop.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// Makes one spare after another until [`Spare::stop`], and calls `ready` when there is one.
    pub(super) fn keep_ready(&self, medium: &Medium, ready: impl Fn()) {
        while self.wait_until_wanted() {
            let outcome = self.make(medium);
            let failing = outcome.is_err();
            self.failing.store(failing, Ordering::Relaxed);
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            *state = outcome.map_or_else(State::Failed, State::Ready);
            self.changed.notify_all();
            drop(state);
            if !failing {
                ready();
            }
        }
    }

    /// Whether to make one; waits while one is ready, and a while after a failure.
    fn wait_until_wanted(&self) -> bool {
        let stopped = || self.stop.load(Ordering::Relaxed);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |state: &mut State| matches!(state, State::Ready(_)) && !stopped();
        let state = self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        if matches!(&*state, State::Failed(_)) {
            let failed = |_: &mut State| !stopped();
            drop(self.changed.wait_timeout_while(state, RETRY, failed));
        }
        !stopped()
    }
}

/// How long to wait before trying to make a spare again.
const RETRY: Duration = Duration::from_millis(250);
