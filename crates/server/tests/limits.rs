//! The limits of HTTP and the drain, against the real listener. What answers is an echo: limits hold before operations.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::Timestamp;
use operations::{Answer, Call};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use server::config::{Config, Limits};
use server::data_dir::DataDir;
use server::http::Respond;
use server::tls::Tls;
use server::{Door, Plan, ServerError};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
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
async fn a_huge_header_and_too_many_headers_are_answered_431() {
    let door = open(Limits::default()).await;
    let huge = post("").replace("Host: a", &format!("Host: a\r\nX-A: {}", "x".repeat(70_000)));
    assert!(door.exchange(&huge).await.starts_with("HTTP/1.1 431 "));
    let many = post("").replace("Host: a", &format!("Host: a{}", "\r\nX-A: x".repeat(70)));
    assert!(door.exchange(&many).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn a_header_that_arrives_byte_by_byte_does_not_hold_the_connection() {
    let door = open(Limits { header_timeout: span("1s"), ..Limits::default() }).await;
    let mut connection = door.connect().await;
    let begun = Instant::now();
    let request = post("");
    for byte in request.as_bytes() {
        if connection.write_all(&[*byte]).await.is_err() || begun.elapsed() > Duration::from_secs(8) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_connection_that_sends_nothing_is_closed() {
    let door = open(Limits { header_timeout: span("500ms"), ..Limits::default() }).await;
    assert_closed_between(door.connect().await, 0, 3_000).await;
}

#[tokio::test]
async fn an_idle_connection_outlives_the_header_timeout_and_ends_at_the_idle_timeout() {
    let door =
        open(Limits { header_timeout: span("500ms"), idle_timeout: span("2s"), ..Limits::default() }).await;
    let mut connection = door.connect().await;
    exchange_once(&mut connection, &post_and_stay("x")).await;
    assert_closed_between(connection, 1_400, 5_000).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_cut_off() {
    let door = open(Limits { idle_timeout: span("1s"), ..Limits::default() }).await;
    let mut connection = door.connect().await;
    let request = post_and_stay(&"x".repeat(1_000_000));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        let write = tokio::time::timeout(Duration::from_secs(8), connection.write_all(request.as_bytes()));
        if write.await.unwrap().is_err() {
            return;
        }
    }
    panic!("the connection is still open");
}

#[tokio::test]
async fn a_handshake_that_does_not_go_on_is_ended() {
    let door = open(Limits { handshake_timeout: span("300ms"), ..Limits::default() }).await;
    let mut connection = TcpStream::connect(door.https).await.unwrap();
    connection.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    assert_closed_between(connection, 200, 3_000).await;
}

#[tokio::test]
async fn connections_over_the_limit_wait_until_one_closes() {
    let door = open(Limits { connections: 2, ..Limits::default() }).await;
    let mut first = door.connect().await;
    let mut second = door.connect().await;
    exchange_once(&mut first, &post_and_stay("x")).await;
    exchange_once(&mut second, &post_and_stay("x")).await;
    let mut third = door.connect().await;
    third.write_all(post("x").as_bytes()).await.unwrap();
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(300), third.read(&mut byte)).await;
    assert!(early.is_err(), "the third connection is served beside two others");
    drop(first);
    assert_eq!(third.read(&mut byte).await.unwrap(), 1);
    exchange_once(&mut second, &post_and_stay("x")).await;
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

#[tokio::test]
async fn a_half_open_http2_connection_ends_at_the_idle_timeout() {
    let door = open(Limits { idle_timeout: span("1s"), ..Limits::default() }).await;
    let mut stream = door.connect_tls(&[b"h2"]).await;
    stream.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    let begun = Instant::now();
    let mut all = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(6), stream.read_to_end(&mut all)).await;
    assert!(closed.is_ok() && begun.elapsed() > Duration::from_millis(500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_door_closes() {
    let door = open(Limits::default()).await;
    let mut connection = door.connect().await;
    connection.write_all(post_and_stay("x").replace("POST /", "POST /wait").as_bytes()).await.unwrap();
    door.echo.begun.notified().await;
    let go = Arc::clone(&door.echo);
    let closing = tokio::spawn(door.door.close());
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!closing.is_finished(), "the door closed over a request");
    go.go.notify_one();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer}");
    closing.await.unwrap();
}

#[tokio::test]
async fn a_request_in_flight_on_http2_is_answered_before_the_door_closes() {
    let door = open(Limits::default()).await;
    let mut sender = http2(door.connect_tls(&[b"h2"]).await).await;
    let answer = tokio::spawn(sender.send_request(http2_request("/wait", "x")));
    door.echo.begun.notified().await;
    let echo = Arc::clone(&door.echo);
    let closing = tokio::spawn(door.door.close());
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(
        sender.send_request(http2_request("/", "late")).await.is_err(),
        "a request was let in after the end"
    );
    echo.go.notify_one();
    let body = answer.await.unwrap().unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "x");
    closing.await.unwrap();
}

#[tokio::test]
async fn idle_connections_do_not_hold_the_door_open() {
    let door = open(Limits::default()).await;
    let mut plain = door.connect().await;
    exchange_once(&mut plain, &post_and_stay("x")).await;
    let mut sender = http2(door.connect_tls(&[b"h2"]).await).await;
    sender.send_request(http2_request("/", "x")).await.unwrap();
    let half_open = TcpStream::connect(door.https).await.unwrap();
    let begun = Instant::now();
    door.door.close().await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    drop((plain, sender, half_open));
}

#[tokio::test]
async fn connections_are_shared_evenly_among_the_workers() {
    let door = open_with(Limits::default(), 2).await;
    let mut connections = Vec::new();
    let mut threads = Vec::new();
    for _ in 0..6 {
        let mut connection = door.connect().await;
        let request = post_and_stay("").replace("POST /", "POST /thread");
        let answer = exchange_once(&mut connection, &request).await;
        threads.push(answer.rsplit("\r\n").next().unwrap().to_owned());
        connections.push(connection);
    }
    let first = threads.iter().filter(|thread| *thread == "worker-0").count();
    assert_eq!(first, 3, "{threads:?}");
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off_at_the_drain_timeout() {
    let door = open(Limits { drain_timeout: span("700ms"), ..Limits::default() }).await;
    let mut connection = door.connect().await;
    connection.write_all(post("x").replace("POST /", "POST /wait").as_bytes()).await.unwrap();
    door.echo.begun.notified().await;
    let begun = Instant::now();
    door.door.close().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn under_load_every_request_that_was_accepted_is_answered() {
    let door = open(Limits::default()).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..8).map(|_| tokio::spawn(load(door.http, Arc::clone(&answered)))).collect();
    while answered.load(Ordering::Relaxed) < 200 {
        tokio::task::yield_now().await;
    }
    door.door.close().await;
    for client in clients {
        client.await.unwrap();
    }
}

/// Sends one request after the other until it is told that an answer was the last, then until nobody listens.
async fn load(address: SocketAddr, answered: Arc<AtomicUsize>) {
    while let Ok(mut connection) = TcpStream::connect(address).await {
        loop {
            let answer = exchange_once(&mut connection, &post_and_stay("hello")).await;
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("hello"), "{answer}");
            answered.fetch_add(1, Ordering::Relaxed);
            if answer.contains("connection: close") {
                break;
            }
        }
    }
}

struct Echo {
    begun: Notify,
    go: Notify,
}

struct Responder(Arc<Echo>);

impl Respond for Responder {
    async fn respond(&self, request: Call) -> Answer {
        let body = match request.parts.uri.path() {
            "/host" => {
                let tls = request.tls.as_ref().unwrap();
                let host = request.parts.uri.authority().unwrap();
                let group = tls.key_exchange.as_deref().unwrap();
                format!("{host} {} {} {group}", tls.version, tls.cipher_suite).into_bytes()
            }
            "/thread" => std::thread::current().name().unwrap().as_bytes().to_vec(),
            "/wait" => {
                self.0.begun.notify_one();
                self.0.go.notified().await;
                request.body.to_vec()
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
    door: Door,
    http: SocketAddr,
    https: SocketAddr,
    echo: Arc<Echo>,
    dir: DataDir,
    _outside: tempfile::TempDir,
}

async fn open(limits: Limits) -> Open {
    open_with(limits, 1).await
}

async fn open_with(limits: Limits, workers: usize) -> Open {
    let outside = tempfile::tempdir().unwrap();
    let dir = DataDir::create(outside.path()).unwrap();
    let tls = Tls::open(&dir, &Config::default(), Timestamp::now()).unwrap();
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let plan = Plan {
        https: Some((loopback, tls.config())),
        http: Some(loopback),
        limits,
        workers: NonZeroUsize::new(workers).unwrap(),
    };
    let echo = Arc::new(Echo { begun: Notify::new(), go: Notify::new() });
    let shared = Arc::clone(&echo);
    let make = move || {
        let echo = Arc::clone(&shared);
        async move { Ok::<_, ServerError>(Responder(echo)) }
    };
    let door = plan.bind().unwrap().open(make).await.unwrap();
    Open { http: door.http().unwrap(), https: door.https().unwrap(), door, echo, dir, _outside: outside }
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

async fn exchange_once(connection: &mut TcpStream, request: &str) -> String {
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    loop {
        let read = connection.read_buf(&mut answer).await.unwrap();
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return text;
            }
        }
        assert!(read > 0, "closed after `{text}`");
    }
}

async fn assert_closed_between(mut connection: TcpStream, earliest: u128, latest: u128) {
    let begun = Instant::now();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(15), connection.read_to_end(&mut rest)).await;
    let millis = begun.elapsed().as_millis();
    assert!(closed.is_ok() && (earliest..latest).contains(&millis), "{closed:?} after {millis} ms");
}

fn span(text: &str) -> server::config::Span {
    text.parse().unwrap()
}

const VERSION_AND_GROUP: &str = "TLSv1.3 TLS_AES_256_GCM_SHA384 X25519MLKEM768";
