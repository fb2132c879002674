//! What is done for the members in the background: they are kept logged in.

use crate::members::Errand;
use crate::state::State;
use crate::{Fault, Member, Trouble, Way};
use pkcs11_api::{Command, Pin, Reply};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use zeroize::Zeroizing;

/// What is done with a member besides, whenever it is logged in to.
pub trait Upkeep: Send + Sync + 'static {
    /// Before it is used. Where that fails, the login has failed.
    fn prepare(&self, at: usize, member: &Member) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Now that it is used.
    fn follow_up(&self, at: usize, member: &Member) -> impl Future<Output = ()> + Send;
}

/// Nothing more.
impl Upkeep for () {
    async fn prepare(&self, _: usize, _: &Member) -> Result<(), Fault> {
        Ok(())
    }

    async fn follow_up(&self, _: usize, _: &Member) {}
}

/// Keeps each member, on the runtime that this is called on, until the HSM is stopped.
pub(crate) fn keep(way: &Arc<Way>, upkeep: &Arc<impl Upkeep>) {
    for at in 0..way.count() {
        tokio::spawn(keep_member(Arc::clone(way), Arc::clone(upkeep), at));
    }
}

async fn keep_member(way: Arc<Way>, upkeep: Arc<impl Upkeep>, at: usize) {
    let mut changes = way.members().subscribe();
    let Some(member) = way.member_at(at) else { return };
    loop {
        let Some((errand, round)) = errand(&mut changes, at).await else { return };
        match errand {
            Errand::End => return,
            Errand::LogIn(pin) => {
                let outcome = log_in(member, &pin, &*upkeep, at).await;
                way.members().logged_in(at, round, outcome);
                if way.members().active_member(at).is_ok() {
                    upkeep.follow_up(at, member).await;
                }
            }
            Errand::LogOut => {
                // A member that does not answer is logged out by the end of its process.
                let _ = member.ask(&Command::LogOut, LOG_OUT_WITHIN, done).await;
                way.members().logged_out(at, round);
            }
            Errand::WaitUntil(until) => {
                // Something else may be wanted before.
                let _ = tokio::time::timeout_at(until, changes.changed()).await;
                way.members().rested(at);
            }
        }
    }
}

/// The next thing to do; nothing any more if the HSM is gone.
async fn errand(changes: &mut watch::Receiver<State>, at: usize) -> Option<(Errand, u64)> {
    changes.wait_for(|state| state.errand(at).is_some()).await.ok()?.errand(at)
}

async fn log_in(
    member: &Member,
    pin: &Zeroizing<String>,
    upkeep: &impl Upkeep,
    at: usize,
) -> Result<(), Fault> {
    let pin = Pin::new(pin).map_err(|_| Fault::IncorrectPin)?;
    member.ask(&Command::LogIn { pin }, LOG_IN_WITHIN, done).await.map_err(Trouble::fault)?;
    upkeep.prepare(at, member).await
}

fn done(reply: Reply<'_>) -> Option<()> {
    matches!(reply, Reply::LoggedOut | Reply::Status { logged_in: true, .. }).then_some(())
}

/// A library may have to find its HSM first.
const LOG_IN_WITHIN: Duration = Duration::from_secs(10);
const LOG_OUT_WITHIN: Duration = Duration::from_secs(2);
