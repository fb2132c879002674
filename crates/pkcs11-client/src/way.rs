//! A worker's way to the members: what any of them can do goes to one that is active, and to the next if that fails.

use crate::members::Choice;
use crate::state::Tried;
use crate::{Chosen, Fault, Member, Members, Trouble};
use pkcs11_api::{Command, Reply};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A worker's way to each member, and what is known of them.
pub struct Way {
    members: Arc<Members>,
    callers: Vec<Member>,
}

/// What any member can do that has what it takes.
pub trait Job: Sync {
    /// What comes of it.
    type Done: Send;

    /// Whether that member is worth asking.
    fn fits(&self, at: usize) -> bool;

    /// Has that member do it, which ends at that time at the latest.
    fn attempt(
        &self,
        chosen: Chosen,
        end: Instant,
    ) -> impl Future<Output = Result<Self::Done, Trouble>> + Send;

    /// That member lacks what it takes.
    fn lacks(&self, chosen: Chosen);

    /// Every active member lacks it.
    fn all_lack(&self);
}

impl Way {
    pub(crate) const fn new(members: Arc<Members>, callers: Vec<Member>) -> Self {
        Self { members, callers }
    }

    /// What is known of the members.
    #[must_use]
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Has a member do it, and another one if that fails, until that time at the latest.
    ///
    /// # Errors
    ///
    /// What the last one said, or why nobody could be asked.
    pub async fn on_a_member<J: Job>(&self, end: Instant, job: &J) -> Result<J::Done, Trouble> {
        let _permit = self.members.permits.try_acquire().map_err(|_| Trouble::Busy)?;
        let (mut tried, mut last) = (Tried::default(), None);
        loop {
            let chosen = match self.next(&tried, job, end).await {
                Ok(chosen) => chosen,
                Err(none) => return Err(last.unwrap_or(none)),
            };
            match job.attempt(chosen, end).await {
                Ok(done) => {
                    self.members.succeeded(chosen);
                    return Ok(done);
                }
                Err(trouble) => last = Some(self.blame(trouble, chosen, job)?),
            }
            tried.add(chosen);
        }
    }

    /// One member's try of a command, within a member's time and until then.
    ///
    /// # Errors
    ///
    /// What the member said.
    pub async fn attempt<T>(
        &self,
        chosen: Chosen,
        end: Instant,
        command: &Command<'_>,
        read: impl Fn(Reply<'_>) -> Option<T>,
    ) -> Result<T, Trouble> {
        let times = self.members.settings().times;
        let within = times.answer.min(end.saturating_duration_since(Instant::now()));
        self.member(chosen)?.ask_within(within, command, times.stuck, read).await
    }

    /// A member that was chosen.
    ///
    /// # Errors
    ///
    /// None is there.
    pub fn member(&self, chosen: Chosen) -> Result<&Member, Trouble> {
        self.member_at(chosen.at()).ok_or(Trouble::Member(Fault::Failed))
    }

    /// A member by its place.
    #[must_use]
    pub fn member_at(&self, at: usize) -> Option<&Member> {
        self.callers.get(at)
    }

    /// How many members there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.callers.len()
    }

    /// The next member to ask, waiting for one that has only just failed.
    async fn next(&self, tried: &Tried, job: &impl Job, end: Instant) -> Result<Chosen, Trouble> {
        let mut changes = self.members.subscribe();
        loop {
            changes.mark_unchanged();
            match self.members.choose(tried, |at| job.fits(at)) {
                Choice::Member(chosen, _) => return Ok(chosen),
                Choice::Nobody { all_lack_it: true } => {
                    job.all_lack();
                    return Err(Trouble::KeyMissing);
                }
                Choice::Nobody { all_lack_it: false } => return Err(self.members.why_none().into()),
                Choice::WaitUntil(_) if Instant::now() >= end => return Err(Fault::TimedOut.into()),
                // Whoever is there by then is found by the next choice.
                Choice::WaitUntil(until) => {
                    drop(tokio::time::timeout_at(until.min(end), changes.changed()).await)
                }
            }
        }
    }

    /// What a member's trouble means: an answer to the request, or a reason to ask another one, with what is said if there is none.
    fn blame(&self, trouble: Trouble, chosen: Chosen, job: &impl Job) -> Result<Trouble, Trouble> {
        match trouble {
            Trouble::Busy | Trouble::Slow => (),
            Trouble::Command | Trouble::InvalidCiphertext => return Err(trouble),
            Trouble::KeyAmbiguous
            | Trouble::KeyMissing
            | Trouble::KeyUnfit
            | Trouble::KeyUsage
            | Trouble::NotUnwrapped => job.lacks(chosen),
            Trouble::Member(why) => self.members.failed(chosen, why),
        }
        Ok(trouble)
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Way").field("members", &self.members).finish_non_exhaustive()
    }
}

pub(crate) fn after(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now)
}
