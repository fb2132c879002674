//! What is known of the members: who is logged in, who failed and when it is tried again. Makes no call itself.

use crate::state::{Chosen, Standing, State, Tried};
use crate::way::after;
use crate::{Fault, Pin, Settings};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use zeroize::Zeroizing;

/// What is known of the members.
pub struct Members {
    settings: Settings,
    /// One for each request that may be under way.
    pub(crate) permits: Semaphore,
    state: watch::Sender<State>,
    turn: AtomicUsize,
}

/// What a member's keeper has to do.
pub(crate) enum Errand {
    End,
    LogIn(Arc<Zeroizing<String>>),
    LogOut,
    WaitUntil(Instant),
}

/// Who does the next call.
#[derive(Clone, Copy)]
pub(crate) enum Choice {
    /// That member.
    Member(Chosen, Standing),
    /// Nobody now, but one will likely be there before that.
    WaitUntil(Instant),
    /// Nobody.
    Nobody {
        /// There are active members, but each of them lacks what it takes.
        all_lack_it: bool,
    },
}

impl Members {
    pub(crate) fn new(settings: Settings) -> Self {
        let state = watch::Sender::new(State::new(&settings.tokens, settings.times.request));
        let permits = Semaphore::new(most_requests(&settings));
        Self { settings, permits, state, turn: AtomicUsize::new(0) }
    }

    /// The members, and how they are reached.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The label of a member's token.
    #[must_use]
    pub fn label(&self, at: usize) -> Option<&str> {
        self.settings.tokens.get(at).map(String::as_str)
    }

    /// Logs in with that PIN, or again with another one. One that was refused is tried again, once: somebody asked for it.
    pub fn log_in(&self, pin: Pin<'_>) {
        self.state.send_modify(|state| state.log_in(pin));
    }

    /// Logs in with that PIN, if nobody is logged in and nobody has just logged out. A PIN that was refused is not tried again.
    pub fn need(&self, pin: Pin<'_>) {
        if self.state.borrow().needs(pin) {
            self.state.send_if_modified(|state| {
                let needs = state.needs(pin);
                if needs {
                    state.log_in(pin);
                }
                needs
            });
        }
    }

    /// Logs in with that PIN where the last one was refused, if it is another. Who is logged in stays so, and is logged in with this one
    /// the next time.
    pub fn log_in_refused(&self, pin: Pin<'_>) {
        self.state.send_if_modified(|state| state.log_in_refused(pin));
    }

    /// Whether a member refuses the PIN.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.state.borrow().is_refused()
    }

    /// Logs out, and forgets the PIN.
    pub fn log_out(&self) {
        self.state.send_modify(State::log_out);
    }

    /// Waits until nobody is being logged in to or out of, but not for ever. Says whether it is so.
    pub async fn wait_until_settled(&self, end: Instant) -> bool {
        self.wait_until(end, State::is_settled).await
    }

    /// Waits until the HSM is stopped, but not for ever. Says whether it is.
    pub async fn wait_until_stopped(&self, end: Instant) -> bool {
        self.wait_until(end, |state| state.closed).await
    }

    /// The active members.
    #[must_use]
    pub fn active(&self) -> Vec<Chosen> {
        self.state.borrow().active()
    }

    /// How many members are logged in to and answer.
    #[must_use]
    pub fn active_count(&self) -> usize {
        self.state.borrow().active().len()
    }

    /// That member, if it is active.
    ///
    /// # Errors
    ///
    /// Why it is not.
    pub fn active_member(&self, at: usize) -> Result<Chosen, Fault> {
        self.state.borrow().active_member(at)
    }

    /// Whether the member that was chosen has only just come back after a failure, and has done nothing since.
    #[must_use]
    pub fn is_on_trial(&self, chosen: Chosen) -> bool {
        self.state.borrow().is_on_trial(chosen)
    }

    /// Why no member is active: what somebody can do something about, before anything else.
    #[must_use]
    pub fn why_none(&self) -> Fault {
        self.state.borrow().why_none()
    }

    /// A call succeeded.
    pub fn succeeded(&self, chosen: Chosen) {
        if !self.state.borrow().is_steady(chosen) {
            self.state.send_if_modified(|state| state.succeeded(chosen));
        }
    }

    /// A call failed, and that is the member's fault.
    pub fn failed(&self, chosen: Chosen, why: Fault) {
        self.state.send_if_modified(|state| state.failed(chosen, why));
    }

    /// When a request that begins now ends.
    #[must_use]
    pub fn end_of_request(&self) -> Instant {
        after(self.settings.times.request)
    }

    /// How many requests may be under way.
    pub(crate) fn most_requests(&self) -> usize {
        most_requests(&self.settings)
    }

    /// Hears of every change.
    pub(crate) fn subscribe(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Ends what is done in the background.
    pub(crate) fn close(&self) {
        self.state.send_modify(|state| state.closed = true);
    }

    /// Which member does the next call: those in turn that fit and were not tried.
    pub(crate) fn choose(&self, tried: &Tried, fits: impl Fn(usize) -> bool) -> Choice {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let choice = self.state.borrow().choose(turn, tried, fits);
        if let Choice::Member(chosen, Standing::Trial { .. }) = choice {
            self.state.send_if_modified(|state| state.try_out(chosen));
        }
        choice
    }

    /// What came of a login.
    pub(crate) fn logged_in(&self, at: usize, round: u64, outcome: Result<(), Fault>) {
        self.state.send_if_modified(|state| state.logged_in(at, round, outcome));
    }

    /// Nobody is logged in to that member any more.
    pub(crate) fn logged_out(&self, at: usize, round: u64) {
        self.state.send_if_modified(|state| state.logged_out(at, round));
    }

    /// The time of a member that rests has come.
    pub(crate) fn rested(&self, at: usize) {
        self.state.send_if_modified(|state| state.rested(at));
    }

    async fn wait_until(&self, end: Instant, is_so: impl FnMut(&State) -> bool) -> bool {
        let mut changes = self.subscribe();
        let waited = tokio::time::timeout_at(end, changes.wait_for(is_so)).await;
        waited.is_ok_and(|seen| seen.is_ok())
    }
}

fn most_requests(settings: &Settings) -> usize {
    let Settings { tokens, sessions, requests_a_session, .. } = settings;
    let most = (*sessions).max(1).saturating_mul(tokens.len()).saturating_mul(*requests_a_session);
    most.min(Semaphore::MAX_PERMITS)
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members").field("tokens", &self.settings.tokens).finish_non_exhaustive()
    }
}
