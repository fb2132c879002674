//! A worker's way to the tokens: one command by any of them, or by one of them.

use crate::open::Shared;
use pkcs11_api::{Command, Reply};
use pkcs11_client::{Chosen, Job, Trouble, Way};
use std::sync::Arc;
use tokio::time::Instant;

/// A worker's way to the tokens.
pub(crate) struct Tokens {
    pub(crate) shared: Arc<Shared>,
    pub(crate) way: Arc<Way>,
}

impl Tokens {
    /// Has any token do it, which ends at that time at the latest. Says which one did.
    pub(crate) async fn ask<T: Send>(
        &self,
        end: Instant,
        command: &Command<'_>,
        read: impl Fn(Reply<'_>) -> Option<T> + Send + Sync,
    ) -> Result<(Chosen, T), Trouble> {
        self.way.on_a_member(end, &One { way: &self.way, command, read }).await
    }

    /// Has that token do it, if it is active.
    pub(crate) async fn ask_one<T>(
        &self,
        chosen: Chosen,
        command: &Command<'_>,
        read: impl Fn(Reply<'_>) -> Option<T>,
    ) -> Result<T, Trouble> {
        let members = self.way.members();
        let asked = self.way.attempt(chosen, members.end_of_request(), command, read).await;
        match &asked {
            Ok(_) => members.succeeded(chosen),
            Err(Trouble::Member(why)) => members.failed(chosen, *why),
            Err(_) => (),
        }
        asked
    }

    /// Whether every token is there to be asked.
    pub(crate) fn are_all_active(&self) -> bool {
        self.way.members().active_count() == self.way.count()
    }
}

/// One command, which every token can do.
struct One<'a, F> {
    way: &'a Way,
    command: &'a Command<'a>,
    read: F,
}

impl<T: Send, F: Fn(Reply<'_>) -> Option<T> + Send + Sync> Job for One<'_, F> {
    type Done = (Chosen, T);

    fn fits(&self, _: usize) -> bool {
        true
    }

    async fn attempt(&self, chosen: Chosen, end: Instant) -> Result<Self::Done, Trouble> {
        Ok((chosen, self.way.attempt(chosen, end, self.command, &self.read).await?))
    }

    /// It is looked for again, in every token, by the next request.
    fn lacks(&self, _: Chosen) {}

    fn all_lack(&self) {}
}
