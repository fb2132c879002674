//! HTTP as AWS's protocols speak it: what is let through to the operations, what is refused before, and what an answer looks like.
//! Nothing here knows an operation; limits hold before anybody is authenticated.

mod answer;
mod ids;

use crate::config::Limits;
use crate::tls::details;
use http::request::Parts;
use http::{Method, Request, header};
use http_server::{Body, BodyError, NoAnswer, Peer, Response};
use ids::Ids;
use operations::{Answer, Call, TlsConnection};
use rustls::ServerConnection;
use std::rc::Rc;
use wire::AWS_JSON;
use wire::query::FORM;

/// What answers calls: the operations, in one worker thread.
pub trait Respond: 'static {
    /// Answers one call. Bounded in time, and never panics.
    fn respond(&self, call: Call) -> impl Future<Output = Answer>;
}

/// The calls of one worker, as requests of HTTP bring them.
#[derive(Debug)]
pub struct Calls<R> {
    responder: R,
    ids: Ids,
}

impl<R: Respond> Calls<R> {
    /// To be answered by that.
    pub fn to(responder: R) -> Self {
        Self { responder, ids: Ids::default() }
    }
}

impl<R: Respond> http_server::Respond for Calls<R> {
    type Tls = Rc<TlsConnection>;

    fn secured(&self, connection: &ServerConnection) -> Self::Tls {
        Rc::new(details::of(connection))
    }

    async fn respond(
        &self,
        request: Request<Body<'_>>,
        peer: &Peer<Self::Tls>,
    ) -> Result<Response, NoAnswer> {
        let ids = self.ids.next().map_err(|_| NoAnswer)?;
        let (parts, body) = request.into_parts();
        let Some(protocol) = Protocol::of(&parts) else {
            let healthy = is_health_check(&parts);
            return Ok(if healthy { answer::healthy(ids.request) } else { answer::unknown(ids.request) });
        };
        Ok(match body.read().await {
            Ok(body) => {
                let call = Call { parts, body, ids, source: peer.address.ip(), tls: peer.tls.clone() };
                answer::of_operation(self.responder.respond(call).await, ids.request)
            }
            Err(BodyError::Broken) => return Err(NoAnswer),
            Err(BodyError::NoMemory) => answer::unavailable(protocol, ids.request),
            Err(BodyError::TooLarge) => answer::too_large(protocol, ids.request),
            Err(BodyError::TooSlow) => answer::too_slow(ids.request),
        })
    }
}

impl From<&Limits> for http_server::Limits {
    fn from(limits: &Limits) -> Self {
        Self {
            body_bytes: limits.body_bytes,
            body_timeout: limits.body_timeout.duration(),
            buffered_body_bytes: limits.buffered_body_bytes,
            connections: limits.connections,
            drain_timeout: limits.drain_timeout.duration(),
            handshake_timeout: limits.handshake_timeout.duration(),
            header_bytes: limits.header_bytes,
            header_timeout: limits.header_timeout.duration(),
            headers: limits.headers,
            http2_connections: limits.connections,
            http2_streams: limits.http2_streams,
            http2_window: limits.http2_window,
            idle_timeout: limits.idle_timeout.duration(),
            read_buffer_bytes: Self::READ_BUFFER_BYTES,
        }
    }
}

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

const HEALTH_PATH: &str = "/healthz";
