//! Calls to the process of one member.

use crate::window::Window;
use crate::{Fault, Trouble};
use frames::decode;
use pkcs11_api::{Command, Reply};
use sidecar::{Client, Limit};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A worker's way to the process of one member.
#[derive(Debug)]
pub struct Member {
    client: Client,
    /// How many calls it has answered.
    answered: AtomicUsize,
    window: Window,
    /// Told of each answer.
    freed: Notify,
}

impl Member {
    pub(crate) const fn new(client: Client, window: Window) -> Self {
        Self { client, answered: AtomicUsize::new(0), window, freed: Notify::const_new() }
    }

    /// One try of a command. Whoever does not answer within that time is stuck, and its process is killed; also if nobody waits for the
    /// answer any more.
    pub async fn ask<T>(
        &self,
        command: &Command<'_>,
        stuck_after: Duration,
        read: impl Fn(Reply<'_>) -> Option<T>,
    ) -> Result<T, Trouble> {
        let body = self.client.call(command, Limit::KillAfter(stuck_after)).await;
        self.freed.notify_one();
        let body = body?;
        self.answered.fetch_add(1, Ordering::Relaxed);
        match decode(&body).map_err(|_| Fault::Failed)? {
            Reply::Refused(refusal) => Err(refusal.into()),
            reply => read(reply).ok_or(Trouble::Member(Fault::Failed)),
        }
    }

    /// The same for a request, waiting only so long. Nobody is killed for being waited for no longer.
    pub(crate) async fn ask_within<T>(
        &self,
        within: Duration,
        command: &Command<'_>,
        stuck_after: Duration,
        read: impl Fn(Reply<'_>) -> Option<T>,
    ) -> Result<T, Trouble> {
        let late = within / 2;
        tokio::time::timeout(late, self.room()).await.map_err(|_| Trouble::Busy)?;
        let (began, answered) = (Instant::now(), self.answered());
        let asked = tokio::time::timeout(within, self.ask(command, stuck_after, read)).await;
        match asked {
            // One that fails, or answers nobody, is not slow.
            Ok(Err(Trouble::Member(_))) => (),
            Ok(_) if began.elapsed() <= late => self.window.kept_up(),
            Err(_) if self.answered() == answered => return Err(Fault::TimedOut.into()),
            _ => self.window.fell_behind(late),
        }
        asked.unwrap_or(Err(Trouble::Slow))
    }

    /// Waits until the member may be given one more call.
    async fn room(&self) {
        loop {
            let freed = self.freed.notified();
            if self.client.in_flight() < self.window.size() {
                return;
            }
            freed.await;
        }
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }
}
