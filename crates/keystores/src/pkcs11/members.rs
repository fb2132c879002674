//! What a node knows of a cluster's members: who is logged in, who failed and when it is tried again. Makes no call itself.

use super::client::BUDGET;
use super::lacks::Lacks;
use super::transport::{TransportKey, TransportKeys};
use super::{ClusterSettings, Pin};
use crate::HsmFailure;
use keys::HsmKey;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use zeroize::Zeroizing;

/// What a node knows of a cluster.
pub(super) struct Members {
    pub(super) settings: ClusterSettings,
    pub(super) lacks: Lacks,
    /// One for each call that may be under way.
    pub(super) permits: Semaphore,
    state: watch::Sender<State>,
    turn: AtomicUsize,
}

/// How the members are.
pub(super) struct State {
    pub(super) login: Login,
    pub(super) members: Vec<Condition>,
    /// How often it was said who is to be logged in: what comes of an earlier word does not count.
    round: u64,
    /// The cluster is stopped.
    pub(super) closed: bool,
}

/// With what is logged in.
#[derive(Clone)]
pub(super) enum Login {
    /// Nobody has yet.
    Never,
    /// With this PIN.
    With(Arc<Zeroizing<String>>),
    /// Logged out, since then.
    Out(Instant),
}

/// How a member is.
pub(super) struct Condition {
    /// Its token's label, for our log.
    label: String,
    pub(super) standing: Standing,
    pub(super) transport_key: Option<TransportKey>,
    /// Keys that are to be destroyed on it, because they were not made on enough members.
    pub(super) half_made: Vec<Vec<u8>>,
    /// How often it became active: what was tried before that may be tried again.
    times: u64,
    pause: Duration,
    /// Since when it fails again and again.
    failing: Option<Instant>,
}

/// What is done with a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is used.
    Active,
    /// It is to be logged in to, now.
    LoggingIn,
    /// It is to be logged out of, now.
    LoggingOut,
    /// It is left alone: logged out.
    Out,
    /// It refuses the PIN, which is not tried twice: it may count.
    Refused(HsmFailure),
    /// It failed, and is logged in to again at that time.
    Resting { why: HsmFailure, until: Instant },
    /// It is back after a failure: one call at a time, which began then, until one succeeds.
    Trial { taken: Option<Instant> },
}

/// A member that was chosen for a call.
#[derive(Clone, Copy)]
pub(super) struct Chosen {
    pub(super) at: usize,
    times: u64,
}

/// The members that a request has been at.
#[derive(Default)]
pub(super) struct Tried(Vec<(usize, u64)>);

impl Tried {
    pub(super) fn add(&mut self, chosen: Chosen) {
        self.0.push((chosen.at, chosen.times));
    }
}

impl Members {
    pub(super) fn new(settings: ClusterSettings) -> Self {
        let members = settings.members.iter().map(|label| Condition::new(label)).collect();
        let state = watch::Sender::new(State { login: Login::Never, members, round: 0, closed: false });
        let permits =
            settings.sessions.max(1).saturating_mul(settings.members.len()).saturating_mul(CALLS_A_SESSION);
        Self {
            settings,
            lacks: Lacks::default(),
            permits: Semaphore::new(permits),
            state,
            turn: AtomicUsize::new(0),
        }
    }

    /// Hears of every change.
    pub(super) fn subscribe(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Logs in with that PIN, or again with another one.
    pub(super) fn log_in(&self, pin: Pin<'_>) {
        self.state.send_modify(|state| state.log_in(pin));
    }

    /// Logs in with that PIN, if nobody is logged in and nobody has just logged out. A PIN that was refused is not tried again.
    pub(super) fn need(&self, pin: Pin<'_>) {
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

    /// Logs out, and forgets the PIN.
    pub(super) fn log_out(&self) {
        self.state.send_modify(|state| {
            state.login = Login::Out(Instant::now());
            state.round = state.round.wrapping_add(1);
            for member in &mut state.members {
                member.standing = Standing::LoggingOut;
                (member.pause, member.failing) = (Duration::ZERO, None);
            }
        });
    }

    /// Ends what is done in the background.
    pub(super) fn close(&self) {
        self.state.send_modify(|state| state.closed = true);
    }

    /// Waits until that is so of the members, but not for ever. Says whether it is.
    pub(super) async fn wait_until(&self, end: Instant, is_so: impl FnMut(&State) -> bool) -> bool {
        let mut changes = self.subscribe();
        let waited = tokio::time::timeout_at(end, changes.wait_for(is_so)).await;
        waited.is_ok_and(|seen| seen.is_ok())
    }

    /// Which member does the next call: those in turn that were not tried and are not known to lack the key.
    pub(super) fn choose(&self, tried: &Tried, key: Option<&HsmKey>) -> Choice {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let fits = |at: usize| key.is_none_or(|key| !self.lacks.has(key, at));
        let choice = self.state.borrow().choose(turn, tried, fits);
        if let Choice::Member(chosen, Standing::Trial { .. }) = choice {
            self.change(chosen, |member| member.standing = Standing::Trial { taken: Some(Instant::now()) });
        }
        choice
    }

    /// The active members.
    pub(super) fn active(&self) -> Vec<Chosen> {
        let state = self.state.borrow();
        let all = state.members.iter().enumerate();
        all.filter(|(_, member)| member.is_active()).map(|(at, member)| member.chosen(at)).collect()
    }

    /// A call succeeded.
    pub(super) fn succeeded(&self, chosen: Chosen) {
        let is_steady = |state: &State| {
            state
                .members
                .get(chosen.at)
                .is_none_or(|member| member.standing == Standing::Active && member.failing.is_none())
        };
        if !is_steady(&self.state.borrow()) {
            self.change(chosen, |member| {
                if member.failing.is_some() {
                    tracing::info!(member = member.label, "a member of an HSM cluster works again");
                }
                member.standing = Standing::Active;
                (member.pause, member.failing) = (Duration::ZERO, None);
            });
        }
    }

    /// A call failed, and that is the member's fault.
    pub(super) fn failed(&self, chosen: Chosen, why: HsmFailure) {
        self.change(chosen, |member| member.rest(why));
    }

    /// A key on that member is to be destroyed when it is there again.
    pub(super) fn note_half_made(&self, at: usize, id: &[u8]) {
        self.state.send_if_modified(|state| {
            if let Some(member) =
                state.members.get_mut(at).filter(|member| member.half_made.len() < MOST_HALF_MADE)
            {
                member.half_made.push(id.to_vec());
            }
            false
        });
    }

    /// The keys that are to be destroyed on that member, if it is active.
    pub(super) fn take_half_made(&self, at: usize) -> Vec<Vec<u8>> {
        let mut taken = Vec::new();
        self.state.send_if_modified(|state| {
            if let Some(member) = state.members.get_mut(at).filter(|member| member.is_active()) {
                taken = std::mem::take(&mut member.half_made);
            }
            false
        });
        taken
    }

    /// What came of a login: the transport key, if the cluster needs one, or why there was none.
    pub(super) fn logged_in(&self, at: usize, round: u64, outcome: Result<Option<TransportKey>, HsmFailure>) {
        self.settle(at, round, |member| match outcome {
            Ok(key) => member.is_back(key),
            // An HSM counts what it refuses, and may lock the user for longer with each try.
            Err(why @ (HsmFailure::IncorrectPin | HsmFailure::UserLocked)) => {
                member.standing = Standing::Refused(why);
            }
            Err(why) => member.rest(why),
        });
    }

    /// Nobody is logged in to that member any more.
    pub(super) fn logged_out(&self, at: usize, round: u64) {
        self.settle(at, round, |member| member.standing = Standing::Out);
    }

    /// The time of a member that rests has come.
    pub(super) fn rested(&self, at: usize) {
        self.state.send_if_modified(|state| {
            let Some(member) = state.members.get_mut(at) else { return false };
            let is_over =
                matches!(member.standing, Standing::Resting { until, .. } if until <= Instant::now());
            if is_over {
                member.standing = Standing::LoggingIn;
            }
            is_over
        });
    }

    /// The transport keys that are known, from the members themselves before what was known of them.
    pub(super) fn transport_keys(&self, known: &TransportKeys) -> TransportKeys {
        let state = self.state.borrow();
        let labels = self.settings.members.iter().zip(&state.members);
        let found = labels.filter_map(|(label, member)| {
            let key = member.transport_key.as_ref().or_else(|| known.0.get(label))?;
            Some((label.clone(), key.clone()))
        });
        TransportKeys(found.collect())
    }

    /// Why no member is active: what the owner can do something about, before anything else.
    pub(super) fn why_none(&self) -> HsmFailure {
        let state = self.state.borrow();
        let reasons: Vec<_> = state.members.iter().filter_map(Condition::why).collect();
        TELLING.into_iter().find(|why| reasons.contains(why)).unwrap_or(HsmFailure::InsufficientMembers)
    }

    pub(super) fn active_count(&self) -> usize {
        self.state.borrow().members.iter().filter(|member| member.is_active()).count()
    }

    /// Changes a member, unless another word was said meanwhile.
    fn settle(&self, at: usize, round: u64, change: impl FnOnce(&mut Condition)) {
        self.state.send_if_modified(|state| {
            let is_current = state.round == round;
            state.members.get_mut(at).filter(|_| is_current).map(change).is_some()
        });
    }

    /// Changes an active member, if it has not ceased to be so meanwhile.
    fn change(&self, chosen: Chosen, change: impl FnOnce(&mut Condition)) {
        self.state.send_if_modified(|state| {
            let member = state.members.get_mut(chosen.at);
            member.filter(|member| member.is_active() && member.times == chosen.times).map(change).is_some()
        });
    }
}

/// What a member's keeper has to do.
pub(super) enum Errand {
    End,
    LogIn(Arc<Zeroizing<String>>),
    LogOut,
    WaitUntil(Instant),
}

/// Who does the next call.
#[derive(Clone, Copy)]
pub(super) enum Choice {
    /// That member.
    Member(Chosen, Standing),
    /// Nobody now, but one will likely be there before that.
    WaitUntil(Instant),
    /// Nobody.
    Nobody {
        /// There are active members, but each of them lacks the key.
        all_lack_the_key: bool,
    },
}

impl State {
    fn log_in(&mut self, pin: Pin<'_>) {
        self.login = Login::With(Arc::new(Zeroizing::new(pin.expose().to_owned())));
        self.round = self.round.wrapping_add(1);
        for member in &mut self.members {
            member.standing = Standing::LoggingIn;
            (member.pause, member.failing) = (Duration::ZERO, None);
        }
    }

    fn needs(&self, pin: Pin<'_>) -> bool {
        match &self.login {
            Login::Never => true,
            Login::With(now) => {
                let refused = |member: &Condition| matches!(member.standing, Standing::Refused(_));
                now.as_str() != pin.expose() && self.members.iter().all(refused)
            }
            // A request that began before that must not log in again.
            Login::Out(since) => since.elapsed() > BUDGET,
        }
    }

    fn choose(&self, turn: usize, tried: &Tried, fits: impl Fn(usize) -> bool) -> Choice {
        let count = self.members.len().max(1);
        let in_turn = (0..count).map(|step| turn.wrapping_add(step) % count);
        let active: Vec<_> = in_turn
            .filter_map(|at| {
                self.members.get(at).filter(|member| member.is_active()).map(|member| (at, member))
            })
            .collect();
        let fit = active.iter().filter(|(at, _)| fits(*at));
        let untried = fit.filter(|(at, member)| !tried.0.contains(&(*at, member.times)));
        match untried.min_by_key(|(_, member)| member.rank()) {
            Some((at, member)) => Choice::Member(member.chosen(*at), member.standing),
            None => match self.members.iter().filter_map(Condition::hope).max() {
                Some(until) => Choice::WaitUntil(until),
                None => Choice::Nobody {
                    all_lack_the_key: !active.is_empty() && active.iter().all(|(at, _)| !fits(*at)),
                },
            },
        }
    }

    /// What the keeper of that member has to do, and at which word.
    pub(super) fn errand(&self, at: usize) -> Option<(Errand, u64)> {
        let errand = match (self.members.get(at)?.standing, &self.login) {
            _ if self.closed => Errand::End,
            (Standing::LoggingIn, Login::With(pin)) => Errand::LogIn(Arc::clone(pin)),
            (Standing::LoggingOut, _) => Errand::LogOut,
            (Standing::Resting { until, .. }, _) => Errand::WaitUntil(until),
            _ => return None,
        };
        Some((errand, self.round))
    }

    /// Whether nobody is being logged in to or out of. A process that is not there may be about to start.
    pub(super) fn is_settled(&self) -> bool {
        let is_moving = |member: &Condition| match member.standing {
            Standing::LoggingIn | Standing::LoggingOut => true,
            Standing::Resting { why, .. } => why == HsmFailure::Failed && member.hope().is_some(),
            _ => false,
        };
        self.closed || !self.members.iter().any(is_moving)
    }
}

impl Condition {
    fn is_active(&self) -> bool {
        matches!(self.standing, Standing::Active | Standing::Trial { .. })
    }

    const fn chosen(&self, at: usize) -> Chosen {
        Chosen { at, times: self.times }
    }

    /// A member on trial gets its one call before the others are asked, and no more unless there is nobody else.
    fn rank(&self) -> u8 {
        match self.standing {
            Standing::Trial { taken } if taken.is_none_or(|since| since.elapsed() > BUDGET) => 0,
            Standing::Trial { .. } => 2,
            _ => 1,
        }
    }

    /// Until when it is worth a request's time to wait for it: it has only just begun to fail.
    fn hope(&self) -> Option<Instant> {
        let comes = matches!(self.standing, Standing::LoggingIn | Standing::Resting { .. });
        let now = Instant::now();
        let until = self.failing.unwrap_or(now).checked_add(HOPE)?;
        (comes && until > now).then_some(until)
    }

    fn why(&self) -> Option<HsmFailure> {
        match self.standing {
            Standing::Refused(why) | Standing::Resting { why, .. } => Some(why),
            _ => None,
        }
    }

    /// The first failure is followed up at once, further ones after a pause that grows.
    fn rest(&mut self, why: HsmFailure) {
        let now = Instant::now();
        if self.failing.is_some() {
            self.pause = self.pause.saturating_mul(2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        } else {
            tracing::warn!(member = self.label, %why, "a member of an HSM cluster is left alone");
        }
        self.failing = self.failing.or(Some(now));
        self.standing = Standing::Resting { why, until: now.checked_add(self.pause).unwrap_or(now) };
    }

    fn is_back(&mut self, key: Option<TransportKey>) {
        let is_another = |known| key.as_ref().is_some_and(|key| key != known);
        if self.transport_key.as_ref().is_some_and(is_another) {
            tracing::error!(
                member = self.label,
                "a member of an HSM cluster has another transport key: it cannot get the keys that it lacks"
            );
        }
        self.transport_key = key;
        self.times = self.times.wrapping_add(1);
        self.standing = match self.failing {
            None => Standing::Active,
            Some(_) => Standing::Trial { taken: None },
        };
    }
}

impl Condition {
    fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            standing: Standing::Out,
            transport_key: None,
            half_made: Vec::new(),
            times: 0,
            pause: Duration::ZERO,
            failing: None,
        }
    }
}

/// What a store is told of its members, the most telling first.
const TELLING: [HsmFailure; 5] = [
    HsmFailure::IncorrectPin,
    HsmFailure::UserLocked,
    HsmFailure::UserNotFound,
    HsmFailure::UserLoggedIn,
    HsmFailure::LibraryUnavailable,
];
/// A process that ended is there again, and logged in, well within that.
const HOPE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// Calls wait in the member's process for a session; more than that are refused here.
const CALLS_A_SESSION: usize = 64;
const MOST_HALF_MADE: usize = 1024;
