//! Calls to the process of one member.

use crate::{Fault, Trouble};
use frames::decode;
use pkcs11_api::{Command, Reply};
use sidecar::{Client, Limit};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A worker's way to the process of one member.
#[derive(Debug)]
pub struct Member {
    client: Client,
    /// How many calls it has answered.
    answered: AtomicUsize,
}

impl Member {
    pub(crate) const fn new(client: Client) -> Self {
        Self { client, answered: AtomicUsize::new(0) }
    }

    /// One try of a command. Whoever does not answer within that time is stuck, and its process is killed; also if nobody waits for the
    /// answer any more.
    pub async fn ask<T>(
        &self,
        command: &Command<'_>,
        stuck_after: Duration,
        read: impl Fn(Reply<'_>) -> Option<T>,
    ) -> Result<T, Trouble> {
        let body = self.client.call(command, Limit::KillAfter(stuck_after)).await?;
        self.answered.fetch_add(1, Ordering::Relaxed);
        match decode(&body).map_err(|_| Fault::Failed)? {
            Reply::Refused(refusal) => Err(refusal.into()),
            reply => read(reply).ok_or(Trouble::Member(Fault::Failed)),
        }
    }

    /// The same, waiting only until then. Nobody is killed for being waited for no longer.
    pub async fn ask_until<T>(
        &self,
        end: Instant,
        command: &Command<'_>,
        stuck_after: Duration,
        read: impl Fn(Reply<'_>) -> Option<T>,
    ) -> Result<T, Trouble> {
        let answered = self.answered.load(Ordering::Relaxed);
        let asked = tokio::time::timeout_at(end, self.ask(command, stuck_after, read)).await;
        asked.unwrap_or_else(|_| match self.answered.load(Ordering::Relaxed) {
            now if now == answered => Err(Fault::TimedOut.into()),
            // With much to do, whoever comes last waits longest.
            _ => Err(Trouble::Slow),
        })
    }
}
