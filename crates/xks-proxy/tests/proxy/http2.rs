//! HTTP/2, as KMS may speak it.

use crate::client::{Ask, encrypt};
use crate::setup::{Proxy, Setup};
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The same request, with the authority in place of the `Host` header.
fn request(ask: &Ask) -> Request<Full<Bytes>> {
    let mut head = ask.head();
    head.uri =
        Uri::builder().scheme("https").authority("localhost").path_and_query(&*ask.path).build().unwrap();
    head.headers.remove("host");
    Request::from_parts(head, Full::new(ask.body.clone().into()))
}

async fn ask_many(proxy: &Proxy, number: usize) -> Vec<(u16, Bytes)> {
    let mut config = proxy.trust.config();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(proxy.address).await.unwrap();
    let stream =
        TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let (send, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
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
