//! Reading the body of a request: whole, within its limits, and without a copy if it came in one piece.

use bytes::{Bytes, BytesMut};
use http::header;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::cell::Cell;
use std::time::Duration;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// The client went away or broke the protocol.
    Broken,
    /// Too much memory is in use for other bodies.
    NoMemory,
    /// It is longer than allowed.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
}

/// What a body may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits {
    pub(super) bytes: usize,
    pub(super) time: Duration,
}

/// The memory that a worker has for bodies of which only a part has arrived.
#[derive(Debug)]
pub(super) struct Memory {
    free: Cell<usize>,
}

impl Memory {
    pub(super) const fn new(bytes: usize) -> Self {
        Self { free: Cell::new(bytes) }
    }
}

/// The whole body.
pub(super) async fn read(
    body: Incoming,
    parts: &Parts,
    limits: BodyLimits,
    memory: &Memory,
) -> Result<Bytes, BodyError> {
    // A client that asks first has not sent what would have to be read away.
    let waits_for_leave = parts.headers.contains_key(header::EXPECT);
    let read = tokio::time::timeout(limits.time, collect(body, limits.bytes, memory, waits_for_leave));
    read.await.unwrap_or(Err(BodyError::TooSlow))
}

async fn collect(
    mut body: Incoming,
    longest: usize,
    memory: &Memory,
    waits_for_leave: bool,
) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > longest as u64 {
        return refuse(body, waits_for_leave).await;
    }
    let Some(first) = next(&mut body).await? else { return Ok(Bytes::new()) };
    if body.is_end_stream() && first.len() <= longest {
        return Ok(first);
    }
    let mut held = Held { memory, bytes: 0 };
    let mut whole = BytesMut::from(first);
    loop {
        if whole.len() > longest {
            return refuse(body, waits_for_leave).await;
        }
        held.grow_to(whole.len())?;
        match next(&mut body).await? {
            Some(piece) => whole.extend_from_slice(&piece),
            None => return Ok(whole.freeze()),
        }
    }
}

/// Reads away what the client is still sending, within reason: a client that is cut off while it sends may never see the answer.
async fn refuse(mut body: Incoming, waits_for_leave: bool) -> Result<Bytes, BodyError> {
    let mut left = READ_AWAY_AT_MOST;
    while !waits_for_leave && left > 0 {
        match next(&mut body).await {
            Ok(Some(piece)) => left = left.saturating_sub(piece.len()),
            Ok(None) | Err(_) => break,
        }
    }
    Err(BodyError::TooLarge)
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

/// Memory taken by one body, given back when it is dropped.
struct Held<'a> {
    memory: &'a Memory,
    bytes: usize,
}

impl Held<'_> {
    fn grow_to(&mut self, bytes: usize) -> Result<(), BodyError> {
        let more = bytes.saturating_sub(self.bytes);
        self.memory.free.set(self.memory.free.get().checked_sub(more).ok_or(BodyError::NoMemory)?);
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.memory.free.set(self.memory.free.get().saturating_add(self.bytes));
    }
}

const READ_AWAY_AT_MOST: usize = 16 << 20;

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
}
