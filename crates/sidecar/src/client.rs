//! The client: one call after another over a worker's connection.

use crate::WhileDown;
use crate::calls::{Calls, Lapse, Limit};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Calls the process over one worker's connection. Clones share the connection.
#[derive(Clone)]
pub struct Client {
    calls: Arc<Calls>,
}

impl Client {
    pub(crate) const fn new(calls: Arc<Calls>) -> Self {
        Self { calls }
    }

    /// Makes the call; the body of the reply comes back, for `frames::decode`. Dropped before that, the call is given up.
    ///
    /// If calls wait while the process is down, then one in flight when it ends is made once more, within the same limit: every
    /// command of such a process must be one that may be carried out twice.
    pub async fn call<C: Serialize>(
        &self,
        command: &C,
        limit: Limit,
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        let deadline = self.calls.deadline(limit);
        let body = match self.calls.submit(command, deadline)?.await {
            Err(Lapse::Ended) if self.calls.while_down == WhileDown::Wait => {
                self.calls.submit(command, deadline)?.await
            }
            answered => answered,
        };
        body.map_err(|lapse| match lapse {
            Lapse::Ended => CallError::Gone,
            Lapse::Overdue => CallError::Overdue,
        })
    }

    /// How many calls the process has yet to answer, those that were given up included.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.calls.in_flight()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

/// Why a call has no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// More calls are in flight on this connection than it takes.
    #[error("too many calls are in flight")]
    Busy,
    /// The process is not there, or ended before it answered.
    #[error("the process is gone")]
    Gone,
    /// The process did not answer within the limit.
    #[error("the process did not answer in time")]
    Overdue,
    /// The command does not fit in a frame.
    #[error("the command is too large")]
    TooLarge,
}
