//! What a proxy saw: the last requests, and counters. It never holds a secret of a credential; bodies hold plaintexts, which
//! is what tests look for.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use tokio::sync::watch;

use crate::error::Error;
use crate::signature::SignatureFault;

/// A request as it came, written down before it is answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SeenRequest {
    /// On which connection it came; the first is 1.
    pub connection: u64,
    /// Its method.
    pub method: String,
    /// Its path, with the query if it has one.
    pub path: String,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: http::Version,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The access key id of its good signature, or why it has none.
    pub signature: Result<String, SignatureFault>,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Connections accepted.
    pub connections: u64,
    /// TLS handshakes that succeeded.
    pub handshakes: u64,
    /// Requests read to their end.
    pub requests: u64,
    /// Requests that are read and not yet answered.
    pub in_flight: u64,
    /// The most that were in flight at once.
    pub most_in_flight: u64,
}

#[derive(Debug)]
pub(crate) struct Observations {
    remembered: usize,
    last: Mutex<VecDeque<SeenRequest>>,
    arrived: Condvar,
    requests: watch::Sender<u64>,
    connections: AtomicU64,
    handshakes: AtomicU64,
    in_flight: AtomicU64,
    most_in_flight: AtomicU64,
}

impl Observations {
    pub(crate) fn new(remembered: usize) -> Self {
        Self {
            remembered,
            last: Mutex::default(),
            arrived: Condvar::new(),
            requests: watch::Sender::new(0),
            connections: AtomicU64::new(0),
            handshakes: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            most_in_flight: AtomicU64::new(0),
        }
    }

    /// The number of a new connection.
    pub(crate) fn connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn handshake(&self) {
        self.handshakes.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes a request down; it is in flight until what this returns is dropped.
    pub(crate) fn request(&self, request: SeenRequest) -> InFlight<'_> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_in_flight.fetch_max(now, Ordering::Relaxed);
        let mut last = self.last();
        if last.len() >= self.remembered {
            last.pop_front();
        }
        if self.remembered > 0 {
            last.push_back(request);
        }
        self.requests.send_modify(|count| *count += 1);
        drop(last);
        self.arrived.notify_all();
        InFlight(&self.in_flight)
    }

    pub(crate) fn requests(&self) -> Vec<SeenRequest> {
        self.last().iter().cloned().collect()
    }

    pub(crate) fn forget(&self) {
        self.last().clear();
    }

    pub(crate) fn arrivals(&self) -> watch::Receiver<u64> {
        self.requests.subscribe()
    }

    pub(crate) fn wait(&self, awaited: u64, timeout: Duration) -> Result<(), Error> {
        let too_few = |_: &mut VecDeque<SeenRequest>| *self.requests.borrow() < awaited;
        let (last, _) = self
            .arrived
            .wait_timeout_while(self.last(), timeout, too_few)
            .unwrap_or_else(PoisonError::into_inner);
        drop(last);
        let seen = *self.requests.borrow();
        if seen < awaited { Err(Error::FewerRequests { awaited, seen }) } else { Ok(()) }
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            connections: self.connections.load(Ordering::Relaxed),
            handshakes: self.handshakes.load(Ordering::Relaxed),
            requests: *self.requests.borrow(),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            most_in_flight: self.most_in_flight.load(Ordering::Relaxed),
        }
    }

    fn last(&self) -> MutexGuard<'_, VecDeque<SeenRequest>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is not answered yet.
pub(crate) struct InFlight<'a>(&'a AtomicU64);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
