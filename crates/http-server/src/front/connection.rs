//! One connection from its handshake to its end.

use super::activity::{Activity, Ending, OpenConnection};
use super::http1::Http1;
use super::watched::Peek;
use super::{Front, NoAnswer, Opening, Peer, Respond, Response};
use crate::tls::{ALPN_H2, without_http2};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http2;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A connection that a worker is to serve.
pub(crate) struct Accepted<P> {
    /// The connection.
    pub(crate) stream: TcpStream,
    /// Its other end.
    pub(crate) address: SocketAddr,
    /// What a handshake needs, unless it is plain HTTP.
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
    /// Given back when the connection is closed.
    pub(crate) place: P,
}

/// Serves the connection until either end closes it. Whatever goes wrong with it is no business of anybody else.
///
/// The connection counts as open from the call on, not from the first poll.
pub(crate) fn serve<R: Respond, P>(front: Rc<Front<R>>, accepted: Accepted<P>) -> impl Future<Output = ()> {
    let open = front.connections.open();
    serve_open(front, accepted, open)
}

async fn serve_open<R: Respond, P>(front: Rc<Front<R>>, accepted: Accepted<P>, open: OpenConnection) {
    let Accepted { stream, address, tls, place } = accepted;
    let opening = front.opening();
    let connection = match tls {
        None => {
            let peer = Peer { address, tls: None };
            Some(speak_http1(&front, &opening, &open.0, peer, TokioIo::new(stream)))
        }
        // In a box of its own, so that an idle connection does not hold what only its handshake needed.
        Some(config) => Box::pin(secure(&front, &opening, &open.0, address, stream, config)).await,
    };
    drop(opening);
    if let Some(mut connection) = connection {
        until_it_ends(connection.as_mut(), &open.0).await;
    }
    drop(open);
    drop(place);
}

async fn secure<R: Respond>(
    front: &Rc<Front<R>>,
    opening: &Rc<Opening>,
    activity: &Rc<Activity>,
    address: SocketAddr,
    stream: TcpStream,
    config: Arc<rustls::ServerConfig>,
) -> Option<Pin<Box<dyn Connection>>> {
    let place = front.connections.http2_place(opening.limits.http2_connections.div_ceil(front.workers));
    let config = if place.is_some() { config } else { Arc::new(without_http2(&config)) };
    let stream = shake_hands(opening, activity, stream, config).await?;
    let peer = Peer { address, tls: Some(front.responder.secured(stream.get_ref().1)) };
    if stream.get_ref().1.alpn_protocol() != Some(ALPN_H2) {
        return Some(speak_http1(front, opening, activity, peer, TokioIo::new(stream)));
    }
    activity.speaks_http2(place);
    Some(Box::pin(opening.http2.serve_connection(TokioIo::new(stream), service(front, activity, peer))))
}

async fn shake_hands(
    opening: &Opening,
    activity: &Activity,
    stream: TcpStream,
    config: Arc<rustls::ServerConfig>,
) -> Option<TlsStream<TcpStream>> {
    let mut handshake = pin!(tokio::time::timeout(opening.limits.handshake_timeout, accept(stream, config)));
    poll_fn(|context| match handshake.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(done.ok().and_then(|done| done.map_err(report_handshake).ok())),
        Poll::Pending => activity.poll_ended(context).map(|()| None),
    })
    .await
}

async fn accept(stream: TcpStream, config: Arc<rustls::ServerConfig>) -> io::Result<TlsStream<TcpStream>> {
    match TlsAcceptor::from(config).accept(stream).into_fallible().await {
        Ok(stream) => Ok(stream),
        Err((error, stream)) => {
            let_alert_arrive(stream).await;
            Err(error)
        }
    }
}

/// A client of TLS 1.3 may be sending its request by now. Closed on that, the connection would be reset, and the alert lost that says
/// what was wrong with its certificate.
async fn let_alert_arrive(mut stream: TcpStream) {
    if stream.shutdown().await.is_ok() {
        // Whatever comes of it, the connection is done with.
        let _ = tokio::io::copy(&mut stream.take(READ_AWAY_AT_MOST), &mut tokio::io::sink()).await;
    }
}

fn speak_http1<R: Respond, I: Read + Write + Peek + Unpin + 'static>(
    front: &Rc<Front<R>>,
    opening: &Rc<Opening>,
    activity: &Rc<Activity>,
    peer: Peer<R::Tls>,
    io: I,
) -> Pin<Box<dyn Connection>> {
    activity.speaks_http1();
    Box::pin(Http1::new(opening, activity, io, service(front, activity, peer)))
}

fn service<R: Respond>(
    front: &Rc<Front<R>>,
    activity: &Rc<Activity>,
    peer: Peer<R::Tls>,
) -> impl Service<
    hyper::Request<Incoming>,
    Response = Response,
    Error = NoAnswer,
    Future = impl Future<Output = Result<Response, NoAnswer>> + use<R>,
> + use<R> {
    let (front, activity, peer) = (Rc::clone(front), Rc::clone(activity), Rc::new(peer));
    service_fn(move |request| {
        let (front, activity, peer) = (Rc::clone(&front), Rc::clone(&activity), Rc::clone(&peer));
        async move { front.answer(&peer, &activity, request).await }
    })
}

async fn until_it_ends(mut connection: Pin<&mut dyn Connection>, activity: &Activity) {
    let mut told = false;
    poll_fn(|context| {
        match activity.ending(context) {
            Ending::AtOnce => return Poll::Ready(()),
            Ending::Gracefully if !told => {
                told = true;
                connection.as_mut().end_gracefully();
            }
            Ending::Gracefully | Ending::No => {}
        }
        connection.as_mut().poll_end(context)
    })
    .await;
}

/// What connections of both protocols can do.
pub(super) trait Connection {
    fn end_gracefully(self: Pin<&mut Self>);
    fn poll_end(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()>;
}

impl<I, S> Connection for http2::Connection<I, S, LocalExecutor>
where
    I: Read + Write + Unpin + 'static,
    S: Service<hyper::Request<Incoming>, Response = Response, Error = NoAnswer>,
    S::Future: 'static,
{
    fn end_gracefully(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }

    fn poll_end(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.poll(context).map(report)
    }
}

fn report_handshake(error: io::Error) {
    tracing::debug!(error = crate::in_one_line(&error), "a TLS handshake failed");
}

pub(super) fn report(end: hyper::Result<()>) {
    if let Err(error) = end {
        tracing::debug!(error = crate::in_one_line(&error), "a connection broke");
    }
}

/// Runs the streams of HTTP/2 on the worker that has the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalExecutor;

impl<F: Future + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}

/// Of what a client sends whose handshake failed.
const READ_AWAY_AT_MOST: u64 = 64 << 10;
