//! The body of a request: whole, within its limits, and without a copy if it came in one piece; or left, and then read away.

use super::activity::InFlight;
use crate::Limits;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use std::cell::Cell;
use std::time::Duration;

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
    pub(super) fn read_away(self, in_flight: InFlight) {
        if self.is_left && !self.waits_for_leave && !self.incoming.is_end_stream() {
            let read_away = tokio::time::timeout(READ_AWAY_WITHIN, read_away(self.incoming));
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
        let mut held = Held { memory, bytes: 0 };
        let mut whole = BytesMut::from(first);
        loop {
            if whole.len() > longest {
                return Err(BodyError::TooLarge);
            }
            held.grow_to(whole.len())?;
            match next(&mut self.incoming).await? {
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

/// The memory that a worker has for bodies of which only a part has arrived.
#[derive(Debug)]
pub(super) struct Memory {
    bytes: Cell<usize>,
    used: Cell<usize>,
}

impl Memory {
    pub(super) const fn new(bytes: usize) -> Self {
        Self { bytes: Cell::new(bytes), used: Cell::new(0) }
    }

    /// What is used beyond that stays until it is given back.
    pub(super) fn resize(&self, bytes: usize) {
        self.bytes.set(bytes);
    }
}

/// Memory taken by one body, given back when it is dropped.
struct Held<'a> {
    memory: &'a Memory,
    bytes: usize,
}

impl Held<'_> {
    fn grow_to(&mut self, bytes: usize) -> Result<(), BodyError> {
        let more = bytes.saturating_sub(self.bytes);
        let used = self.memory.used.get().saturating_add(more);
        if used > self.memory.bytes.get() {
            return Err(BodyError::NoMemory);
        }
        self.memory.used.set(used);
        self.bytes = self.bytes.saturating_add(more);
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.memory.used.set(self.memory.used.get().saturating_sub(self.bytes));
    }
}

const READ_AWAY_AT_MOST: usize = 16 << 20;
const READ_AWAY_WITHIN: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_refused_when_it_is_used_up_and_comes_back() {
        let memory = Memory::new(100);
        let mut first = Held { memory: &memory, bytes: 0 };
        assert_eq!(first.grow_to(60), Ok(()));
        let mut second = Held { memory: &memory, bytes: 0 };
        assert_eq!(second.grow_to(60), Err(BodyError::NoMemory));
        drop(first);
        assert_eq!(second.grow_to(60), Ok(()));
    }

    #[test]
    fn memory_that_was_made_smaller_is_refused_until_enough_comes_back() {
        let memory = Memory::new(100);
        let mut first = Held { memory: &memory, bytes: 0 };
        assert_eq!(first.grow_to(60), Ok(()));
        memory.resize(50);
        let mut second = Held { memory: &memory, bytes: 0 };
        assert_eq!(second.grow_to(1), Err(BodyError::NoMemory));
        drop(first);
        assert_eq!(second.grow_to(50), Ok(()));
    }
}
