//! The keys of one issuer: fetched once for all who wait, kept, and fetched again when they are old or do not suffice. It never
//! asks an issuer twice at once, nor more often than is set.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::time::{Instant, timeout};

use crate::document::Client;
use crate::{KeySet, Rejection, Settings, fetch};

/// One issuer, as one set of thumbprints trusts it.
pub(crate) struct Issuer {
    url: String,
    client: Client,
    known: RwLock<Known>,
    /// Held by who asks the issuer.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// What asking has told so far.
#[derive(Clone, Default)]
struct Known {
    keys: Option<Fetched>,
    /// When the last answer, or the lack of it, was had.
    asked: Option<Instant>,
    /// What came of it if not keys.
    failure: Option<Rejection>,
}

#[derive(Clone)]
struct Fetched {
    keys: Arc<KeySet>,
    at: Instant,
}

impl Issuer {
    pub(crate) fn new(url: &str, client: Client) -> Self {
        Self { url: url.to_owned(), client, known: RwLock::default(), turn: Arc::default() }
    }

    /// The keys, asked for if there are none or they are old. Old ones still do if the issuer fails.
    pub(crate) async fn keys(self: &Arc<Self>, settings: &Settings) -> Result<Arc<KeySet>, Rejection> {
        let known = self.known();
        if let Some(keys) = known.keys_within(settings.cache_for) {
            return Ok(keys);
        }
        let known = self.ask(known, settings).await;
        known.keys_within(settings.stale_for).ok_or_else(|| known.failed())
    }

    /// Other keys than those that did not suffice; none if the issuer has no others, or was asked a moment ago.
    pub(crate) async fn newer_than(
        self: &Arc<Self>,
        keys: &Arc<KeySet>,
        settings: &Settings,
    ) -> Result<Option<Arc<KeySet>>, Rejection> {
        let is_other = |other: &Arc<KeySet>| !Arc::ptr_eq(keys, other);
        let known = self.known();
        if let Some(newer) = known.keys_within(settings.cache_for).filter(is_other) {
            return Ok(Some(newer));
        }
        let known = self.ask(known, settings).await;
        match known.failure {
            Some(failure) => Err(failure),
            None => Ok(known.keys_within(settings.stale_for).filter(is_other)),
        }
    }

    /// Asks the issuer, unless it was asked a moment ago or somebody else has asked since `seen`.
    async fn ask(self: &Arc<Self>, seen: Known, settings: &Settings) -> Known {
        if seen.asked_within(settings.min_refetch) {
            return seen;
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        if self.known().asked != seen.asked {
            return self.known();
        }
        // Runs to its end though who waits for it may leave: others wait too, and leaving must not lead to asking again.
        let (issuer, within) = (Arc::clone(self), settings.fetch_timeout);
        let asking = tokio::spawn(async move {
            let answer = timeout(within, fetch::keys(&issuer.client, &issuer.url)).await;
            issuer.learn(answer.unwrap_or_else(|_| Err(too_slow(within))));
            drop(turn);
        });
        if let Err(error) = asking.await {
            tracing::warn!(issuer = self.url, %error, "the keys of an issuer were not fetched");
        }
        self.known()
    }

    fn learn(&self, answer: Result<KeySet, Rejection>) {
        let at = Instant::now();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.asked = Some(at);
        match answer {
            Ok(keys) => {
                known.keys = Some(Fetched { keys: Arc::new(keys), at });
                known.failure = None;
            }
            Err(failure) => {
                tracing::warn!(issuer = self.url, %failure, "the keys of an issuer were not fetched");
                known.failure = Some(failure);
            }
        }
    }

    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Known {
    fn keys_within(&self, age: std::time::Duration) -> Option<Arc<KeySet>> {
        self.keys
            .as_ref()
            .filter(|fetched| fetched.at.elapsed() < age)
            .map(|fetched| Arc::clone(&fetched.keys))
    }

    fn asked_within(&self, time: std::time::Duration) -> bool {
        self.asked.is_some_and(|asked| asked.elapsed() < time)
    }

    fn failed(self) -> Rejection {
        self.failure.unwrap_or_else(|| Rejection::IssuerUnreachable("it was not asked to the end".to_owned()))
    }
}

fn too_slow(within: std::time::Duration) -> Rejection {
    Rejection::IssuerUnreachable(format!("it does not answer within {within:?}"))
}
