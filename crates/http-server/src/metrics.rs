//! The metrics endpoint: what is measured, in OpenMetrics' text, over plain HTTP to whoever can connect.
//!
//! A collector that is slow, or many of them, must never cost more than a few connections. It never shows a key, a name or a policy:
//! what is in the registry must be fit for everybody.

use crate::{HttpServerError, Limits, listener};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The listener of the metrics endpoint, and what it shows.
#[derive(Debug)]
pub struct MetricsEndpoint {
    listener: TcpListener,
    address: SocketAddr,
    http: http1::Builder,
    longest_connection: Duration,
}

impl MetricsEndpoint {
    /// Listens there.
    pub fn bind(address: SocketAddr, limits: &Limits) -> Result<Self, HttpServerError> {
        let failed = |source| HttpServerError::Listen { address, source };
        let listener = listener::bind(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, http: http(limits), longest_connection: limits.idle_timeout })
    }

    /// Where it listens, with the port that it really got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is dropped, and every connection with it.
    pub async fn serve_for_ever(&self, registry: Arc<Registry>) {
        let mut connections = JoinSet::new();
        loop {
            while connections.len() >= CONNECTIONS {
                connections.join_next().await;
            }
            match self.listener.accept().await {
                Ok((stream, _)) => drop(connections.spawn_local(self.serve(stream, Arc::clone(&registry)))),
                Err(error) => {
                    tracing::debug!(%error, "a connection for metrics could not be accepted");
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
    }

    /// One connection with one request: the next collection is far away.
    fn serve(&self, stream: TcpStream, registry: Arc<Registry>) -> impl Future<Output = ()> + use<> {
        let answer = move |request| std::future::ready(Ok::<_, Infallible>(answer(&request, &registry)));
        let connection = self.http.serve_connection(TokioIo::new(stream), service_fn(answer));
        let bounded = tokio::time::timeout(self.longest_connection, connection);
        async move {
            if let Ok(Err(error)) = bounded.await {
                tracing::debug!(error = crate::in_one_line(&error), "a connection for metrics broke");
            }
        }
    }
}

fn http(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .keep_alive(false)
        .header_read_timeout(limits.header_timeout)
        .max_headers(limits.headers)
        .max_header_size(usize::try_from(limits.header_bytes).unwrap_or(usize::MAX));
    http
}

fn answer(request: &Request<Incoming>, registry: &Registry) -> Response<Full<Bytes>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    match (request.uri().path(), is_read) {
        (PATH, true) => metrics(registry),
        (PATH, false) => {
            let mut refused = empty(StatusCode::METHOD_NOT_ALLOWED);
            refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            refused
        }
        _ => empty(StatusCode::NOT_FOUND),
    }
}

fn metrics(registry: &Registry) -> Response<Full<Bytes>> {
    let mut text = String::new();
    if encode(&mut text, registry).is_err() {
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let mut found = Response::new(Full::from(text));
    found.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS));
    found
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

const PATH: &str = "/metrics";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Connections at one time; further ones wait in the operating system's queue.
const CONNECTIONS: usize = 16;
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(50);
