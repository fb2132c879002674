//! Requests and their answers. Whoever sends one bounds the time by dropping the future, and asks only what may be asked twice.

use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Extensions, Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::connection::{self, ConnectError, History};
use crate::connector::Connector;
use crate::{Observer, Routes, Tls};

/// Sends requests to servers that it trusts, over connections that it keeps. Clones share them.
#[derive(Clone, Debug)]
pub struct Client(legacy::Client<Connector, Full<Bytes>>);

impl Client {
    /// A client that connects as those say, and tells the observer of each connection's server.
    #[must_use]
    pub fn new(tls: Tls, routes: Routes, observer: Option<Observer>) -> Self {
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE_FOR).pool_max_idle_per_host(MOST_IDLE);
        builder.http1_max_buf_size(LONGEST_HEAD);
        Self(builder.build(Connector::new(tls, routes, observer)))
    }

    /// The answer to a request with an `https` URL, if its body is not longer than `longest` bytes.
    ///
    /// A request is sent again if a connection that had served before broke without an answer: then its server had closed it.
    ///
    /// # Errors
    ///
    /// Why there is no whole answer.
    pub async fn send(&self, request: Request<Bytes>, longest: usize) -> Result<Response<Bytes>, Error> {
        if request.uri().scheme() != Some(&Scheme::HTTPS) {
            return Err(Error::Request("its URL is not `https`".to_owned()));
        }
        let mut sends_left = MOST_SENDS;
        loop {
            sends_left = sends_left.saturating_sub(1);
            match self.0.request(request.clone().map(Full::new)).await {
                Ok(answer) => return whole(answer, longest).await,
                Err(error) if sends_left > 0 && was_closed(&error) => {}
                Err(error) => return Err(Error::of(&error)),
            }
        }
    }
}

/// Why there is no whole answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The connection broke before all of the answer had come.
    #[error("the connection broke: {0}")]
    BrokenOff(String),
    /// Nobody is there: the name is not known, or the connection is refused or not answered.
    #[error("there is no connection: {0}")]
    Connect(String),
    /// What came is not HTTP.
    #[error("the answer is not HTTP: {0}")]
    Malformed(String),
    /// The request cannot be sent: its URL is not `https` or has no host.
    #[error("the request cannot be sent: {0}")]
    Request(String),
    /// There is no TLS connection: a certificate that is not trusted, ours refused, nothing in common.
    #[error("there is no TLS connection: {0}")]
    Tls(String),
    /// The answer is longer than was asked for.
    #[error("the answer is longer than it may be")]
    TooLong,
}

impl Error {
    /// By what is at the bottom of it.
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let reason = causes(error).last().map(ToString::to_string).unwrap_or_default();
        match causes(error).find_map(|cause| cause.downcast_ref()) {
            Some(ConnectError::Name(_)) => return Self::Request(reason),
            Some(ConnectError::Socket(_)) => return Self::Connect(reason),
            Some(ConnectError::Tls(_)) => return Self::Tls(reason),
            None => {}
        }
        if causes(error).any(is_tls) {
            return Self::Tls(reason);
        }
        match causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>()) {
            Some(error) if error.is_parse() => Self::Malformed(reason),
            Some(_) => Self::BrokenOff(reason),
            None => Self::Request(reason),
        }
    }
}

async fn whole(answer: Response<Incoming>, longest: usize) -> Result<Response<Bytes>, Error> {
    let (head, body) = answer.into_parts();
    if let Some(history) = head.extensions.get::<History>() {
        history.note();
    }
    match Limited::new(body, longest).collect().await {
        Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::TooLong),
        Err(error) => Err(Error::of(&*error)),
    }
}

/// Whether a connection that had served before was closed before it answered.
fn was_closed(error: &legacy::Error) -> bool {
    let mut known = Extensions::new();
    if let Some(connected) = error.connect_info() {
        connected.get_extras(&mut known);
    }
    known.get::<History>().is_some_and(History::has_served) && matches!(Error::of(error), Error::BrokenOff(_))
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| StdError::source(*error))
}

/// A server tells only after the handshake of TLS 1.3 that it does not take our certificate.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    error.downcast_ref().is_some_and(connection::is_tls)
}

/// Longer than whatever asks in regular intervals, so that there is always a connection.
const IDLE_FOR: Duration = Duration::from_secs(10 * 60);

/// Connections that are kept idle, to one server.
const MOST_IDLE: usize = 64;

/// How often a request is sent at most, if connections that had served before break.
const MOST_SENDS: usize = 3;

const LONGEST_HEAD: usize = 16 * 1024;
