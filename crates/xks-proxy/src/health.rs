//! How the key managers are, found out in the background and told for less than a minute.
//!
//! What is told is never older: if finding out hangs, the members are unavailable, whatever they were before.

use key_manager::{Health, HealthStatus, Member, Session};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// What was last found out of each key manager, in their order.
#[derive(Debug)]
pub(crate) struct Seen(Vec<KeyManagerSeen>);

#[derive(Debug)]
struct KeyManagerSeen {
    name: Arc<str>,
    last: RwLock<Option<(Instant, Arc<Health>)>>,
}

impl Seen {
    /// Nothing is known of them yet.
    pub(crate) fn new(key_managers: &[Arc<str>]) -> Self {
        let unseen = |name: &Arc<str>| KeyManagerSeen { name: Arc::clone(name), last: RwLock::default() };
        Self(key_managers.iter().map(unseen).collect())
    }

    /// How that key manager is, as far as it is known at that moment.
    pub(crate) fn at(&self, key_manager: usize, now: Instant) -> Arc<Health> {
        match self.0.get(key_manager) {
            Some(seen) => seen.at(now),
            None => Arc::new(unavailable("unknown", None)),
        }
    }

    /// All of them with their names.
    pub(crate) fn all(&self, now: Instant) -> impl Iterator<Item = (&Arc<str>, Arc<Health>)> {
        self.0.iter().map(move |seen| (&seen.name, seen.at(now)))
    }

    /// Whether all of that one is well, as far as it is known at that moment.
    pub(crate) fn is_active(&self, key_manager: usize, now: Instant) -> bool {
        let health = self.at(key_manager, now);
        health.members.iter().all(|member| member.status == HealthStatus::Active)
    }

    /// Goes on finding out, as often as `interval` says. Runs for ever.
    pub(crate) async fn look_for_ever(
        &self,
        key_manager: usize,
        session: &dyn Session,
        interval: impl Fn() -> Duration,
    ) {
        loop {
            let is_active = self.is_active(key_manager, Instant::now());
            tokio::time::sleep(if is_active { interval() } else { LOOK_AGAIN.min(interval()) }).await;
            self.look(key_manager, session).await;
        }
    }

    /// Finds out until all of that one is well, but not for long: what is just being started may take a moment.
    pub(crate) async fn look_first(&self, key_manager: usize, session: &dyn Session) {
        let begun = Instant::now();
        self.look(key_manager, session).await;
        while !self.is_active(key_manager, Instant::now()) && begun.elapsed() < STARTED_WITHIN {
            tokio::time::sleep(LOOK_AT_THE_START).await;
            self.look(key_manager, session).await;
        }
    }

    /// Finds out, by a session of it, how that one is. Bounded in time.
    async fn look(&self, key_manager: usize, session: &dyn Session) {
        let Some(seen) = self.0.get(key_manager) else { return };
        let begun = Instant::now();
        match tokio::time::timeout(ANSWERS_WITHIN, session.health()).await {
            Ok(health) => seen.is(begun, health),
            Err(_) => seen.is(begun, unavailable(&seen.name, seen.last().as_deref())),
        }
    }
}

impl KeyManagerSeen {
    fn at(&self, now: Instant) -> Arc<Health> {
        let last = self.last.read().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((at, health)) if now.saturating_duration_since(*at) < TOLD_FOR => Arc::clone(health),
            last => Arc::new(unavailable(&self.name, last.as_ref().map(|(_, health)| &**health))),
        }
    }

    fn last(&self) -> Option<Arc<Health>> {
        let last = self.last.read().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(|(_, health)| Arc::clone(health))
    }

    fn is(&self, at: Instant, health: Health) {
        let health = Arc::new(health);
        let mut last = self.last.write().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|(_, before)| before.members != health.members) {
            tell(&self.name, &health);
        }
        *last = Some((at, health));
    }
}

fn tell(key_manager: &str, health: &Health) {
    for Member { id, model, status } in &health.members {
        match status {
            HealthStatus::Active => {
                tracing::info!(key_manager, member = id, model, "a member of a key manager is active");
            }
            status => {
                tracing::warn!(
                    key_manager,
                    member = id,
                    model,
                    ?status,
                    "a member of a key manager is not well"
                );
            }
        }
    }
}

/// The members as they were, if they were ever seen, and none available.
fn unavailable(name: &str, last: Option<&Health>) -> Health {
    let member = |member: &Member| Member { status: HealthStatus::Unavailable, ..member.clone() };
    let nameless = || {
        let member =
            Member { id: name.to_owned(), model: "unknown".to_owned(), status: HealthStatus::Unavailable };
        Health { vendor: "unknown".to_owned(), members: vec![member] }
    };
    last.filter(|last| !last.members.is_empty()).map_or_else(nameless, |last| Health {
        vendor: last.vendor.clone(),
        members: last.members.iter().map(member).collect(),
    })
}

/// How often it is found out how a key manager is that is not well: who waits for it is to be told soon.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

const LOOK_AT_THE_START: Duration = Duration::from_millis(100);
const STARTED_WITHIN: Duration = Duration::from_secs(3);

/// How long finding out may take for one key manager.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

//= xks §3.4: MUST NOT answer from a cache older than one minute
const TOLD_FOR: Duration = Duration::from_secs(59);

#[cfg(test)]
mod tests {
    use super::*;
    use key_manager::{Decrypted, Encrypted, ExternalKeyId, KeyDescription, Sealed, Trouble, Work};

    struct Hangs;

    impl Session for Hangs {
        fn describe<'a>(&'a self, _: ExternalKeyId<'a>) -> Work<'a, Result<KeyDescription, Trouble>> {
            Box::pin(std::future::pending())
        }

        fn encrypt<'a>(
            &'a self,
            _: ExternalKeyId<'a>,
            _: &'a [u8],
            _: &'a [u8],
        ) -> Work<'a, Result<Encrypted, Trouble>> {
            Box::pin(std::future::pending())
        }

        fn decrypt<'a>(
            &'a self,
            _: ExternalKeyId<'a>,
            _: Sealed<'a>,
            _: &'a [u8],
        ) -> Work<'a, Result<Decrypted, Trouble>> {
            Box::pin(std::future::pending())
        }

        fn health(&self) -> Work<'_, Health> {
            Box::pin(std::future::pending())
        }
    }

    fn active() -> Health {
        let member = Member { id: "one".to_owned(), model: "m".to_owned(), status: HealthStatus::Active };
        Health { vendor: "v".to_owned(), members: vec![member] }
    }

    #[test]
    fn what_is_older_than_a_minute_is_not_told() {
        let seen = Seen::new(&["km".into()]);
        let now = Instant::now();
        seen.0[0].is(now, active());
        assert_eq!(*seen.at(0, now + Duration::from_secs(58)), active());
        let late = seen.at(0, now + Duration::from_secs(60));
        assert_eq!(late.vendor, "v");
        assert_eq!((late.members[0].id.as_str(), late.members[0].status), ("one", HealthStatus::Unavailable));
    }

    #[test]
    fn a_key_manager_that_was_never_seen_is_unavailable_under_its_name() {
        let seen = Seen::new(&["km".into()]);
        let health = seen.at(0, Instant::now());
        assert_eq!(
            (health.members[0].id.as_str(), health.members[0].status),
            ("km", HealthStatus::Unavailable)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_manager_that_hangs_is_unavailable() {
        let seen = Seen::new(&["km".into()]);
        seen.0[0].is(Instant::now(), active());
        seen.look(0, &Hangs).await;
        assert_eq!(seen.at(0, Instant::now()).members[0].status, HealthStatus::Unavailable);
    }
}
