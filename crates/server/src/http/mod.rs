//! HTTP as clients speak it: what is let through to the service, what is refused before, and what an answer looks like.
//! Nothing here knows an operation; limits hold before anybody is authenticated.

mod activity;
mod answer;
mod body;
mod connection;
mod ids;
mod watched;

use crate::config::Limits;
use answer::Response;
use body::{BodyError, Memory};
use http::request::Parts;
use http::{Method, header};
use hyper::body::Incoming;
use hyper_util::rt::TokioTimer;
use ids::Ids;
use operations::{Answer, Call, TlsConnection};
use std::net::IpAddr;
use std::rc::Rc;
use wire::AWS_JSON;
use wire::query::FORM;

use activity::Activity;
pub(crate) use activity::Connections;
pub(crate) use connection::{Accepted, serve};

/// What answers calls: the operations, in one worker thread.
pub trait Respond: 'static {
    /// Answers one call. Bounded in time, and never panics.
    fn respond(&self, call: Call) -> impl Future<Output = Answer>;
}

/// The other end of a connection.
#[derive(Clone, Debug)]
struct Peer {
    address: IpAddr,
    tls: Option<Rc<TlsConnection>>,
}

/// What all connections of one worker share.
pub(crate) struct Front<R> {
    responder: R,
    ids: Ids,
    body_limits: body::BodyLimits,
    memory: Memory,
    connections: Rc<Connections>,
    handshake_timeout: std::time::Duration,
    http1: hyper::server::conn::http1::Builder,
    http2: hyper::server::conn::http2::Builder<connection::LocalExecutor>,
}

impl<R: Respond> Front<R> {
    /// For one worker among so many.
    pub(crate) fn new(responder: R, limits: &Limits, workers: usize) -> Self {
        Self {
            responder,
            ids: Ids::default(),
            body_limits: body::BodyLimits { bytes: limits.body_bytes, time: limits.body_timeout.duration() },
            memory: Memory::new((limits.buffered_body_bytes / workers).max(limits.body_bytes)),
            connections: Connections::new(limits.idle_timeout.duration(), limits.header_timeout.duration()),
            handshake_timeout: limits.handshake_timeout.duration(),
            http1: http1(limits),
            http2: http2(limits),
        }
    }

    pub(crate) fn connections(&self) -> &Rc<Connections> {
        &self.connections
    }

    /// One request, from its head to its answer. An error closes the connection without an answer.
    async fn answer(
        &self,
        peer: &Peer,
        activity: &Rc<Activity>,
        request: hyper::Request<Incoming>,
    ) -> Result<Response, NoAnswer> {
        let _in_flight = Activity::begin_request(activity);
        let ids = self.ids.next().map_err(|_| NoAnswer)?;
        let (parts, body) = request.into_parts();
        let answer = match Protocol::of(&parts) {
            None if is_health_check(&parts) => answer::healthy(ids.request),
            None => answer::unknown(ids.request),
            Some(protocol) => match body::read(body, &parts, self.body_limits, &self.memory).await {
                Ok(body) => {
                    let call = Call { parts, body, ids, source: peer.address, tls: peer.tls.clone() };
                    answer::of_operation(self.responder.respond(call).await, ids.request)
                }
                Err(BodyError::Broken) => return Err(NoAnswer),
                Err(BodyError::NoMemory) => answer::unavailable(protocol, ids.request),
                Err(BodyError::TooLarge) => answer::too_large(protocol, ids.request),
                Err(BodyError::TooSlow) => answer::too_slow(ids.request),
            },
        };
        let last = activity.is_http1() && self.connections.is_draining();
        Ok(if last { answer::and_close(answer) } else { answer })
    }
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the request cannot be answered")]
struct NoAnswer;

/// How a request is written, and so how its errors are.
#[derive(Clone, Copy, Debug)]
enum Protocol {
    /// AWS JSON 1.1, which KMS speaks.
    AwsJson,
    /// A form in and XML out, which IAM and STS speak.
    Query,
}

impl Protocol {
    //= protocol §4, 1: any other method or content type is an unknown operation
    fn of(parts: &Parts) -> Option<Self> {
        let content_type = parts.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let essence = content_type.split(';').next()?.trim_ascii();
        match parts.method {
            Method::POST if essence.eq_ignore_ascii_case(AWS_JSON) => Some(Self::AwsJson),
            Method::POST if essence.eq_ignore_ascii_case(FORM) => Some(Self::Query),
            _ => None,
        }
    }
}

fn is_health_check(parts: &Parts) -> bool {
    parts.method == Method::GET && parts.uri.path() == HEALTH_PATH
}

/// Without hyper's own header timeout: it costs a timer a request, and counts from the end of the request before.
fn http1(limits: &Limits) -> hyper::server::conn::http1::Builder {
    let header_bytes = usize::try_from(limits.header_bytes).unwrap_or(usize::MAX);
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(limits.headers)
        .max_header_size(header_bytes)
        .max_buf_size(header_bytes.max(READ_BUFFER))
        .writev(false);
    builder
}

fn http2(limits: &Limits) -> hyper::server::conn::http2::Builder<connection::LocalExecutor> {
    let mut builder = hyper::server::conn::http2::Builder::new(connection::LocalExecutor);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.http2_streams)
        .initial_stream_window_size(limits.http2_window)
        .initial_connection_window_size(limits.http2_window)
        .max_header_list_size(limits.header_bytes)
        .max_pending_accept_reset_streams(RESET_STREAMS)
        .max_local_error_reset_streams(RESET_STREAMS);
    builder
}

const HEALTH_PATH: &str = "/healthz";

/// What a connection may hold of a body that is still arriving.
const READ_BUFFER: usize = 64 << 10;

/// Streams that a client may open and reset at once before the connection is closed ("rapid reset").
const RESET_STREAMS: usize = 64;
