//! How the members are, and what becomes of them by what is said and done. Pure but for the clock.

use crate::members::{Choice, Errand};
use crate::{Fault, Pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How the members are.
pub(crate) struct State {
    login: Login,
    members: Vec<Condition>,
    /// How often it was said who is to be logged in: what comes of an earlier word does not count.
    round: u64,
    /// The HSM is stopped.
    pub(crate) closed: bool,
    /// How long a request waits: as long, what it began may still be under way.
    request: Duration,
}

/// With what is logged in.
enum Login {
    /// Nobody has yet.
    Never,
    /// With this PIN.
    With(Arc<Zeroizing<String>>),
    /// Logged out, since then.
    Out(Instant),
}

/// How a member is.
struct Condition {
    /// Its token's label, for our log.
    label: String,
    standing: Standing,
    /// How often it became active: what was tried before that may be tried again.
    times: u64,
    pause: Duration,
    /// Since when it fails again and again.
    failing: Option<Instant>,
}

/// What is done with a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is used.
    Active,
    /// It is to be logged in to, now.
    LoggingIn,
    /// It is to be logged out of, now.
    LoggingOut,
    /// It is left alone: logged out.
    Out,
    /// It refuses the PIN, which is not tried twice: it may count.
    Refused(Fault),
    /// It failed, and is logged in to again at that time.
    Resting { why: Fault, until: Instant },
    /// It is back after a failure: one call at a time, which began then, until one succeeds.
    Trial { taken: Option<Instant> },
}

/// A member that was chosen for a call.
#[derive(Clone, Copy, Debug)]
pub struct Chosen {
    at: usize,
    times: u64,
}

impl Chosen {
    /// Its place among the members.
    #[must_use]
    pub const fn at(self) -> usize {
        self.at
    }
}

/// The members that a request has been at.
#[derive(Default)]
pub(crate) struct Tried(Vec<(usize, u64)>);

impl Tried {
    pub(crate) fn add(&mut self, chosen: Chosen) {
        self.0.push((chosen.at, chosen.times));
    }
}

impl State {
    pub(crate) fn new(labels: &[String], request: Duration) -> Self {
        let members = labels.iter().map(|label| Condition::new(label)).collect();
        Self { login: Login::Never, members, round: 0, closed: false, request }
    }

    pub(crate) fn log_in(&mut self, pin: Pin<'_>) {
        self.login = Login::With(Arc::new(Zeroizing::new(pin.expose().to_owned())));
        self.begin_round(Standing::LoggingIn);
    }

    pub(crate) fn log_in_refused(&mut self, pin: Pin<'_>) -> bool {
        let is_another = matches!(&self.login, Login::With(now) if now.as_str() != pin.expose());
        if !is_another || !self.is_refused() {
            return false;
        }
        self.login = Login::With(Arc::new(Zeroizing::new(pin.expose().to_owned())));
        for member in self.members.iter_mut().filter(|member| member.is_refused()) {
            member.standing = Standing::LoggingIn;
        }
        true
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.members.iter().any(Condition::is_refused)
    }

    pub(crate) fn log_out(&mut self) {
        self.login = Login::Out(Instant::now());
        self.begin_round(Standing::LoggingOut);
    }

    fn begin_round(&mut self, standing: Standing) {
        self.round = self.round.wrapping_add(1);
        for member in &mut self.members {
            member.standing = standing;
            (member.pause, member.failing) = (Duration::ZERO, None);
        }
    }

    pub(crate) fn needs(&self, pin: Pin<'_>) -> bool {
        match &self.login {
            Login::Never => true,
            Login::With(now) => {
                now.as_str() != pin.expose() && self.members.iter().all(Condition::is_refused)
            }
            // A request that began before that must not log in again.
            Login::Out(since) => since.elapsed() > self.request,
        }
    }

    pub(crate) fn choose(&self, turn: usize, tried: &Tried, fits: impl Fn(usize) -> bool) -> Choice {
        let count = self.members.len().max(1);
        let in_turn = (0..count).map(|step| turn.wrapping_add(step) % count);
        let active: Vec<_> = in_turn
            .filter_map(|at| {
                self.members.get(at).filter(|member| member.is_active()).map(|member| (at, member))
            })
            .collect();
        let fit = active.iter().filter(|(at, _)| fits(*at));
        let untried = fit.filter(|(at, member)| !tried.0.contains(&(*at, member.times)));
        match untried.min_by_key(|(_, member)| member.rank(self.request)) {
            Some((at, member)) => Choice::Member(member.chosen(*at), member.standing),
            None => match self.members.iter().filter_map(Condition::hope).max() {
                Some(until) => Choice::WaitUntil(until),
                None => Choice::Nobody {
                    all_lack_it: !active.is_empty() && active.iter().all(|(at, _)| !fits(*at)),
                },
            },
        }
    }

    pub(crate) fn active(&self) -> Vec<Chosen> {
        let all = self.members.iter().enumerate();
        all.filter(|(_, member)| member.is_active()).map(|(at, member)| member.chosen(at)).collect()
    }

    pub(crate) fn active_member(&self, at: usize) -> Result<Chosen, Fault> {
        let member = self.members.get(at).ok_or(Fault::TokenAbsent)?;
        if member.is_active() {
            return Ok(member.chosen(at));
        }
        Err(member.why().unwrap_or(Fault::TokenAbsent))
    }

    pub(crate) fn is_on_trial(&self, chosen: Chosen) -> bool {
        let member = self.members.get(chosen.at);
        member.is_some_and(|member| matches!(member.standing, Standing::Trial { .. }))
    }

    pub(crate) fn why_none(&self) -> Fault {
        let reasons: Vec<_> = self.members.iter().filter_map(Condition::why).collect();
        TELLING.into_iter().find(|why| reasons.contains(why)).unwrap_or(Fault::TokenAbsent)
    }

    /// What the keeper of that member has to do, and at which word.
    pub(crate) fn errand(&self, at: usize) -> Option<(Errand, u64)> {
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
    pub(crate) fn is_settled(&self) -> bool {
        let is_moving = |member: &Condition| match member.standing {
            Standing::LoggingIn | Standing::LoggingOut => true,
            Standing::Resting { why, .. } => why == Fault::Failed && member.hope().is_some(),
            _ => false,
        };
        self.closed || !self.members.iter().any(is_moving)
    }

    /// Whether it changes nothing that the member succeeds.
    pub(crate) fn is_steady(&self, chosen: Chosen) -> bool {
        let is_steady = |member: &Condition| member.standing == Standing::Active && member.failing.is_none();
        self.members.get(chosen.at).is_none_or(is_steady)
    }

    pub(crate) fn succeeded(&mut self, chosen: Chosen) -> bool {
        self.change(chosen, |member| {
            if member.failing.is_some() {
                tracing::info!(member = member.label, "a member of an HSM cluster works again");
            }
            member.standing = Standing::Active;
            (member.pause, member.failing) = (Duration::ZERO, None);
        })
    }

    pub(crate) fn failed(&mut self, chosen: Chosen, why: Fault) -> bool {
        self.change(chosen, |member| member.rest(why))
    }

    pub(crate) fn try_out(&mut self, chosen: Chosen) -> bool {
        self.change(chosen, |member| member.standing = Standing::Trial { taken: Some(Instant::now()) })
    }

    pub(crate) fn logged_in(&mut self, at: usize, round: u64, outcome: Result<(), Fault>) -> bool {
        self.settle(at, round, |member| match outcome {
            Ok(()) => member.is_back(),
            // An HSM counts what it refuses, and may lock the user for longer with each try.
            Err(why @ (Fault::IncorrectPin | Fault::UserLocked)) => member.standing = Standing::Refused(why),
            Err(why) => member.rest(why),
        })
    }

    pub(crate) fn logged_out(&mut self, at: usize, round: u64) -> bool {
        self.settle(at, round, |member| member.standing = Standing::Out)
    }

    pub(crate) fn rested(&mut self, at: usize) -> bool {
        let Some(member) = self.members.get_mut(at) else { return false };
        let is_over = matches!(member.standing, Standing::Resting { until, .. } if until <= Instant::now());
        if is_over {
            member.standing = Standing::LoggingIn;
        }
        is_over
    }

    /// Changes a member, unless another word was said meanwhile.
    fn settle(&mut self, at: usize, round: u64, change: impl FnOnce(&mut Condition)) -> bool {
        let is_current = self.round == round;
        self.members.get_mut(at).filter(|_| is_current).map(change).is_some()
    }

    /// Changes an active member, if it has not ceased to be so meanwhile.
    fn change(&mut self, chosen: Chosen, change: impl FnOnce(&mut Condition)) -> bool {
        let member = self.members.get_mut(chosen.at);
        member.filter(|member| member.is_active() && member.times == chosen.times).map(change).is_some()
    }
}

impl Condition {
    fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            standing: Standing::Out,
            times: 0,
            pause: Duration::ZERO,
            failing: None,
        }
    }

    const fn is_active(&self) -> bool {
        matches!(self.standing, Standing::Active | Standing::Trial { .. })
    }

    const fn is_refused(&self) -> bool {
        matches!(self.standing, Standing::Refused(_))
    }

    const fn chosen(&self, at: usize) -> Chosen {
        Chosen { at, times: self.times }
    }

    /// A member on trial gets its one call before the others are asked, and no more unless there is nobody else.
    fn rank(&self, request: Duration) -> u8 {
        match self.standing {
            Standing::Trial { taken } if taken.is_none_or(|since| since.elapsed() > request) => 0,
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

    const fn why(&self) -> Option<Fault> {
        match self.standing {
            Standing::Refused(why) | Standing::Resting { why, .. } => Some(why),
            _ => None,
        }
    }

    /// The first failure is followed up at once, further ones after a pause that grows.
    fn rest(&mut self, why: Fault) {
        let now = Instant::now();
        if self.failing.is_some() {
            self.pause = self.pause.saturating_mul(2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        } else {
            tracing::warn!(member = self.label, %why, "a member of an HSM cluster is left alone");
        }
        self.failing = self.failing.or(Some(now));
        self.standing = Standing::Resting { why, until: now.checked_add(self.pause).unwrap_or(now) };
    }

    fn is_back(&mut self) {
        self.times = self.times.wrapping_add(1);
        self.standing = match self.failing {
            None => Standing::Active,
            Some(_) => Standing::Trial { taken: None },
        };
    }
}

/// Of several reasons, the most telling first.
const TELLING: [Fault; 5] = [
    Fault::IncorrectPin,
    Fault::UserLocked,
    Fault::UserNotFound,
    Fault::UserLoggedIn,
    Fault::LibraryUnavailable,
];
/// A process that ended is there again, and logged in, well within that.
const HOPE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: Duration = Duration::from_millis(200);

    /// Two members, logged in to.
    fn active() -> State {
        let mut state = State::new(&["one".to_owned(), "two".to_owned()], REQUEST);
        state.log_in(Pin::new("1234").unwrap());
        for at in 0..2 {
            assert!(state.logged_in(at, 1, Ok(())));
        }
        state
    }

    fn chosen(state: &State, turn: usize, tried: &Tried) -> Option<Chosen> {
        match state.choose(turn, tried, |_| true) {
            Choice::Member(chosen, _) => Some(chosen),
            _ => None,
        }
    }

    fn is_told_to_log_in(state: &State, at: usize) -> bool {
        matches!(state.errand(at), Some((Errand::LogIn(_), _)))
    }

    #[tokio::test(start_paused = true)]
    async fn members_take_turns_and_a_request_is_at_each_only_once() {
        let state = active();
        let mut tried = Tried::default();
        let first = chosen(&state, 0, &tried).unwrap();
        assert_ne!(first.at(), chosen(&state, 1, &tried).unwrap().at());
        tried.add(first);
        tried.add(chosen(&state, 0, &tried).unwrap());
        assert!(matches!(state.choose(0, &tried, |_| true), Choice::Nobody { all_lack_it: false }));
        assert!(matches!(
            state.choose(0, &Tried::default(), |_| false),
            Choice::Nobody { all_lack_it: true }
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn who_failed_is_logged_in_to_again_and_gets_one_call_until_one_succeeds() {
        let mut state = active();
        let one = state.active_member(0).unwrap();
        assert!(state.failed(one, Fault::TimedOut));
        assert_eq!(state.active_member(0).unwrap_err(), Fault::TimedOut);
        assert!(!state.failed(one, Fault::Failed), "it has ceased to be active");
        assert!(state.rested(0) && is_told_to_log_in(&state, 0));
        assert!(state.logged_in(0, 1, Ok(())));
        let trial = chosen(&state, 1, &Tried::default()).unwrap();
        assert!(trial.at() == 0 && state.is_on_trial(trial) && state.try_out(trial));
        assert_eq!(chosen(&state, 0, &Tried::default()).unwrap().at(), 1, "one call at a time");
        assert!(state.succeeded(trial) && state.is_steady(trial));
        assert_eq!(chosen(&state, 0, &Tried::default()).unwrap().at(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_fails_again_and_again_rests_longer_each_time_and_is_waited_for_only_at_first() {
        let mut state = active();
        let tried = Tried::default();
        assert!(state.failed(state.active_member(1).unwrap(), Fault::TokenAbsent));
        for pause in [0, 100, 200, 400, 800, 1600, 3000, 3000] {
            assert!(state.failed(state.active_member(0).unwrap(), Fault::Failed));
            assert_eq!(matches!(state.choose(0, &tried, |_| true), Choice::WaitUntil(_)), pause <= 800);
            tokio::time::advance(Duration::from_millis(pause).saturating_sub(Duration::from_millis(1))).await;
            assert_eq!(state.rested(0), pause == 0);
            tokio::time::advance(Duration::from_millis(1)).await;
            assert_eq!(state.rested(0), pause != 0);
            assert!(state.logged_in(0, 1, Ok(())));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pin_that_was_refused_is_not_tried_again_and_another_is() {
        let mut state = State::new(&["one".to_owned()], REQUEST);
        let (pin, other) = (Pin::new("1234").unwrap(), Pin::new("4321").unwrap());
        assert!(state.needs(pin));
        state.log_in(pin);
        assert!(is_told_to_log_in(&state, 0) && !state.is_settled());
        assert!(state.logged_in(0, 1, Err(Fault::IncorrectPin)));
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(!state.rested(0) && state.errand(0).is_none() && state.is_settled());
        assert_eq!(state.why_none(), Fault::IncorrectPin);
        assert!(!state.needs(pin) && state.needs(other));
    }

    #[tokio::test(start_paused = true)]
    async fn another_pin_is_tried_where_the_last_one_was_refused_and_nowhere_else() {
        let mut state = active();
        state.log_in(Pin::new("1234").unwrap());
        assert!(state.logged_in(0, 2, Ok(())) && state.logged_in(1, 2, Err(Fault::IncorrectPin)));
        assert!(!state.log_in_refused(Pin::new("1234").unwrap()) && state.is_refused());
        assert!(state.log_in_refused(Pin::new("4321").unwrap()) && !state.is_refused());
        assert!(state.errand(0).is_none() && is_told_to_log_in(&state, 1));
        assert!(state.logged_in(1, 2, Ok(())));
        assert_eq!(state.active().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_of_an_earlier_word_does_not_count() {
        let mut state = active();
        state.log_out();
        assert!(!state.needs(Pin::new("1234").unwrap()), "a request that began before that must not log in");
        assert!(!state.logged_in(0, 1, Ok(())));
        assert!(state.logged_out(0, 2) && state.active().is_empty());
        tokio::time::advance(REQUEST + Duration::from_millis(1)).await;
        assert!(state.needs(Pin::new("1234").unwrap()));
    }
}
