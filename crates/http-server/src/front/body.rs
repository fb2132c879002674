//! The body of a request: whole, within its limits, and without a copy if it came in one piece; or left, and then read away.

use super::activity::InFlight;
use crate::Limits;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A body that has not been read.
#[derive(Debug)]
pub struct Body<'a> {
    arriving: &'a mut Arriving,
    limits: BodyLimits,
    memory: &'a Memory,
}

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The client went away or broke the protocol.
    #[error("the body broke off")]
    Broken,
    /// Too much memory is in use for other bodies.
    #[error("there is no memory for the body")]
    NoMemory,
    /// It is longer than allowed.
    #[error("the body is too long")]
    TooLarge,
    /// It did not arrive in time.
    #[error("the body did not arrive in time")]
    TooSlow,
}

impl<'a> Body<'a> {
    pub(super) const fn new(arriving: &'a mut Arriving, limits: BodyLimits, memory: &'a Memory) -> Self {
        Self { arriving, limits, memory }
    }

    /// Whether its head says already that it is longer than allowed.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.arriving.incoming.size_hint().lower() > self.limits.bytes as u64
    }

    /// The whole body. After `NoMemory` and `TooSlow` the answer should say that it is the connection's last.
    pub async fn read(self) -> Result<Bytes, BodyError> {
        let read = tokio::time::timeout(self.limits.time, self.arriving.read(self.limits.bytes, self.memory));
        let read = read.await.unwrap_or(Err(BodyError::TooSlow));
        self.arriving.is_left = matches!(read, Err(BodyError::TooLarge));
        read
    }
}

/// What a body may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits {
    bytes: usize,
    time: Duration,
}

impl BodyLimits {
    pub(super) const fn of(limits: &Limits) -> Self {
        Self { bytes: limits.body_bytes, time: limits.body_timeout }
    }
}

/// A body on its way, and what is to become of the rest of it.
#[derive(Debug)]
pub(super) struct Arriving {
    incoming: Incoming,
    /// A client that asks first has not sent what would have to be read away.
    waits_for_leave: bool,
    is_left: bool,
}

impl Arriving {
    pub(super) fn new(incoming: Incoming, headers: &HeaderMap) -> Self {
        Self { incoming, waits_for_leave: headers.contains_key(header::EXPECT), is_left: true }
    }

    /// Reads away what the client is still sending, within reason: a client that is cut off while it sends may never see its answer. The
    /// answer does not wait for that, but the request is in flight until then.
    pub(super) fn read_away(self, in_flight: InFlight, within: Duration) {
        if self.is_left && !self.waits_for_leave && !self.incoming.is_end_stream() {
            let read_away = tokio::time::timeout(within, read_away(self.incoming));
            tokio::task::spawn_local(async move {
                let _ = read_away.await;
                drop(in_flight);
            });
        }
    }

    async fn read(&mut self, longest: usize, memory: &Memory) -> Result<Bytes, BodyError> {
        if self.incoming.size_hint().lower() > longest as u64 {
            return Err(BodyError::TooLarge);
        }
        let Some(first) = next(&mut self.incoming).await? else { return Ok(Bytes::new()) };
        if self.incoming.is_end_stream() && first.len() <= longest {
            return Ok(first);
        }
        let mut held = Held::of(memory, Instant::now());
        let mut whole = BytesMut::from(first);
        loop {
            if whole.len() > longest {
                return Err(BodyError::TooLarge);
            }
            held.grow_to(whole.len(), Instant::now())?;
            let piece = tokio::select! {
                biased;
                () = held.given_up() => return Err(BodyError::NoMemory),
                piece = next(&mut self.incoming) => piece?,
            };
            match piece {
                Some(piece) => whole.extend_from_slice(&piece),
                None => return Ok(whole.freeze()),
            }
        }
    }
}

async fn read_away(mut incoming: Incoming) {
    let mut left = READ_AWAY_AT_MOST;
    while left > 0 {
        match next(&mut incoming).await {
            Ok(Some(piece)) => left = left.saturating_sub(piece.len()),
            Ok(None) | Err(_) => break,
        }
    }
}

async fn next(body: &mut Incoming) -> Result<Option<Bytes>, BodyError> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Err(_)) => return Err(BodyError::Broken),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// The memory that a worker has for bodies of which only a part has arrived. Where there is none left, those that began long ago make
/// room: else whoever sends slowly, and need not be known for that, could keep everybody else's out.
#[derive(Debug)]
pub(super) struct Memory {
    bytes: Cell<usize>,
    used: Cell<usize>,
    /// In the order in which they began.
    parts: RefCell<VecDeque<Rc<Part>>>,
}

/// What one body has of it.
#[derive(Debug)]
struct Part {
    bytes: Cell<usize>,
    begun: Instant,
    given_up: Notify,
}

impl Memory {
    pub(super) const fn new(bytes: usize) -> Self {
        Self { bytes: Cell::new(bytes), used: Cell::new(0), parts: RefCell::new(VecDeque::new()) }
    }

    /// What is used beyond that stays until it is given back.
    pub(super) fn resize(&self, bytes: usize) {
        self.bytes.set(bytes);
    }

    fn give_back(&self, part: &Part) {
        self.used.set(self.used.get().saturating_sub(part.bytes.take()));
    }

    /// Gives up the body that began first, if that was long ago and it is not that one. Says whether it did.
    fn make_room_for(&self, asking: &Rc<Part>, now: Instant) -> bool {
        let is_old = |part: &mut Rc<Part>| {
            !Rc::ptr_eq(part, asking) && now.saturating_duration_since(part.begun) >= UNDISTURBED
        };
        let Some(oldest) = self.parts.borrow_mut().pop_front_if(is_old) else { return false };
        self.give_back(&oldest);
        oldest.given_up.notify_one();
        true
    }
}

/// Memory taken by one body, given back when it is dropped.
struct Held<'a> {
    memory: &'a Memory,
    part: Rc<Part>,
}

impl<'a> Held<'a> {
    fn of(memory: &'a Memory, now: Instant) -> Self {
        let part = Rc::new(Part { bytes: Cell::new(0), begun: now, given_up: Notify::new() });
        memory.parts.borrow_mut().push_back(Rc::clone(&part));
        Self { memory, part }
    }

    fn grow_to(&mut self, bytes: usize, now: Instant) -> Result<(), BodyError> {
        let more = bytes.saturating_sub(self.part.bytes.get());
        while self.memory.used.get().saturating_add(more) > self.memory.bytes.get() {
            if !self.memory.make_room_for(&self.part, now) {
                return Err(BodyError::NoMemory);
            }
        }
        self.memory.used.set(self.memory.used.get().saturating_add(more));
        self.part.bytes.set(bytes.max(self.part.bytes.get()));
        Ok(())
    }

    /// Ends when its memory is another's.
    async fn given_up(&self) {
        self.part.given_up.notified().await;
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.memory.give_back(&self.part);
        self.memory.parts.borrow_mut().retain(|part| !Rc::ptr_eq(part, &self.part));
    }
}

/// How long a body that is arriving gives way to no other. An honest one is there in far less.
const UNDISTURBED: Duration = Duration::from_millis(200);
const READ_AWAY_AT_MOST: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_refused_when_it_is_used_up_and_comes_back() {
        let (memory, now) = (Memory::new(100), Instant::now());
        let mut first = Held::of(&memory, now);
        assert_eq!(first.grow_to(60, now), Ok(()));
        let mut second = Held::of(&memory, now);
        assert_eq!(second.grow_to(60, now), Err(BodyError::NoMemory));
        drop(first);
        assert_eq!(second.grow_to(60, now), Ok(()));
    }

    #[test]
    fn memory_that_was_made_smaller_is_refused_until_enough_comes_back() {
        let (memory, now) = (Memory::new(100), Instant::now());
        let mut first = Held::of(&memory, now);
        assert_eq!(first.grow_to(60, now), Ok(()));
        memory.resize(50);
        let mut second = Held::of(&memory, now);
        assert_eq!(second.grow_to(1, now), Err(BodyError::NoMemory));
        drop(first);
        assert_eq!(second.grow_to(50, now), Ok(()));
    }

    #[tokio::test]
    async fn a_body_that_began_long_ago_makes_room_and_one_that_just_began_does_not() {
        let (memory, now) = (Memory::new(100), Instant::now());
        let [mut old, mut young] = [now, now + UNDISTURBED].map(|begun| Held::of(&memory, begun));
        assert_eq!(old.grow_to(50, now), Ok(()));
        assert_eq!(young.grow_to(50, now + UNDISTURBED), Ok(()));
        let now = now + UNDISTURBED;
        let mut newest = Held::of(&memory, now);
        assert_eq!(newest.grow_to(60, now), Err(BodyError::NoMemory), "that is more than the old one had");
        assert_eq!(newest.grow_to(50, now), Ok(()));
        old.given_up().await;
        drop(old);
        assert_eq!(memory.used.get(), 100, "what was given up is not given back again");
    }

    #[test]
    fn a_body_never_gives_way_to_itself() {
        let (memory, now) = (Memory::new(100), Instant::now());
        let mut only = Held::of(&memory, now);
        assert_eq!(only.grow_to(101, now + UNDISTURBED), Err(BodyError::NoMemory));
    }
}
