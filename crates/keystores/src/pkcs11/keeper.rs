//! What is done for a cluster in the background: its members are kept logged in, and what is missing is looked for.

use super::client::Way;
use super::member::{Member, Trouble, done, public_key};
use super::members::{Errand, Members};
use super::transport::TransportKey;
use crate::HsmFailure;
use pkcs11_api::{Command, ObjectId, Pin, Reply};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// Keeps each member, on the runtime that this is called on, until the cluster is stopped.
pub(super) fn keep(way: &Arc<Way>) {
    for at in 0..way.members.len() {
        tokio::spawn(keep_member(Arc::clone(way), at));
    }
    tokio::spawn(look_for_missing(Arc::clone(way)));
}

async fn keep_member(way: Arc<Way>, at: usize) {
    let mut changes = way.shared.subscribe();
    let Some(member) = way.members.get(at) else { return };
    loop {
        let Some((errand, round)) = errand(&mut changes, at).await else { return };
        match errand {
            Errand::End => return,
            Errand::LogIn(pin) => {
                let outcome = log_in(member, &pin, way.shared.settings.synchronises).await;
                way.shared.logged_in(at, round, outcome);
                destroy_half_made(&way.shared, member, at).await;
            }
            Errand::LogOut => {
                // A member that does not answer is logged out by the end of its process.
                let _ = member.ask(&Command::LogOut, LOG_OUT_WITHIN, done).await;
                way.shared.logged_out(at, round);
            }
            Errand::WaitUntil(until) => {
                // Something else may be wanted before.
                let _ = tokio::time::timeout_at(until, changes.changed()).await;
                way.shared.rested(at);
            }
        }
    }
}

/// The next thing to do; nothing any more if the cluster is gone.
async fn errand(
    changes: &mut tokio::sync::watch::Receiver<super::members::State>,
    at: usize,
) -> Option<(Errand, u64)> {
    changes.wait_for(|state| state.errand(at).is_some()).await.ok()?.errand(at)
}

/// A library that brings keys to all members by itself needs no transport keys, and its HSM need not be able to make any.
async fn log_in(
    member: &Member,
    pin: &Zeroizing<String>,
    synchronises: bool,
) -> Result<Option<TransportKey>, HsmFailure> {
    let pin = Pin::new(pin).map_err(|_| HsmFailure::IncorrectPin)?;
    let failure = |trouble| match trouble {
        Trouble::Member(why) => why,
        _ => HsmFailure::Failed,
    };
    member.ask(&Command::LogIn { pin }, LOG_IN_WITHIN, done).await.map_err(failure)?;
    if synchronises {
        return Ok(None);
    }
    let read = public_key(TransportKey::of);
    member.ask(&Command::TransportKey, TRANSPORT_KEY_WITHIN, read).await.map(Some).map_err(failure)
}

/// What could not be undone when a key was not made on enough members.
async fn destroy_half_made(shared: &Members, member: &Member, at: usize) {
    for id in shared.take_half_made(at) {
        let Ok(object) = ObjectId::new(&id) else { continue };
        let read = |reply: Reply<'_>| matches!(reply, Reply::Destroyed { .. }).then_some(());
        if member.ask(&Command::DestroyKey { id: object }, LOG_OUT_WITHIN, read).await.is_err() {
            shared.note_half_made(at, &id);
        }
    }
}

/// A key that was put back is found without anybody using it: whoever knows it to be unavailable does not.
async fn look_for_missing(way: Arc<Way>) {
    loop {
        if way.shared.wait_until(Instant::now() + LOOK_AGAIN, |state| state.closed).await {
            return;
        }
        for key in way.shared.lacks.missing() {
            for chosen in way.shared.active() {
                if way.has_or_gets(chosen, &key).await {
                    way.shared.lacks.found(&key, chosen.at);
                }
            }
        }
    }
}

/// How long after it was looked for a key is looked for again.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(3);
/// A library may have to find its HSM first.
const LOG_IN_WITHIN: Duration = Duration::from_secs(10);
/// An RSA key of 3072 bits may have to be made.
const TRANSPORT_KEY_WITHIN: Duration = Duration::from_secs(30);
const LOG_OUT_WITHIN: Duration = Duration::from_secs(2);
