//! Calls in flight on one connection: a slab of slots, and the frames that are not yet written.
//!
//! A slot holds the waker of its call, so that a reply needs no channel. A request id is the slot's place and the number of calls
//! it has had: a reply that comes after its call was given up finds nobody.

use crate::CallError;
use frames::{Buffer, Frame, RequestId};
use module_api::{Command, Refusal};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::Notify;
use zeroize::Zeroizing;

/// How long a call may take, retry and restart of the module included.
pub const DEADLINE: Duration = Duration::from_secs(2);

/// How long a call may take that has RSA keys made: that takes long, and others may be ahead of it.
pub const GENERATION_DEADLINE: Duration = Duration::from_secs(8);

/// How often overdue calls are looked for.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// The calls of one worker.
pub(crate) struct Calls {
    state: Mutex<State>,
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
    Lapsed(Lapse),
    Waiting(Option<Waker>),
}

/// Why a call got no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lapse {
    /// The connection ended before the reply came.
    ModuleEnded,
    /// The deadline passed.
    Overdue(Pace),
}

/// How long a command takes the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// No time worth speaking of: a module that does not answer is stuck.
    Fast,
    /// As long as it takes to make keys, after those that are made already.
    Slow,
}

/// When a call is overdue.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    tick: Tick,
    pace: Pace,
}

/// A count of [`TICK`]s; it stands still while there are no calls.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

impl Calls {
    pub(crate) fn new() -> Arc<Self> {
        let state = State {
            slots: Vec::new(),
            free: Vec::new(),
            unwritten: Buffer::with_capacity(BUFFER),
            now: Tick(0),
            clock_stands: false,
            closed: false,
        };
        Arc::new(Self { state: Mutex::new(state), submitted: Notify::new(), begun: Notify::new() })
    }

    /// When a call of that command is overdue, if it begins now.
    pub(crate) fn deadline(&self, command: &Command<'_>) -> Deadline {
        let (pace, ticks) = match command.makes_rsa_keys() {
            false => (Pace::Fast, ticks(DEADLINE)),
            true => (Pace::Slow, ticks(GENERATION_DEADLINE)),
        };
        Deadline { tick: Tick(self.state().now.0.saturating_add(ticks)), pace }
    }

    /// Appends the command to what is to be written.
    pub(crate) fn submit(
        self: &Arc<Self>,
        command: &Command<'_>,
        deadline: Deadline,
    ) -> Result<Answer, CallError> {
        let mut state = self.state();
        if state.closed {
            return Err(CallError::ModuleGone);
        }
        if state.unwritten.filled().len() > MAX_UNWRITTEN {
            return Err(CallError::Busy);
        }
        let nothing_unwritten = state.unwritten.is_empty();
        let request = state.occupy(deadline)?;
        if frames::append(&mut state.unwritten, request, command).is_err() {
            state.release(request);
            return Err(CallError::Refused(Refusal::TooLarge));
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

    /// The connection is gone, and with it every call that waits.
    pub(crate) fn disconnected(&self) {
        let mut state = self.state();
        let unwritten = state.unwritten.filled().len();
        state.unwritten.consume(unwritten);
        let wakers = state.lapse(|_| Some(Lapse::ModuleEnded)).wakers;
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// A tick has passed. Says whether calls are overdue that should have been answered at once, and `None` if there are no calls
    /// and the clock may stand.
    pub(crate) fn tick(&self) -> Option<bool> {
        let mut state = self.state();
        let now = Tick(state.now.0.saturating_add(1));
        state.now = now;
        if state.free.len() == state.slots.len() {
            state.clock_stands = true;
            return None;
        }
        let overdue = |slot: &Slot| (slot.deadline.tick <= now).then_some(Lapse::Overdue(slot.deadline.pace));
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

    fn slot(&mut self, request: RequestId) -> Option<&mut Slot> {
        let at = usize::try_from(place(request)).ok()?;
        let slot = self.slots.get_mut(at)?;
        let is_its = u64::from(slot.round) == request.0 >> 32 && !matches!(slot.stage, Stage::Free);
        is_its.then_some(slot)
    }

    fn settle(&mut self, request: RequestId, stage: impl FnOnce() -> Stage, wakers: &mut Vec<Waker>) {
        if let Some(slot) = self.slot(request)
            && let Stage::Waiting(waker) = &mut slot.stage
        {
            wakers.extend(waker.take());
            slot.stage = stage();
        }
    }

    fn lapse(&mut self, which: impl Fn(&Slot) -> Option<Lapse>) -> Lapsed {
        let mut lapsed = Lapsed { wakers: Vec::new(), stuck: false };
        for slot in &mut self.slots {
            let Some(why) = which(slot) else { continue };
            if let Stage::Waiting(waker) = &mut slot.stage {
                lapsed.wakers.extend(waker.take());
                lapsed.stuck |= why == Lapse::Overdue(Pace::Fast);
                slot.stage = Stage::Lapsed(why);
            }
        }
        lapsed
    }
}

struct Lapsed {
    wakers: Vec<Waker>,
    stuck: bool,
}

/// The body of the reply to one call. Dropped, it gives the call up.
pub(crate) struct Answer {
    calls: Arc<Calls>,
    request: RequestId,
}

impl Future for Answer {
    type Output = Result<Zeroizing<Vec<u8>>, Lapse>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.calls.state();
        // INVARIANT: the slot is this call's until it is dropped.
        let Some(slot) = state.slot(self.request) else { return Poll::Ready(Err(Lapse::ModuleEnded)) };
        match &mut slot.stage {
            Stage::Waiting(Some(waker)) => waker.clone_from(context.waker()),
            Stage::Waiting(waker) => *waker = Some(context.waker().clone()),
            Stage::Answered(body) => return Poll::Ready(Ok(mem::take(body))),
            Stage::Lapsed(why) => return Poll::Ready(Err(*why)),
            Stage::Free => return Poll::Ready(Err(Lapse::ModuleEnded)),
        }
        Poll::Pending
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.calls.state().release(self.request);
    }
}

const fn place(request: RequestId) -> u32 {
    (request.0 & 0xffff_ffff) as u32
}

/// More than a worker has requests under way.
const MAX_IN_FLIGHT: usize = 16 * 1024;
/// What piles up while the module starts again must not grow without limit either.
const MAX_UNWRITTEN: usize = 16 * 1024 * 1024;
const BUFFER: usize = 2 * frames::MAX_FRAME;

#[expect(clippy::as_conversions, reason = "seconds that fit")]
const fn ticks(time: Duration) -> u64 {
    (time.as_millis() / TICK.as_millis()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use module_api::{Bytes, Reply};

    fn poll(answer: &mut Answer) -> Poll<Result<Zeroizing<Vec<u8>>, Lapse>> {
        Pin::new(answer).poll(&mut Context::from_waker(Waker::noop()))
    }

    fn submit(calls: &Arc<Calls>) -> Answer {
        calls.submit(&Command::Status, calls.deadline(&Command::Status)).unwrap()
    }

    fn deliver(calls: &Calls, request: RequestId, text: &[u8]) {
        let mut read = Buffer::with_capacity(0);
        frames::append(&mut read, request, &Reply::Random(Bytes(text))).unwrap();
        calls.deliver(&mut read, &mut Vec::new()).unwrap();
        assert!(read.is_empty());
    }

    fn text_of(answer: &mut Answer) -> Vec<u8> {
        let Poll::Ready(Ok(body)) = poll(answer) else { panic!("no reply") };
        let Reply::Random(text) = frames::decode(&body).unwrap() else { panic!("another reply") };
        text.0.to_vec()
    }

    #[test]
    fn replies_find_their_calls_in_any_order() {
        let calls = Calls::new();
        let (mut first, mut second) = (submit(&calls), submit(&calls));
        assert!(poll(&mut first).is_pending());
        deliver(&calls, second.request, b"second");
        deliver(&calls, first.request, b"first");
        assert_eq!((text_of(&mut first), text_of(&mut second)), (b"first".to_vec(), b"second".to_vec()));
    }

    #[test]
    fn a_reply_to_a_call_that_was_given_up_reaches_nobody() {
        let calls = Calls::new();
        let given_up = submit(&calls);
        let request = given_up.request;
        drop(given_up);
        let mut next = submit(&calls);
        deliver(&calls, request, b"late");
        assert!(poll(&mut next).is_pending());
    }

    #[test]
    fn a_lost_connection_ends_the_calls_that_wait_and_keeps_replies_that_came() {
        let calls = Calls::new();
        let (mut answered, mut waiting) = (submit(&calls), submit(&calls));
        deliver(&calls, answered.request, b"came");
        calls.disconnected();
        assert_eq!(text_of(&mut answered), b"came");
        assert!(matches!(poll(&mut waiting), Poll::Ready(Err(Lapse::ModuleEnded))));
        assert!(!calls.has_unwritten());
    }

    #[test]
    fn a_call_is_overdue_after_its_deadline_and_the_clock_stands_without_calls() {
        let calls = Calls::new();
        assert_eq!(calls.tick(), None);
        let mut waiting = submit(&calls);
        assert!(poll(&mut waiting).is_pending());
        for _ in 1..ticks(DEADLINE) {
            assert_eq!(calls.tick(), Some(false));
        }
        assert_eq!(calls.tick(), Some(true));
        assert!(matches!(poll(&mut waiting), Poll::Ready(Err(Lapse::Overdue(Pace::Fast)))));
        drop(waiting);
        assert_eq!(calls.tick(), None);
    }

    #[test]
    fn a_call_that_makes_keys_has_longer_and_says_nothing_of_the_module_when_it_is_overdue() {
        let calls = Calls::new();
        let module_api::Binding { account, region, key_id, usage, origin, .. } = binding();
        let key = module_api::NewKey { account, region, key_id, spec: keys::KeySpec::Rsa2048, usage, origin };
        let command = Command::GenerateKey { key: std::borrow::Cow::Owned(key) };
        let mut waiting = calls.submit(&command, calls.deadline(&command)).unwrap();
        for _ in 1..ticks(GENERATION_DEADLINE) {
            assert_eq!(calls.tick(), Some(false));
        }
        assert!(poll(&mut waiting).is_pending());
        assert_eq!(calls.tick(), Some(false));
        assert!(matches!(poll(&mut waiting), Poll::Ready(Err(Lapse::Overdue(Pace::Slow)))));
    }

    #[test]
    fn calls_beyond_the_limit_are_refused_and_room_comes_back() {
        let calls = Calls::new();
        let mut waiting: Vec<_> = (0..MAX_IN_FLIGHT).map(|_| submit(&calls)).collect();
        assert_eq!(
            calls.submit(&Command::Status, calls.deadline(&Command::Status)).err(),
            Some(CallError::Busy)
        );
        waiting.pop();
        assert!(calls.submit(&Command::Status, calls.deadline(&Command::Status)).is_ok());
    }

    #[test]
    fn a_command_that_does_not_fit_in_a_frame_is_too_large_and_leaves_nothing() {
        let calls = Calls::new();
        let context: module_api::EncryptionContext =
            [("key", "v".repeat(frames::MAX_FRAME))].into_iter().collect();
        let (token, binding) = (module_api::KeyToken::from_bytes([0; 98]), binding());
        let command = Command::Encrypt {
            key: module_api::Key::new(&token, &binding),
            algorithm: keys::EncryptionAlgorithm::SymmetricDefault,
            context: context.canonical(),
            plaintext: Bytes(b"text"),
        };
        let refused = calls.submit(&command, calls.deadline(&command)).err();
        assert_eq!(refused, Some(CallError::Refused(Refusal::TooLarge)));
        assert!(!calls.has_unwritten());
        assert_eq!(calls.tick(), None);
    }

    #[test]
    fn bytes_that_pile_up_unwritten_are_bounded() {
        let calls = Calls::new();
        let new = [("key", "v".repeat(60_000))];
        let context: module_api::EncryptionContext = new.into_iter().collect();
        let (token, binding) = (module_api::KeyToken::from_bytes([0; 98]), binding());
        let command = Command::Encrypt {
            key: module_api::Key::new(&token, &binding),
            algorithm: keys::EncryptionAlgorithm::SymmetricDefault,
            context: context.canonical(),
            plaintext: Bytes(b"text"),
        };
        let mut waiting = Vec::new();
        let refused = loop {
            match calls.submit(&command, calls.deadline(&command)) {
                Ok(answer) => waiting.push(answer),
                Err(error) => break error,
            }
        };
        assert_eq!(refused, CallError::Busy);
        assert!((200..300).contains(&waiting.len()), "{}", waiting.len());
        calls.take_unwritten(&mut Buffer::with_capacity(0));
        assert!(calls.submit(&command, calls.deadline(&command)).is_ok());
    }

    fn binding() -> module_api::Binding {
        module_api::Binding {
            account: "123456789012".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            key_id: keys::KeyId::single_region([1; 16]),
            spec: keys::KeySpec::SymmetricDefault,
            usage: keys::KeyUsage::EncryptDecrypt,
            origin: keys::KeyOrigin::AwsKms,
            material_id: keys::KeyMaterialId::from_bytes([2; 32]),
        }
    }

    #[test]
    fn after_the_end_calls_fail_at_once() {
        let calls = Calls::new();
        calls.close();
        assert_eq!(
            calls.submit(&Command::Status, calls.deadline(&Command::Status)).err(),
            Some(CallError::ModuleGone)
        );
    }
}
