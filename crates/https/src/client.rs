//! Requests and their answers. Whoever sends one bounds the time by dropping the future, and asks only what may be asked twice.

use std::error::Error as StdError;

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::Full;

use crate::connection::{self, ConnectError};
use crate::pool::Pool;
use crate::{Observer, Routes, Tls};

/// Sends requests to servers that it trusts, over connections that it keeps. Clones share them.
#[derive(Clone, Debug)]
pub struct Client(Pool);

impl Client {
    /// A client that connects as those say, and tells the observer of each connection's server.
    #[must_use]
    pub fn new(tls: Tls, routes: Routes, observer: Option<Observer>) -> Self {
        Self(Pool::new(tls, routes, observer))
    }

    /// The answer to a request with an `https` URL, if its body is not longer than `longest` bytes.
    ///
    /// A request is sent again if a connection that had served before broke without an answer: then its server had closed it.
    ///
    /// # Errors
    ///
    /// Why there is no whole answer.
    pub async fn send(&self, request: &Request<Bytes>, longest: usize) -> Result<Response<Bytes>, Error> {
        if request.uri().scheme() != Some(&Scheme::HTTPS) {
            return Err(Error::Request("its URL is not `https`".to_owned()));
        }
        let authority =
            request.uri().authority().ok_or_else(|| Error::Request("its URL has no host".to_owned()))?;
        let mut sends_left = MOST_SENDS;
        loop {
            // What comes of giving up is that the connection is dropped, with whatever is on it.
            let mut connection = self.0.take(authority).await.map_err(Error::of_connecting)?;
            let error = match connection.answer(outgoing(request, authority)?).await {
                Ok(answer) => {
                    let answer = connection.whole(answer, longest).await?;
                    self.0.give_back(authority, connection);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            let was_sent = error.message().is_none();
            let error = Error::of(error.error());
            sends_left = sends_left.saturating_sub(was_sent.into());
            if !connection.may_be_closed || sends_left == 0 || !matches!(error, Error::BrokenOff(_)) {
                return Err(error);
            }
        }
    }
}

/// As HTTP has it: the path without the host, which is a header.
fn outgoing(request: &Request<Bytes>, authority: &Authority) -> Result<Request<Full<Bytes>>, Error> {
    let mut outgoing = Request::new(Full::new(request.body().clone()));
    let target = request.uri().path_and_query().cloned();
    *outgoing.uri_mut() = Uri::from(target.unwrap_or_else(|| PathAndQuery::from_static("/")));
    outgoing.method_mut().clone_from(request.method());
    outgoing.headers_mut().clone_from(request.headers());
    if !request.headers().contains_key(HOST) {
        let host = HeaderValue::from_str(&host(authority));
        outgoing.headers_mut().insert(HOST, host.map_err(|error| Error::Request(error.to_string()))?);
    }
    Ok(outgoing)
}

fn host(authority: &Authority) -> String {
    match authority.port_u16() {
        None | Some(443) => authority.host().to_owned(),
        Some(port) => format!("{}:{port}", authority.host()),
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
    pub(crate) fn of(error: &(dyn StdError + 'static)) -> Self {
        let reason = causes(error).last().map(ToString::to_string).unwrap_or_default();
        if causes(error).any(is_tls) {
            return Self::Tls(reason);
        }
        match causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>()) {
            Some(error) if error.is_parse() => Self::Malformed(reason),
            Some(_) => Self::BrokenOff(reason),
            None => Self::Request(reason),
        }
    }

    fn of_connecting(error: ConnectError) -> Self {
        match error {
            ConnectError::Http(error) => Self::of(&error),
            ConnectError::Name(_) => Self::Request(error.to_string()),
            ConnectError::Socket(error) => Self::Connect(error.to_string()),
            ConnectError::Tls(error) => Self::Tls(error.to_string()),
        }
    }
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| StdError::source(*error))
}

/// A server tells only after the handshake of TLS 1.3 that it does not take our certificate.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    error.downcast_ref().is_some_and(connection::is_tls)
}

/// How often a request is sent at most, if connections that had served before break.
const MOST_SENDS: usize = 3;
