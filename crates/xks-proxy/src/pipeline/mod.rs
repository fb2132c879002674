//! A request from its head to its answer, in an order that nothing can change: each step takes what only the step before it can make.
//!
//! 1. **route** ([`route::route`]): a path to a store and a call; `POST` alone.
//! 2. **claim** ([`claim::claim`]): all that a head says of its signature, and a credential of this store that is good now. Costs no body.
//! 3. **body**: bounded in bytes, time and memory.
//! 4. **prove** ([`claim::Claimed::prove`]): the signature. From here on there is a record of the call, whatever becomes of it.
//!    It goes on whether or not the caller still waits ([`carried_out::CarriedOut`]).
//! 5. **admit** ([`admit::admit`]): the store's quota, which nobody else can use up; that a record can be kept at all.
//! 6. **parse** ([`parse::parse`]): the body, and a key that the store shows.
//! 7. **allow** ([`allow::allow`]): the second layer. Only here an [`allow::Allowed`] is made, and a key manager is asked with one alone.
//! 8. **perform** ([`Means::ask`]): the key manager, under one deadline for all that it is asked.
//! 9. **record** ([`Means::conclude`]): on the disk before there is an answer, or there is none.

mod admit;
mod allow;
mod answer;
mod carried_out;
mod claim;
mod conclude;
mod parse;
mod perform;
mod route;

pub(crate) use answer::refused as error_answer;

use crate::health::Seen;
use crate::metrics::{Metrics, Open};
use crate::patience::Patience;
use crate::policy::DecidingStatement;
use crate::quota::Place;
use crate::refusal::Refusal;
use crate::state::State;
use crate::strangers::Strangers;
use audit::Appender;
use bytes::Bytes;
use carried_out::CarriedOut;
use claim::{Proof, Proven, Unproven};
use http::Request;
use http::request::Parts;
use http_server::{Body, BodyError, Current, NoAnswer, Peer, Respond, Response};
use jiff::Timestamp;
use key_manager::Session;
use parse::Parsed;
use perform::Performed;
use route::{Routed, Stray};
use rustls::ServerConnection;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What answers requests, in one worker's thread.
pub(crate) struct Pipeline(Rc<Means>);

/// What it answers them with.
struct Means {
    shared: Shared,
    /// A way to each key manager, in their order.
    sessions: Vec<Rc<dyn Session>>,
    journal: Appender,
}

/// What all workers share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) state: Arc<Current<State>>,
    pub(crate) seen: Arc<Seen>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) strangers: Arc<Strangers>,
}

/// What is kept of a connection while it is open.
#[derive(Debug)]
pub(crate) struct Connected {
    /// The common name of the certificate that the client showed.
    subject: Option<Rc<str>>,
    patience: Patience,
    _open: Open,
}

/// A request whose head has arrived.
#[derive(Clone, Copy)]
struct Arrived<'a> {
    parts: &'a Parts,
    source: IpAddr,
    subject: Option<&'a Rc<str>>,
    begun: Instant,
    at: Timestamp,
}

/// A request that somebody stands behind, with all that it takes to answer it.
struct Signed {
    proof: Proof,
    parts: Parts,
    body: Bytes,
    state: Arc<State>,
    source: IpAddr,
    subject: Option<Rc<str>>,
    begun: Instant,
    at: Timestamp,
}

/// Somebody who has not proved who he is, and what he gets.
enum Stranger {
    Answered(Response),
    /// He went away, or broke the protocol.
    Gone,
}

/// Why a call that somebody stands behind is not done.
#[derive(Debug)]
struct Refused<'a> {
    refusal: Refusal,
    /// The statement that denied it.
    denied_by: Option<DecidingStatement<'a>>,
}

impl Pipeline {
    /// With a session of each key manager, in their order.
    pub(crate) fn new(shared: Shared, sessions: Vec<Rc<dyn Session>>, journal: Appender) -> Self {
        Self(Rc::new(Means { shared, sessions, journal }))
    }
}

impl Means {
    /// Whether somebody stands behind it, and who, and the body that he signed.
    async fn prove(
        &self,
        arrived: Arrived<'_>,
        body: Body<'_>,
        state: &State,
    ) -> Result<(Proof, Bytes), Stranger> {
        let routed = match route::route(arrived.parts, &state.stores) {
            Ok(Routed::Call(routed)) => routed,
            Ok(Routed::Ping) => return Err(Stranger::Answered(answer::pong(self.journal.healthy()))),
            Err(stray) => return Err(self.stray(&stray, arrived)),
        };
        let store = Arc::clone(routed.store);
        let unproven = |unproven: Unproven| self.unproven(&unproven, &store.prefix, arrived);
        let claimed = claim::claim(routed, arrived, &state.regions).map_err(unproven)?;
        let body = body.read().await.map_err(|error| self.no_body(error, &store.prefix, arrived))?;
        let proof = claimed.prove(&body).map_err(unproven)?;
        Ok((proof, body))
    }

    /// A call that somebody stands behind.
    async fn answer(&self, signed: &Signed) -> Response {
        let Signed { proof, parts, body, state, source, subject, begun, at } = signed;
        let arrived = Arrived { parts, source: *source, subject: subject.as_ref(), begun: *begun, at: *at };
        self.call(&proof.of(arrived), body, state).await
    }

    async fn call(&self, proven: &Proven<'_>, body: &Bytes, state: &State) -> Response {
        match self.parse(proven, body, state) {
            Ok((place, parsed)) => {
                let done = self.perform(proven, &parsed, state).await;
                drop(place);
                self.conclude(proven, body, Some(parsed.metadata()), done, state).await
            }
            Err(refusal) => self.conclude(proven, body, None, Err(refusal.into()), state).await,
        }
    }

    fn parse<'a>(
        &self,
        proven: &Proven<'a>,
        body: &'a [u8],
        state: &State,
    ) -> Result<(Place<'a>, Parsed<'a>), Refusal> {
        let place = admit::admit(proven, &self.journal)?;
        Ok((place, parse::parse(proven, body, state.limits)?))
    }

    async fn perform<'a>(
        &self,
        proven: &'a Proven<'_>,
        parsed: &'a Parsed<'_>,
        state: &State,
    ) -> Result<Performed, Refused<'a>> {
        let allowed = allow::allow(proven, parsed)?;
        Ok(self.ask(&allowed, state).await?)
    }

    fn stray(&self, stray: &Stray, arrived: Arrived<'_>) -> Stranger {
        self.shared.strangers.count(stray.store.as_ref(), stray.reason, arrived.source);
        Stranger::Answered(answer::stray(stray))
    }

    fn unproven(&self, unproven: &Unproven, store: &Arc<str>, arrived: Arrived<'_>) -> Stranger {
        self.shared.strangers.count(Some(store), unproven.reason, arrived.source);
        Stranger::Answered(answer::refused(&unproven.refusal))
    }

    fn no_body(&self, error: BodyError, store: &Arc<str>, arrived: Arrived<'_>) -> Stranger {
        let (reason, refusal) = claim::without_body(error);
        self.shared.strangers.count(Some(store), reason, arrived.source);
        let answer = answer::refused(&refusal);
        match error {
            BodyError::Broken => Stranger::Gone,
            BodyError::NoMemory | BodyError::TooSlow => Stranger::Answered(answer::and_close(answer)),
            BodyError::TooLarge => Stranger::Answered(answer),
        }
    }
}

impl Respond for Pipeline {
    type Tls = Connected;

    fn secured(&self, connection: &ServerConnection) -> Connected {
        let certificate = connection.peer_certificates().and_then(<[_]>::first);
        let subject = certificate.and_then(crate::tls::common_name).map(Into::into);
        Connected { subject, patience: Patience::default(), _open: self.0.shared.metrics.open_connection() }
    }

    async fn respond(
        &self,
        request: Request<Body<'_>>,
        peer: &Peer<Connected>,
    ) -> Result<Response, NoAnswer> {
        let in_flight = self.0.shared.metrics.begin_request();
        let (parts, body) = request.into_parts();
        let state = self.0.shared.state.now();
        let subject = peer.tls.as_ref().and_then(|tls| tls.subject.as_ref());
        let (source, begun, at) = (peer.address.ip().to_canonical(), Instant::now(), Timestamp::now());
        let arrived = Arrived { parts: &parts, source, subject, begun, at };
        match self.0.prove(arrived, body, &state).await {
            Ok((proof, body)) => {
                let subject = subject.cloned();
                let signed = Signed { proof, parts, body, state, source, subject, begun, at };
                let means = Rc::clone(&self.0);
                let work = async move {
                    let _in_flight = in_flight;
                    means.answer(&signed).await
                };
                Ok(CarriedOut::new(work).await)
            }
            Err(Stranger::Answered(response)) => {
                let patience = peer.tls.as_ref().map(|tls| &tls.patience);
                let wait = patience.map_or(Some(Duration::ZERO), |patience| patience.wait(Instant::now()));
                match wait.ok_or(NoAnswer)? {
                    Duration::ZERO => {}
                    wait => tokio::time::sleep(wait).await,
                }
                Ok(response)
            }
            Err(Stranger::Gone) => Err(NoAnswer),
        }
    }
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline").field("key_managers", &self.0.sessions.len()).finish_non_exhaustive()
    }
}

impl From<Refusal> for Refused<'_> {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, denied_by: None }
    }
}
