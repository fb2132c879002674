//! AWS's protocols over HTTP, against the real listener. What answers is an echo: limits hold before operations.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use http_server::{Current, Door, Plan};
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::Timestamp;
use operations::{Answer, Call};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use server::ServerError;
use server::config::{Config, Limits};
use server::data_dir::DataDir;
use server::http::{Calls, Respond};
use server::tls::Tls;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wire::query::FORM;

#[tokio::test]
async fn a_request_is_answered_with_the_headers_of_aws() {
    let door = open(Limits::default()).await;
    let answer = door.exchange(&post("hello")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    for header in [
        "content-type: application/x-amz-json-1.1",
        "cache-control: no-cache, no-store, must-revalidate, private",
        "content-length: 5",
        "expires: 0",
        "pragma: no-cache",
    ] {
        assert!(answer.contains(header), "{header} is not in {answer}");
    }
    let id = answer.lines().find_map(|line| line.strip_prefix("x-amzn-requestid: ")).unwrap();
    assert_eq!(id.len(), 36);
    assert!(answer.contains("\r\ndate: "));
    assert!(answer.ends_with("\r\n\r\nhello"));
}

#[tokio::test]
async fn an_operation_without_output_has_an_empty_body() {
    let door = open(Limits::default()).await;
    let answer = door.exchange(&post("")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("content-length: 0"), "{answer}");
}

#[tokio::test]
async fn another_method_or_content_type_is_an_unknown_operation() {
    let door = open(Limits::default()).await;
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ] {
        let answer = door.exchange(request).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        assert!(answer.contains("x-amzn-requestid: "), "{answer}");
        assert!(answer.ends_with("\r\n\r\n<UnknownOperationException/>"), "{answer}");
    }
}

#[tokio::test]
async fn a_content_type_may_have_parameters() {
    let door = open(Limits::default()).await;
    let request = post("x").replace("json-1.1", "JSON-1.1; charset=utf-8");
    assert!(door.exchange(&request).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_form_reaches_the_service_and_its_answer_says_what_it_is() {
    let door = open(Limits::default()).await;
    for content_type in
        [FORM, "application/x-www-form-urlencoded; charset=utf-8", "Application/X-WWW-Form-URLEncoded"]
    {
        let request = post_form("Action=ListUsers&Version=2010-05-08").replace(FORM, content_type);
        let answer = door.exchange(&request.replace("POST /", "POST /xml")).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(
            answer.contains("content-type: text/xml\r\n") && answer.contains("x-amzn-requestid: "),
            "{answer}"
        );
        assert!(answer.ends_with("\r\n\r\nAction=ListUsers&Version=2010-05-08"), "{answer}");
    }
}

#[tokio::test]
async fn a_form_in_another_method_is_an_unknown_operation() {
    let door = open(Limits::default()).await;
    let answer = door.exchange(&post_form("Action=ListUsers").replace("POST", "PUT")).await;
    assert!(
        answer.starts_with("HTTP/1.1 404 ") && answer.ends_with("<UnknownOperationException/>"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_form_that_is_too_long_is_refused_in_xml_with_the_id_of_its_header() {
    let door = open(Limits { body_bytes: 100_000, ..Limits::default() }).await;
    assert!(door.exchange(&post_form(&"x".repeat(100_000))).await.starts_with("HTTP/1.1 200 "));
    let answer = door.exchange(&post_form(&"x".repeat(100_001))).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("content-type: text/xml\r\n"), "{answer}");
    let id = answer.lines().find_map(|line| line.strip_prefix("x-amzn-requestid: ")).unwrap();
    let fault = "<ErrorResponse xmlns=\"http://webservices.amazon.com/AWSFault/2005-15-09\"><Error><Type>Sender</Type>\
                 <Code>RequestEntityTooLarge</Code></Error><RequestId>";
    assert!(answer.ends_with(&format!("\r\n\r\n{fault}{id}</RequestId></ErrorResponse>")), "{answer}");
}

#[tokio::test]
async fn the_health_check_needs_no_signature_and_tells_nothing() {
    let door = open(Limits::default()).await;
    let answer = door.exchange("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nok\n"), "{answer}");
}

#[tokio::test]
async fn a_body_as_long_as_allowed_is_served_and_one_byte_more_is_refused() {
    let door = open(Limits { body_bytes: 100_000, ..Limits::default() }).await;
    assert!(door.exchange(&post(&"x".repeat(100_000))).await.starts_with("HTTP/1.1 200 "));
    let answer = door.exchange(&post(&"x".repeat(100_001))).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains(r#"{"__type":"RequestEntityTooLargeException"}"#), "{answer}");
}

#[tokio::test]
async fn a_huge_body_sent_in_chunks_of_unknown_number_is_refused() {
    let door = open(Limits { body_bytes: 100_000, ..Limits::default() }).await;
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    let head = post("").replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let answer = door.exchange(&format!("{head}{}0\r\n\r\n", chunk.repeat(64))).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_too_much_is_refused_at_once() {
    let door = open(Limits::default()).await;
    let head = post("").replace("Content-Length: 0", "Expect: 100-continue\r\nContent-Length: 2000000");
    let answer = door.exchange(&head).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_body_that_arrives_too_slowly_is_answered_408_and_the_connection_closed() {
    let door = open(Limits { body_timeout: span("300ms"), ..Limits::default() }).await;
    let answer = door.exchange(&post("").replace("Content-Length: 0", "Content-Length: 10")).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn bodies_that_would_fill_the_memory_are_answered_503() {
    let limits = Limits { body_bytes: 100_000, buffered_body_bytes: 100_000, ..Limits::default() };
    let door = open(limits).await;
    let mut first = door.connect().await;
    let head = post("").replace("Content-Length: 0", "Content-Length: 100000");
    first.write_all(format!("{head}{}", "x".repeat(70_000)).as_bytes()).await.unwrap();
    let answer = door.exchange_slowly(&head, &"x".repeat(100_000)).await;
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains("ServiceUnavailableException"),
        "{answer}"
    );
    first.write_all("x".repeat(30_000).as_bytes()).await.unwrap();
    let mut start = [0; 12];
    first.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
}

#[tokio::test]
async fn http2_is_spoken_where_the_client_offers_it_and_the_call_knows_its_connection() {
    let door = open(Limits::default()).await;
    let stream = door.connect_tls(&[b"h2", b"http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut sender = http2(stream).await;
    let answer = sender.send_request(http2_request("/host", "")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("x-amzn-requestid"));
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, format!("kms.example.org {VERSION_AND_GROUP}"));
}

#[tokio::test]
async fn the_limits_hold_for_http2_too() {
    let door = open(Limits { body_bytes: 100_000, body_timeout: span("500ms"), ..Limits::default() }).await;
    let mut sender = http2(door.connect_tls(&[b"h2"]).await).await;
    let answer = sender.send_request(http2_request("/", &"x".repeat(100_001))).await.unwrap();
    assert_eq!(answer.status(), 413);
    let mut huge = http2_request("/", "");
    huge.headers_mut().insert("x-huge", "x".repeat(40_000).parse().unwrap());
    let refused = sender.send_request(huge).await.map(|answer| answer.status().as_u16());
    assert!(refused.as_ref().is_ok_and(|status| *status == 431) || refused.is_err(), "{refused:?}");
}

struct Echo;

impl Respond for Echo {
    async fn respond(&self, request: Call) -> Answer {
        let body = match request.parts.uri.path() {
            "/host" => {
                let tls = request.tls.as_ref().unwrap();
                let host = request.parts.uri.authority().unwrap();
                let group = tls.key_exchange.as_deref().unwrap();
                format!("{host} {} {} {group}", tls.version, tls.cipher_suite).into_bytes()
            }
            _ => request.body.to_vec(),
        };
        let content_type = match request.parts.uri.path() {
            "/xml" => wire::xml::CONTENT_TYPE,
            _ => wire::AWS_JSON,
        };
        Answer { status: 200, content_type, body }
    }
}

struct Open {
    _door: Door,
    http: SocketAddr,
    https: SocketAddr,
    dir: DataDir,
    _outside: tempfile::TempDir,
}

async fn open(limits: Limits) -> Open {
    let outside = tempfile::tempdir().unwrap();
    let dir = DataDir::create(outside.path()).unwrap();
    let tls = Tls::open(&dir, &Config::default(), Timestamp::now()).unwrap();
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let plan = Plan {
        https: Some((loopback, tls.config())),
        http: Some(loopback),
        limits: Current::new((&limits).into()),
        workers: NonZeroUsize::MIN,
    };
    let make = || std::future::ready(Ok::<_, ServerError>(Calls::to(Echo)));
    let door = plan.bind().unwrap().open(make).await.unwrap();
    Open { http: door.http().unwrap(), https: door.https().unwrap(), _door: door, dir, _outside: outside }
}

impl Open {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.http).await.unwrap()
    }

    /// Sends it on a new connection and reads until the service closes.
    async fn exchange(&self, request: &str) -> String {
        self.exchange_slowly(request, "").await
    }

    /// The same, with a pause for the service to see the beginning by itself.
    async fn exchange_slowly(&self, first: &str, second: &str) -> String {
        let (mut read, mut write) = self.connect().await.into_split();
        let (first, second) = (first.to_owned(), second.to_owned());
        tokio::spawn(async move {
            write.write_all(first.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            let _ = write.write_all(second.as_bytes()).await;
            // Kept open: a service that waits for more is to end by itself.
            tokio::time::sleep(Duration::from_secs(30)).await;
            drop(write);
        });
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(20), read.read_to_end(&mut answer)).await;
        read.unwrap().unwrap();
        String::from_utf8(answer).unwrap()
    }

    async fn connect_tls(&self, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.dir.file("tls/ca.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let stream = TcpStream::connect(self.https).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

type Sender = hyper::client::conn::http2::SendRequest<Full<Bytes>>;

async fn http2(stream: TlsStream<TcpStream>) -> Sender {
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn http2_request(path: &str, body: &str) -> http::Request<Full<Bytes>> {
    http::Request::post(format!("https://kms.example.org{path}"))
        .header("content-type", "application/x-amz-json-1.1")
        .body(Full::from(body.to_owned()))
        .unwrap()
}

fn post_form(body: &str) -> String {
    post(body).replace("application/x-amz-json-1.1", FORM)
}

fn post(body: &str) -> String {
    post_and_stay(body).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
}

fn post_and_stay(body: &str) -> String {
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

fn span(text: &str) -> server::config::Span {
    text.parse().unwrap()
}

const VERSION_AND_GROUP: &str = "TLSv1.3 TLS_AES_256_GCM_SHA384 X25519MLKEM768";
