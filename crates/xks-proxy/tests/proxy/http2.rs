//! HTTP/2, as KMS may speak it.

use crate::client::{Ask, encrypt};
use crate::setup::{Proxy, Setup};
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;

/// The same request, with the authority in place of the `Host` header.
fn request(ask: &Ask) -> Request<Full<Bytes>> {
    let mut head = ask.head();
    head.uri =
        Uri::builder().scheme("https").authority("localhost").path_and_query(&*ask.path).build().unwrap();
    head.headers.remove("host");
    Request::from_parts(head, Full::new(ask.body.clone().into()))
}

async fn open<B>(proxy: &Proxy) -> SendRequest<B>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let mut config = proxy.trust.config();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(proxy.address).await.unwrap();
    let stream =
        TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let (send, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    send
}

async fn ask_many(proxy: &Proxy, number: usize) -> Vec<(u16, Bytes)> {
    let send = open(proxy).await;
    let mut answers = Vec::new();
    let asked: Vec<_> = (0..number)
        .map(|_| tokio::spawn(send.clone().send_request(request(&encrypt("/a", "one", "VmVyeVNlY3JldA==")))))
        .collect();
    for answer in asked {
        let answer = answer.await.unwrap().unwrap();
        answers.push((answer.status().as_u16(), answer.into_body().collect().await.unwrap().to_bytes()));
    }
    answers
}

#[test]
fn many_requests_share_a_connection_and_the_log_tells_no_secret_of_them() {
    let setup = Setup::new();
    setup.two_stores();
    let mut proxy = setup.start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answers = runtime.block_on(ask_many(&proxy, 50));
    for (status, body) in &answers {
        assert_eq!(*status, 200, "{body:?}");
    }
    drop(runtime);
    assert!(proxy.stop().success());
    assert_eq!(setup.records().len(), 50);
    let log = setup.log();
    assert!(log.contains("TRACE"), "the log is at no trace level");
    for hidden in ["VmVyeVNlY3JldA", "VerySecret", "Signature="] {
        assert!(!log.contains(hidden), "`{hidden}` is in the log");
    }
}

/// A body of which nothing ever comes. Says when it is given up.
struct Endless(#[expect(dead_code, reason = "its end is told by dropping it")] oneshot::Sender<()>);

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// Else every stranger could keep as many streams open as there may be, on each of his connections.
#[test]
fn a_stranger_s_stream_ends_with_its_answer_whatever_was_still_to_come() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut send = open(&proxy).await;
        let (body, given_up) = oneshot::channel();
        let stray = Request::post("https://localhost/nothing").body(Endless(body)).unwrap();
        assert_eq!(send.send_request(stray).await.unwrap().status(), 404);
        // Not at once: there are clients that drop an answer if its stream is reset while they are still sending.
        let mut given_up = std::pin::pin!(given_up);
        assert!(tokio::time::timeout(Duration::from_millis(20), &mut given_up).await.is_err());
        // The rest of a body is read away for five seconds where that is needed.
        let given_up = tokio::time::timeout(Duration::from_secs(4), given_up).await;
        assert!(given_up.is_ok(), "the stream is still open");
    });
}
