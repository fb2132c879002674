//! A worker's way to the members of a cluster: a member that lacks a key gets its copy when that is used.

use super::client::id_of;
use super::cluster::STUCK;
use super::holdings::Holdings;
use super::transport::wrapped;
use super::trouble::{is_missing, told};
use crate::StoreError;
use keys::HsmKey;
use pkcs11_api::{Command, KeyLabel, ObjectId, Reply};
use pkcs11_client::{Chosen, Fault, Job, Member, Pin, Trouble};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A worker's way to each member, and what the node knows of their keys.
pub(super) struct Way {
    pub(super) hsm: Arc<pkcs11_client::Way>,
    pub(super) holdings: Arc<Holdings>,
}

impl Way {
    /// Has a member do it, and another one if that fails, within a request's time.
    pub(super) async fn on_a_member<T: Send>(
        &self,
        pin: Pin<'_>,
        key: Option<&HsmKey>,
        command: &Command<'_>,
        read: impl Fn(Reply<'_>) -> Option<T> + Send + Sync,
    ) -> Result<T, StoreError> {
        let members = self.hsm.members();
        members.need(pin);
        let end = members.end_of_request();
        self.hsm.on_a_member(end, &OnKey { way: self, key, command, read }).await.map_err(told)
    }

    /// Whether a member has the key, or now gets it.
    pub(super) async fn has_or_gets(&self, chosen: Chosen, key: &HsmKey) -> bool {
        match self.find(chosen, key).await {
            Err(trouble) if is_missing(trouble) => self.catch_up(chosen, key).await.is_ok(),
            Err(Trouble::Member(why)) => {
                self.hsm.members().failed(chosen, why);
                false
            }
            answered => answered.is_ok(),
        }
    }

    pub(super) fn member(&self, chosen: Chosen) -> Result<&Member, Trouble> {
        self.hsm.member(chosen)
    }

    /// Gives a member the key that it lacks, from its copy. A key that is gone from every member was taken away by whoever is in charge of
    /// the cluster, and is not brought back.
    async fn catch_up(&self, chosen: Chosen, key: &HsmKey) -> Result<(), Trouble> {
        if !self.may_be_elsewhere(chosen, key).await {
            return Err(Trouble::KeyMissing);
        }
        let label = self.hsm.members().label(chosen.at()).ok_or(Trouble::KeyMissing)?;
        let copy = key.copies.get(label).and_then(wrapped).ok_or(Trouble::KeyMissing)?;
        let id = id_of(key).map_err(|_| Trouble::KeyMissing)?;
        let id = ObjectId::new(&id).map_err(|_| Trouble::KeyMissing)?;
        let command = Command::UnwrapKey {
            id,
            label: KeyLabel::new(&key.id).map_err(|_| Trouble::KeyMissing)?,
            wrapped: copy,
        };
        let read = |reply: Reply<'_>| matches!(reply, Reply::Key { .. }).then_some(());
        if let Err(trouble) = self.member(chosen)?.ask(&command, STUCK, read).await {
            return Err(self.why_not_unwrapped(trouble, chosen, key).await);
        }
        tracing::info!(member = label, key = key.id, "a member of the HSM cluster got a key that it lacked");
        Ok(())
    }

    /// Whether another member has the key, or has it for all we know.
    async fn may_be_elsewhere(&self, chosen: Chosen, key: &HsmKey) -> bool {
        for at in (0..self.hsm.count()).filter(|at| *at != chosen.at()) {
            let found = match self.hsm.members().active_member(at) {
                Ok(other) => self.find(other, key).await,
                Err(_) => Err(Fault::TokenAbsent.into()),
            };
            match found {
                Ok(()) => return true,
                Err(trouble) if is_missing(trouble) => self.holdings.lacks.note(key, at),
                // It cannot be asked: what it said when it could counts.
                Err(_) if !self.holdings.lacks.was_noted(key, at) => return true,
                Err(_) => (),
            }
        }
        false
    }

    async fn find(&self, chosen: Chosen, key: &HsmKey) -> Result<(), Trouble> {
        let id = id_of(key).map_err(|_| Trouble::KeyMissing)?;
        let id = ObjectId::new(&id).map_err(|_| Trouble::KeyMissing)?;
        let read = |reply: Reply<'_>| matches!(reply, Reply::Found).then_some(());
        self.member(chosen)?.ask(&Command::FindKey { name: id.into() }, STUCK, read).await
    }

    /// Libraries have many words for a copy that is not for this HSM. If the member is well otherwise, it is that.
    async fn why_not_unwrapped(&self, trouble: Trouble, chosen: Chosen, key: &HsmKey) -> Trouble {
        match (trouble, self.find(chosen, key).await) {
            (Trouble::Member(_), Err(found)) if is_missing(found) => Trouble::NotUnwrapped,
            _ => trouble,
        }
    }
}

/// A key that was put back is found without anybody using it: whoever knows it to be unavailable does not.
pub(super) async fn look_for_missing(way: Arc<Way>) {
    let members = way.hsm.members();
    loop {
        if members.wait_until_stopped(Instant::now() + LOOK_AGAIN).await {
            return;
        }
        for key in way.holdings.lacks.missing() {
            for chosen in members.active() {
                if way.has_or_gets(chosen, &key).await {
                    way.holdings.lacks.found(&key, chosen.at());
                }
            }
        }
    }
}

/// A command for any member that has the key, if it takes one.
struct OnKey<'a, F> {
    way: &'a Way,
    key: Option<&'a HsmKey>,
    command: &'a Command<'a>,
    read: F,
}

impl<T: Send, F: Fn(Reply<'_>) -> Option<T> + Send + Sync> Job for OnKey<'_, F> {
    type Done = T;

    fn fits(&self, at: usize) -> bool {
        self.key.is_none_or(|key| !self.way.holdings.lacks.has(key, at))
    }

    /// If it lacks the key, it gets its copy first.
    async fn attempt(&self, chosen: Chosen, end: Instant) -> Result<T, Trouble> {
        let answered = self.way.hsm.attempt(chosen, end, self.command, &self.read).await;
        let Some(key) = self.key else { return answered };
        match answered {
            Ok(_) => self.way.holdings.lacks.found(key, chosen.at()),
            Err(trouble) if is_missing(trouble) => {
                self.way.catch_up(chosen, key).await?;
                let answered = self.way.member(chosen)?.ask(self.command, STUCK, &self.read).await;
                self.way.holdings.lacks.found(key, chosen.at());
                return answered;
            }
            Err(_) => (),
        }
        answered
    }

    fn lacks(&self, chosen: Chosen) {
        self.key.inspect(|key| self.way.holdings.lacks.note(key, chosen.at()));
    }

    fn all_lack(&self) {
        self.key.inspect(|key| self.way.holdings.lacks.note_missing(key));
    }
}

/// How long after it was looked for a key is looked for again.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(3);
