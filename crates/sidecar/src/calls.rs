//! Calls in flight on one connection: a slab of slots, and the frames that are not yet written.
//!
//! A slot holds the waker of its call, so that a reply needs no channel. A request id is the slot's place and the number of calls
//! it has had: a reply that comes after its call was given up finds nobody.

use crate::{CallError, WhileDown};
use frames::{Buffer, Frame, RequestId};
use serde::Serialize;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::Notify;
use zeroize::Zeroizing;

/// How long a call may take, and what it means if it takes longer. Told in steps of a tenth of a second, and one at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The process may be busy: the call alone fails.
    GiveUpAfter(Duration),
    /// The process is stuck, if it was connected: it is killed, and started again by that.
    KillAfter(Duration),
}

/// How often overdue calls are looked for.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// The calls of one worker.
pub(crate) struct Calls {
    state: Mutex<State>,
    pub(crate) while_down: WhileDown,
    /// There is something to write.
    pub(crate) submitted: Notify,
    /// There are calls to watch the time for.
    pub(crate) begun: Notify,
}

struct State {
    slots: Vec<Slot>,
    free: Vec<u32>,
    unwritten: Buffer,
    now: Tick,
    clock_stands: bool,
    /// Calls fail at once: there is no connection, and none is waited for.
    closed: bool,
}

struct Slot {
    round: u32,
    deadline: Deadline,
    stage: Stage,
}

enum Stage {
    Answered(Zeroizing<Vec<u8>>),
    Free,
    /// Nobody waits for it any more, and the process is as stuck as otherwise if it does not answer.
    GivenUp,
    Lapsed(Lapse),
    Waiting(Option<Waker>),
}

/// Why a call got no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lapse {
    /// The connection ended before the reply came.
    Ended,
    /// The deadline passed.
    Overdue,
}

/// When a call is overdue.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    tick: Tick,
    /// Whether the process is stuck then.
    kill: bool,
}

/// A count of [`TICK`]s; it stands still while there are no calls.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

impl Calls {
    pub(crate) fn new(while_down: WhileDown) -> Arc<Self> {
        let state = State {
            slots: Vec::new(),
            free: Vec::new(),
            unwritten: Buffer::with_capacity(BUFFER),
            now: Tick(0),
            clock_stands: false,
            closed: while_down == WhileDown::Fail,
        };
        let (submitted, begun) = (Notify::new(), Notify::new());
        Arc::new(Self { state: Mutex::new(state), while_down, submitted, begun })
    }

    /// When a call with that limit is overdue, if it begins now.
    pub(crate) fn deadline(&self, limit: Limit) -> Deadline {
        let (kill, time) = match limit {
            Limit::GiveUpAfter(time) => (false, time),
            Limit::KillAfter(time) => (true, time),
        };
        Deadline { tick: Tick(self.state().now.0.saturating_add(ticks(time))), kill }
    }

    /// Appends the command to what is to be written.
    pub(crate) fn submit<C: Serialize>(
        self: &Arc<Self>,
        command: &C,
        deadline: Deadline,
    ) -> Result<Answer, CallError> {
        let mut state = self.state();
        if state.closed {
            return Err(CallError::Gone);
        }
        if state.unwritten.filled().len() > MAX_UNWRITTEN {
            return Err(CallError::Busy);
        }
        let nothing_unwritten = state.unwritten.is_empty();
        let request = state.occupy(deadline)?;
        if frames::append(&mut state.unwritten, request, command).is_err() {
            state.release(request);
            return Err(CallError::TooLarge);
        }
        let clock_stands = mem::take(&mut state.clock_stands);
        drop(state);
        if nothing_unwritten {
            self.submitted.notify_one();
        }
        if clock_stands {
            self.begun.notify_one();
        }
        Ok(Answer { calls: Arc::clone(self), request })
    }

    /// Exchanges the frames to write for an empty buffer.
    pub(crate) fn take_unwritten(&self, empty: &mut Buffer) {
        mem::swap(&mut self.state().unwritten, empty);
    }

    /// Whether there is something to write.
    pub(crate) fn has_unwritten(&self) -> bool {
        !self.state().unwritten.is_empty()
    }

    /// How many calls there are that are not over.
    pub(crate) fn in_flight(&self) -> usize {
        let state = self.state();
        state.slots.len().saturating_sub(state.free.len())
    }

    /// Hands the complete frames at the buffer's front to their calls.
    pub(crate) fn deliver(
        &self,
        read: &mut Buffer,
        wakers: &mut Vec<Waker>,
    ) -> Result<(), frames::BrokenStream> {
        let mut state = self.state();
        while let Some(frame) = Frame::first(read.filled())? {
            state.settle(frame.request, || Stage::Answered(Zeroizing::new(frame.body().to_vec())), wakers);
            let length = frame.length;
            read.consume(length);
        }
        drop(state);
        wakers.drain(..).for_each(Waker::wake);
        Ok(())
    }

    /// There is a connection.
    pub(crate) fn connected(&self) {
        self.state().closed = false;
    }

    /// The connection is gone, and with it every call that waits.
    pub(crate) fn disconnected(&self) {
        let mut state = self.state();
        state.closed |= self.while_down == WhileDown::Fail;
        let unwritten = state.unwritten.filled().len();
        state.unwritten.consume(unwritten);
        let wakers = state.lapse(|_| Some(Lapse::Ended)).wakers;
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// A tick has passed. Says whether calls are overdue that a process only leaves unanswered if it is stuck, and `None` if there
    /// are no calls and the clock may stand.
    pub(crate) fn tick(&self) -> Option<bool> {
        let mut state = self.state();
        let now = Tick(state.now.0.saturating_add(1));
        state.now = now;
        if state.free.len() == state.slots.len() {
            state.clock_stands = true;
            return None;
        }
        let overdue = |slot: &Slot| (slot.deadline.tick <= now).then_some(Lapse::Overdue);
        let Lapsed { wakers, stuck } = state.lapse(overdue);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        Some(stuck)
    }

    /// There will be no connection any more: calls fail at once.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.disconnected();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn occupy(&mut self, deadline: Deadline) -> Result<RequestId, CallError> {
        let place = match self.free.pop() {
            Some(place) => place,
            None if self.slots.len() < MAX_IN_FLIGHT => {
                self.slots.push(Slot { round: 0, deadline, stage: Stage::Free });
                u32::try_from(self.slots.len().saturating_sub(1)).map_err(|_| CallError::Busy)?
            }
            None => return Err(CallError::Busy),
        };
        let slot =
            usize::try_from(place).ok().and_then(|at| self.slots.get_mut(at)).ok_or(CallError::Busy)?;
        slot.round = slot.round.wrapping_add(1);
        slot.deadline = deadline;
        slot.stage = Stage::Waiting(None);
        Ok(RequestId(u64::from(slot.round) << 32 | u64::from(place)))
    }

    fn release(&mut self, request: RequestId) {
        if let Some(slot) = self.slot(request) {
            slot.stage = Stage::Free;
            self.free.push(place(request));
        }
    }

    /// The caller waits no longer.
    fn give_up(&mut self, request: RequestId) {
        match self.slot(request) {
            Some(slot) if slot.deadline.kill && matches!(slot.stage, Stage::Waiting(_)) => {
                slot.stage = Stage::GivenUp;
            }
            _ => self.release(request),
        }
    }

    fn slot(&mut self, request: RequestId) -> Option<&mut Slot> {
        let at = usize::try_from(place(request)).ok()?;
        let slot = self.slots.get_mut(at)?;
        let is_its = u64::from(slot.round) == request.0 >> 32 && !matches!(slot.stage, Stage::Free);
        is_its.then_some(slot)
    }

    fn settle(&mut self, request: RequestId, stage: impl FnOnce() -> Stage, wakers: &mut Vec<Waker>) {
        let Some(slot) = self.slot(request) else { return };
        match &mut slot.stage {
            Stage::Waiting(waker) => {
                wakers.extend(waker.take());
                slot.stage = stage();
            }
            Stage::GivenUp => self.release(request),
            _ => (),
        }
    }

    fn lapse(&mut self, which: impl Fn(&Slot) -> Option<Lapse>) -> Lapsed {
        let mut lapsed = Lapsed { wakers: Vec::new(), stuck: false };
        for (place, slot) in (0..).zip(&mut self.slots) {
            let Some(why) = which(slot) else { continue };
            slot.stage = match &mut slot.stage {
                Stage::Waiting(waker) => {
                    lapsed.wakers.extend(waker.take());
                    Stage::Lapsed(why)
                }
                Stage::GivenUp => {
                    self.free.push(place);
                    Stage::Free
                }
                _ => continue,
            };
            lapsed.stuck |= why == Lapse::Overdue && slot.deadline.kill;
        }
        lapsed
    }
}

struct Lapsed {
    wakers: Vec<Waker>,
    stuck: bool,
}

/// The body of the reply to one call. Dropped, it gives the call up: its place is free again when the process has answered, or should have.
pub(crate) struct Answer {
    calls: Arc<Calls>,
    request: RequestId,
}

impl Future for Answer {
    type Output = Result<Zeroizing<Vec<u8>>, Lapse>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.calls.state();
        // INVARIANT: the slot is this call's until it is dropped.
        let Some(slot) = state.slot(self.request) else { return Poll::Ready(Err(Lapse::Ended)) };
        match &mut slot.stage {
            Stage::Waiting(Some(waker)) => waker.clone_from(context.waker()),
            Stage::Waiting(waker) => *waker = Some(context.waker().clone()),
            Stage::Answered(body) => return Poll::Ready(Ok(mem::take(body))),
            Stage::Lapsed(why) => return Poll::Ready(Err(*why)),
            Stage::Free | Stage::GivenUp => return Poll::Ready(Err(Lapse::Ended)),
        }
        Poll::Pending
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.calls.state().give_up(self.request);
    }
}

const fn place(request: RequestId) -> u32 {
    (request.0 & 0xffff_ffff) as u32
}

/// More than a worker has requests under way.
const MAX_IN_FLIGHT: usize = 16 * 1024;
/// What piles up while the process starts again must not grow without limit either.
const MAX_UNWRITTEN: usize = 16 * 1024 * 1024;
const BUFFER: usize = 2 * frames::MAX_FRAME;

#[expect(clippy::as_conversions, reason = "seconds that fit")]
const fn ticks(time: Duration) -> u64 {
    let ticks = (time.as_millis() / TICK.as_millis()) as u64;
    if ticks == 0 { 1 } else { ticks }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frames::Bytes;

    const STRICT: Limit = Limit::KillAfter(Duration::from_secs(2));

    fn calls() -> Arc<Calls> {
        Calls::new(WhileDown::Wait)
    }

    fn poll(answer: &mut Answer) -> Poll<Result<Zeroizing<Vec<u8>>, Lapse>> {
        Pin::new(answer).poll(&mut Context::from_waker(Waker::noop()))
    }

    fn try_submit(calls: &Arc<Calls>) -> Result<Answer, CallError> {
        calls.submit(&"status", calls.deadline(STRICT))
    }

    fn submit(calls: &Arc<Calls>) -> Answer {
        try_submit(calls).unwrap()
    }

    fn deliver(calls: &Calls, request: RequestId, text: &[u8]) {
        let mut read = Buffer::with_capacity(0);
        frames::append(&mut read, request, &Bytes(text)).unwrap();
        calls.deliver(&mut read, &mut Vec::new()).unwrap();
        assert!(read.is_empty());
    }

    fn text_of(answer: &mut Answer) -> Vec<u8> {
        let Poll::Ready(Ok(body)) = poll(answer) else { panic!("no reply") };
        frames::decode::<Bytes<'_>>(&body).unwrap().0.to_vec()
    }

    #[test]
    fn replies_find_their_calls_in_any_order() {
        let calls = calls();
        let (mut first, mut second) = (submit(&calls), submit(&calls));
        assert!(poll(&mut first).is_pending());
        deliver(&calls, second.request, b"second");
        deliver(&calls, first.request, b"first");
        assert_eq!((text_of(&mut first), text_of(&mut second)), (b"first".to_vec(), b"second".to_vec()));
    }

    #[test]
    fn a_reply_to_a_call_that_was_given_up_reaches_nobody() {
        let calls = calls();
        let given_up = submit(&calls);
        let request = given_up.request;
        drop(given_up);
        let mut next = submit(&calls);
        deliver(&calls, request, b"late");
        assert!(poll(&mut next).is_pending());
    }

    #[test]
    fn a_process_that_leaves_a_call_unanswered_is_stuck_also_if_the_call_was_given_up() {
        let calls = calls();
        drop(submit(&calls));
        let answered = submit(&calls);
        let request = answered.request;
        drop(answered);
        deliver(&calls, request, b"late");
        for _ in 1..20 {
            assert_eq!(calls.tick(), Some(false));
        }
        assert_eq!(calls.tick(), Some(true));
        assert_eq!(calls.tick(), None);
        drop(submit(&calls));
        calls.disconnected();
        assert_eq!(calls.tick(), None, "what a lost connection ended is not waited for");
        drop(calls.submit(&"slow", calls.deadline(Limit::GiveUpAfter(Duration::from_secs(8)))).unwrap());
        assert_eq!(calls.tick(), None);
    }

    #[test]
    fn a_lost_connection_ends_the_calls_that_wait_and_keeps_replies_that_came() {
        let calls = calls();
        let (mut answered, mut waiting) = (submit(&calls), submit(&calls));
        deliver(&calls, answered.request, b"came");
        calls.disconnected();
        assert_eq!(text_of(&mut answered), b"came");
        assert!(matches!(poll(&mut waiting), Poll::Ready(Err(Lapse::Ended))));
        assert!(!calls.has_unwritten());
    }

    #[test]
    fn calls_fail_at_once_without_a_connection_unless_they_are_to_wait_for_one() {
        let calls = Calls::new(WhileDown::Fail);
        assert_eq!(try_submit(&calls).err(), Some(CallError::Gone));
        calls.connected();
        let mut waiting = submit(&calls);
        calls.disconnected();
        assert!(matches!(poll(&mut waiting), Poll::Ready(Err(Lapse::Ended))));
        assert_eq!(try_submit(&calls).err(), Some(CallError::Gone));
        calls.connected();
        assert!(try_submit(&calls).is_ok());
    }

    #[test]
    fn a_call_is_overdue_after_its_limit_and_the_clock_stands_without_calls() {
        let calls = calls();
        assert_eq!(calls.tick(), None);
        let mut waiting = submit(&calls);
        assert!(poll(&mut waiting).is_pending());
        for _ in 1..20 {
            assert_eq!(calls.tick(), Some(false));
        }
        assert_eq!(calls.tick(), Some(true));
        assert!(matches!(poll(&mut waiting), Poll::Ready(Err(Lapse::Overdue))));
        drop(waiting);
        assert_eq!(calls.tick(), None);
    }

    #[test]
    fn a_call_that_is_only_given_up_says_nothing_of_the_process_when_it_is_overdue() {
        let calls = calls();
        let deadline = calls.deadline(Limit::GiveUpAfter(Duration::from_secs(8)));
        let mut waiting = calls.submit(&"slow", deadline).unwrap();
        for _ in 1..80 {
            assert_eq!(calls.tick(), Some(false));
        }
        assert!(poll(&mut waiting).is_pending());
        assert_eq!(calls.tick(), Some(false));
        assert!(matches!(poll(&mut waiting), Poll::Ready(Err(Lapse::Overdue))));
    }

    #[test]
    fn a_limit_shorter_than_a_tick_is_one_tick() {
        let calls = calls();
        let mut waiting = calls.submit(&"fast", calls.deadline(Limit::GiveUpAfter(Duration::ZERO))).unwrap();
        assert!(poll(&mut waiting).is_pending());
        assert_eq!(calls.tick(), Some(false));
        assert!(matches!(poll(&mut waiting), Poll::Ready(Err(Lapse::Overdue))));
    }

    #[test]
    fn calls_beyond_the_limit_are_refused_and_room_comes_back() {
        let calls = calls();
        let mut waiting: Vec<_> = (0..MAX_IN_FLIGHT).map(|_| submit(&calls)).collect();
        assert_eq!(try_submit(&calls).err(), Some(CallError::Busy));
        let given_up = waiting.pop().unwrap().request;
        assert_eq!(try_submit(&calls).err(), Some(CallError::Busy));
        assert_eq!(calls.in_flight(), MAX_IN_FLIGHT);
        deliver(&calls, given_up, b"late");
        assert_eq!(calls.in_flight(), MAX_IN_FLIGHT - 1);
        assert!(try_submit(&calls).is_ok());
    }

    #[test]
    fn a_command_that_does_not_fit_in_a_frame_is_too_large_and_leaves_nothing() {
        let calls = calls();
        let long = "v".repeat(frames::MAX_FRAME);
        assert_eq!(calls.submit(&long, calls.deadline(STRICT)).err(), Some(CallError::TooLarge));
        assert!(!calls.has_unwritten());
        assert_eq!(calls.tick(), None);
    }

    #[test]
    fn bytes_that_pile_up_unwritten_are_bounded() {
        let calls = calls();
        let long = "v".repeat(60_000);
        let mut waiting = Vec::new();
        let refused = loop {
            match calls.submit(&long, calls.deadline(STRICT)) {
                Ok(answer) => waiting.push(answer),
                Err(error) => break error,
            }
        };
        assert_eq!(refused, CallError::Busy);
        assert!((200..300).contains(&waiting.len()), "{}", waiting.len());
        calls.take_unwritten(&mut Buffer::with_capacity(0));
        assert!(calls.submit(&long, calls.deadline(STRICT)).is_ok());
    }

    #[test]
    fn after_the_end_calls_fail_at_once() {
        let calls = calls();
        calls.close();
        assert_eq!(try_submit(&calls).err(), Some(CallError::Gone));
    }
}
