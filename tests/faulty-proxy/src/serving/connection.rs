//! One connection: its handshake, its requests, and the faults that are not in an answer's text.

use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use socket2::{SockRef, Socket};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::half::Half;
use crate::api::{self, Answer, Call};
use crate::fault::{ConnectionFault, ErrorName, Fault};
use crate::observation::SeenRequest;
use crate::state::State;
use crate::tls::Protocol;

/// Serves one connection to its end, or until all are closed.
pub(crate) async fn serve(stream: TcpStream, state: Arc<State>) {
    let mut generation = state.generation.subscribe();
    let number = state.observations.connection();
    drop(stream.set_nodelay(true));
    let Ok(socket) = SockRef::from(&stream).try_clone().map(Arc::new) else { return };
    let connection = Connection { number, socket: Arc::downgrade(&socket), state };
    tokio::select! {
        () = connection.serve(stream) => (),
        _ = generation.changed() => (),
    }
}

#[derive(Clone)]
struct Connection {
    number: u64,
    /// The socket of the stream that is served; who answers a request must not keep it open.
    socket: Weak<Socket>,
    state: Arc<State>,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        let fault = self.state.connection_faults.due(None);
        match fault {
            Some(ConnectionFault::CloseOnAccept) => return,
            Some(ConnectionFault::ResetOnAccept) => return self.end_by_reset(),
            Some(ConnectionFault::SilentOnAccept) => return pending().await,
            Some(ConnectionFault::CloseAfterHandshake) | None => (),
        }
        let Ok(mut tls) = TlsAcceptor::from(self.state.tls_config()).accept(stream).await else { return };
        self.state.observations.handshake();
        if fault.is_some() {
            drop(tls.shutdown().await);
            return;
        }
        self.serve_http(tls).await;
    }

    /// A connection that ends in an error has ended as it should, or as the client wished.
    async fn serve_http(self, tls: TlsStream<TcpStream>) {
        let http2 = tls.get_ref().1.alpn_protocol() == Some(Protocol::Http2.alpn());
        let service = service_fn(move |request| self.clone().answer(request));
        let stream = TokioIo::new(tls);
        if http2 {
            drop(http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await);
        } else {
            drop(http1::Builder::new().serve_connection(stream, service).await);
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
            return Ok(whole(Answer::error(ErrorName::UnsupportedOperation)));
        };
        let body = body.to_bytes();
        let state = &self.state;
        let signature = state.credentials.verify(&parts, &body, state.now());
        let signed = signature.is_ok();
        let call = Call::of(&parts, &state.uri_prefixes);
        let seen = SeenRequest {
            connection: self.number,
            method: parts.method.to_string(),
            path: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            version: parts.version,
            headers: parts.headers,
            body: body.clone(),
            signature,
        };
        let fault = call.as_ref().ok().and_then(|call| state.faults.due(Some(call.api())));
        let _in_flight = state.observations.request(seen);
        self.delay_or_cut(fault.as_ref()).await?;
        let answer = match call {
            Ok(call) => api::answer(state, &call, signed, &body, fault.as_ref()),
            Err(refusal) => refusal,
        };
        Ok(if fault == Some(Fault::HalfAnswer) { half(answer) } else { whole(answer) })
    }

    /// What is done about an answer's time and its connection; the rest is done to its text.
    async fn delay_or_cut(&self, fault: Option<&Fault>) -> Result<(), Cut> {
        match fault {
            Some(Fault::Late(delay)) => tokio::time::sleep(*delay).await,
            Some(Fault::NeverAnswer) => pending().await,
            Some(Fault::CloseWithoutAnswer) => return Err(Cut),
            Some(Fault::Reset) => {
                self.end_by_reset();
                return Err(Cut);
            }
            _ => (),
        }
        Ok(())
    }

    /// When it ends, it ends by a reset.
    fn end_by_reset(&self) {
        if let Some(socket) = self.socket.upgrade() {
            drop(socket.set_linger(Some(Duration::ZERO)));
        }
    }
}

/// The connection ends here.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("cut as told")
    }
}

impl std::error::Error for Cut {}

type Body = UnsyncBoxBody<Bytes, Cut>;

fn whole(answer: Answer) -> Response<Body> {
    answer.into_response(|body| Full::new(body).map_err(|never: Infallible| match never {}).boxed_unsync())
}

fn half(answer: Answer) -> Response<Body> {
    answer.into_response(|body| Half::of(&body).boxed_unsync())
}

/// More than any request that the specification allows.
const BODY_LIMIT: usize = 64 * 1024;
