//! HTTP as clients speak it, up to where a service answers: limits hold before anybody is known. Nothing here knows what is asked for.

mod activity;
mod body;
mod connection;
mod http1;
mod watched;

use crate::{Current, Limits};
use activity::{Activity, Connections, SWEEP};
use body::{Arriving, BodyLimits, Memory};
use bytes::Bytes;
use connection::LocalExecutor;
use http::header::CONNECTION;
use http::{HeaderValue, Request};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn;
use hyper_util::rt::TokioTimer;
use rustls::ServerConnection;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub use body::{Body, BodyError};
pub(crate) use connection::{Accepted, serve};

/// What answers requests: one value in each worker thread.
pub trait Respond: 'static {
    /// What the service keeps of a TLS connection for as long as it is open.
    type Tls: 'static;

    /// Called once for each TLS connection, when its handshake is done.
    fn secured(&self, connection: &ServerConnection) -> Self::Tls;

    /// Answers one request, of which the head has been read and the body has not: whoever may not ask is refused before a byte of the body is
    /// kept. Bounded in time, and never panics.
    ///
    /// Whatever the service leaves of a body is read away within reason, so that the client sees its answer; else the connection ends with it.
    fn respond(
        &self,
        request: Request<Body<'_>>,
        peer: &Peer<Self::Tls>,
    ) -> impl Future<Output = Result<Response, NoAnswer>>;
}

/// An answer, all of it.
pub type Response = http::Response<Full<Bytes>>;

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the request cannot be answered")]
pub struct NoAnswer;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer<T> {
    /// Where it is.
    pub address: SocketAddr,
    /// What the service keeps of its TLS connection; plain HTTP has none.
    pub tls: Option<T>,
}

/// What all connections of one worker share.
pub(crate) struct Front<R> {
    responder: R,
    limits: Arc<Current<Limits>>,
    workers: usize,
    connections: Rc<Connections>,
    memory: Memory,
    body_limits: Cell<BodyLimits>,
    opening: RefCell<Rc<Opening>>,
}

/// What a connection begins with, as the limits said when it was opened.
struct Opening {
    limits: Arc<Limits>,
    http1: conn::http1::Builder,
    http2: conn::http2::Builder<LocalExecutor>,
}

impl<R: Respond> Front<R> {
    /// For one worker among so many.
    pub(crate) fn new(responder: R, limits: Arc<Current<Limits>>, workers: usize) -> Self {
        let now = limits.now();
        Self {
            responder,
            limits,
            workers,
            connections: Connections::new(),
            memory: Memory::new(memory_for_bodies(&now, workers)),
            body_limits: Cell::new(BodyLimits::of(&now)),
            opening: RefCell::new(Rc::new(Opening::with(now))),
        }
    }

    /// Ends connections that have been idle, or sending a header, for too long, and takes new limits. Runs for ever.
    pub(crate) async fn sweep(&self) {
        loop {
            self.connections.opened().await;
            tokio::time::sleep(SWEEP).await;
            let limits = &self.opening().limits;
            self.connections.sweep(limits.idle_timeout, limits.header_timeout);
        }
    }

    /// Lets every connection end, at the latest at the timeout.
    pub(crate) async fn drain(&self, timeout: Duration) {
        self.connections.drain(timeout).await;
    }

    /// What a connection begins with now.
    fn opening(&self) -> Rc<Opening> {
        let limits = self.limits.now();
        if !Arc::ptr_eq(&self.opening.borrow().limits, &limits) {
            self.memory.resize(memory_for_bodies(&limits, self.workers));
            self.body_limits.set(BodyLimits::of(&limits));
            self.opening.replace(Rc::new(Opening::with(limits)));
        }
        Rc::clone(&self.opening.borrow())
    }

    /// One request, from its head to its answer. An error closes the connection without an answer.
    async fn answer(
        &self,
        peer: &Peer<R::Tls>,
        activity: &Rc<Activity>,
        request: Request<Incoming>,
    ) -> Result<Response, NoAnswer> {
        let in_flight = Activity::begin_request(activity);
        let (parts, incoming) = request.into_parts();
        let mut arriving = Arriving::new(incoming, &parts.headers);
        let body = Body::new(&mut arriving, self.body_limits.get(), &self.memory);
        let mut answer = self.responder.respond(Request::from_parts(parts, body), peer).await?;
        arriving.read_away(in_flight, if activity.is_http1() { HTTP1_READ_AWAY } else { HTTP2_READ_AWAY });
        if activity.is_http1() && self.connections.is_draining() {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(answer)
    }
}

impl Opening {
    fn with(limits: Arc<Limits>) -> Self {
        Self { http1: http1(&limits), http2: http2(&limits), limits }
    }
}

/// A worker's part of the memory for bodies. One body fits always.
fn memory_for_bodies(limits: &Limits, workers: usize) -> usize {
    limits.buffered_body_bytes.checked_div(workers).unwrap_or_default().max(limits.body_bytes)
}

/// Without hyper's own header timeout: it costs a timer a request, and counts from the end of the request before.
fn http1(limits: &Limits) -> conn::http1::Builder {
    let header_bytes = usize::try_from(limits.header_bytes).unwrap_or(usize::MAX);
    let mut builder = conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(limits.headers)
        .max_header_size(header_bytes)
        .max_buf_size(header_bytes.max(limits.read_buffer_bytes).max(LEAST_READ_BUFFER))
        .writev(false);
    builder
}

fn http2(limits: &Limits) -> conn::http2::Builder<LocalExecutor> {
    let mut builder = conn::http2::Builder::new(LocalExecutor);
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

/// hyper accepts no less.
const LEAST_READ_BUFFER: usize = 8192;

/// Streams that a client may open and reset at once before the connection is closed ("rapid reset").
const RESET_STREAMS: usize = 64;

/// How long a client may go on sending a body that was not wanted. A stream of HTTP/2 is reset then, and some clients drop its answer with it;
/// but on each connection there may be many.
const HTTP1_READ_AWAY: Duration = Duration::from_secs(5);
const HTTP2_READ_AWAY: Duration = Duration::from_millis(250);
