//! A service that echoes, and clients of it.

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use http_server::tls::{Handshakes, TlsVersion, provider};
use http_server::{
    Body, BodyError, Current, Door, HttpServerError, Limits, NoAnswer, Peer, Plan, Respond, Response,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection};
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) struct Echo {
    pub(crate) begun: Notify,
    pub(crate) go: Notify,
}

struct Responder(Arc<Echo>);

impl Respond for Responder {
    type Tls = String;

    fn secured(&self, connection: &ServerConnection) -> String {
        format!("{:?}", connection.protocol_version().unwrap())
    }

    async fn respond(&self, request: Request<Body<'_>>, peer: &Peer<String>) -> Result<Response, NoAnswer> {
        let path = request.uri().path().to_owned();
        let body = request.into_body();
        if path == "/refused" {
            return Ok(answer(StatusCode::FORBIDDEN, "refused".into()));
        }
        if path == "/checked" && body.is_too_large() {
            return Ok(answer(StatusCode::PAYLOAD_TOO_LARGE, "refused by its head".into()));
        }
        let body = match body.read().await {
            Ok(body) => body,
            Err(BodyError::Broken) => return Err(NoAnswer),
            Err(error) => return Ok(refusal(error)),
        };
        let text = match path.as_str() {
            "/no-answer" => return Err(NoAnswer),
            "/peer" => format!("{} {}", peer.address.ip(), peer.tls.as_deref().unwrap_or("plain")).into(),
            "/thread" => std::thread::current().name().unwrap().to_owned().into(),
            "/wait" => {
                self.0.begun.notify_one();
                self.0.go.notified().await;
                body
            }
            _ => body,
        };
        Ok(answer(StatusCode::OK, text))
    }
}

fn refusal(error: BodyError) -> Response {
    let status = match error {
        BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
        BodyError::Broken | BodyError::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut refusal = answer(status, Bytes::new());
    if error != BodyError::TooLarge {
        refusal.headers_mut().insert(header::CONNECTION, "close".parse().unwrap());
    }
    refusal
}

fn answer(status: StatusCode, body: Bytes) -> Response {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer
}

pub(crate) struct Open {
    pub(crate) door: Door,
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
    pub(crate) echo: Arc<Echo>,
    pub(crate) limits: Arc<Current<Limits>>,
    pub(crate) tls: Arc<Current<ServerConfig>>,
    pub(crate) identity: Identity,
}

/// A certificate that is its own authority.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Identity {
    pub(crate) fn of(name: &str) -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        Self { certificate: cert.der().clone(), key }
    }

    pub(crate) fn certified(&self) -> rustls::sign::CertifiedKey {
        let chain = vec![self.certificate.clone()];
        rustls::sign::CertifiedKey::from_der(chain, self.key.clone_key(), &provider()).unwrap()
    }

    pub(crate) fn handshakes(&self) -> Handshakes {
        Handshakes {
            certificate: Current::new(self.certified()),
            clients: None,
            minimum_version: TlsVersion::Tls12,
            sessions: 100,
        }
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        roots
    }
}

pub(crate) fn limits() -> Limits {
    Limits {
        body_bytes: 100_000,
        body_timeout: Duration::from_secs(20),
        buffered_body_bytes: 256 << 20,
        connections: 4096,
        drain_timeout: Duration::from_secs(20),
        handshake_timeout: Duration::from_secs(10),
        header_bytes: 32 << 10,
        header_timeout: Duration::from_secs(10),
        headers: 64,
        http2_connections: 4096,
        http2_streams: 128,
        http2_window: 1 << 20,
        idle_timeout: Duration::from_secs(75),
        read_buffer_bytes: Limits::READ_BUFFER_BYTES,
    }
}

pub(crate) async fn open(limits: Limits) -> Open {
    open_with(limits, 1).await
}

pub(crate) async fn open_with(limits: Limits, workers: usize) -> Open {
    let identity = Identity::of("localhost");
    let tls = Current::new(identity.handshakes().server_config().unwrap());
    let limits = Current::new(limits);
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let plan = Plan {
        https: Some((loopback, Arc::clone(&tls))),
        http: Some(loopback),
        limits: Arc::clone(&limits),
        workers: NonZeroUsize::new(workers).unwrap(),
    };
    let echo = Arc::new(Echo { begun: Notify::new(), go: Notify::new() });
    let shared = Arc::clone(&echo);
    let make = move || std::future::ready(Ok::<_, HttpServerError>(Responder(Arc::clone(&shared))));
    let door = plan.bind().unwrap().open(make).await.unwrap();
    Open { http: door.http().unwrap(), https: door.https().unwrap(), door, echo, limits, tls, identity }
}

impl Open {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.http).await.unwrap()
    }

    /// Sends it on a new connection and reads until the service closes. The client's end stays open: a service that waits for more is to
    /// end by itself.
    pub(crate) async fn exchange(&self, request: &str) -> String {
        let mut connection = self.connect().await;
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(20), connection.read_to_end(&mut answer)).await;
        read.unwrap().unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// What a client uses that trusts the service as it was opened.
    pub(crate) fn client(&self, protocols: &[&[u8]]) -> ClientConfig {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.identity.roots())
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        config
    }

    pub(crate) async fn connect_tls(&self, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        self.connect_as(self.client(protocols)).await.unwrap()
    }

    pub(crate) async fn connect_as(&self, client: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.https).await.unwrap();
        TlsConnector::from(Arc::new(client)).connect(localhost(), stream).await
    }
}

pub(crate) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

pub(crate) type Sender = hyper::client::conn::http2::SendRequest<Full<Bytes>>;

pub(crate) async fn http2(stream: TlsStream<TcpStream>) -> Sender {
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

pub(crate) fn http2_request(path: &str, body: &str) -> Request<Full<Bytes>> {
    Request::post(format!("https://localhost{path}")).body(Full::from(body.to_owned())).unwrap()
}

pub(crate) fn post(body: &str) -> String {
    post_and_stay(body).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
}

pub(crate) fn post_and_stay(body: &str) -> String {
    let length = body.len();
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
}

pub(crate) async fn exchange_once<S: AsyncReadExt + AsyncWriteExt + Unpin>(
    connection: &mut S,
    request: &str,
) -> String {
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.flush().await.unwrap();
    read_answer(connection).await
}

pub(crate) async fn read_answer<S: AsyncReadExt + Unpin>(connection: &mut S) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let byte = connection.read_u8().await;
        assert!(byte.is_ok(), "closed after `{head}`");
        head.push(char::from(byte.unwrap()));
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    connection.read_exact(&mut body).await.unwrap();
    head + &String::from_utf8(body).unwrap()
}

pub(crate) async fn assert_closed_between(mut connection: TcpStream, earliest: u128, latest: u128) {
    let begun = Instant::now();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(30), connection.read_to_end(&mut rest)).await;
    let millis = begun.elapsed().as_millis();
    assert!(closed.is_ok() && (earliest..latest).contains(&millis), "{closed:?} after {millis} ms");
}
