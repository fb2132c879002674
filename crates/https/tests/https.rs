//! The client against servers that answer with the bytes they are told, whatever HTTP says to that.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what is not as expected fails the test")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use https::{CertificateDer, Client, Error, PeerCertificate, Roots, Routes, Tls};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

/// What a server does with the requests of one connection, in turn; then it closes the connection.
type Connection = Vec<&'static str>;

struct Server {
    port: u16,
    certificate: CertificateDer<'static>,
    connections: Arc<AtomicUsize>,
    life: Arc<Life>,
}

/// What a server and a test tell each other.
struct Life {
    requests: Mutex<Vec<String>>,
    /// A permit for each connection that has been closed.
    closed: Semaphore,
    /// A permit lets an answer go that is held.
    gate: Semaphore,
}

impl Default for Life {
    fn default() -> Self {
        Self { requests: Mutex::default(), closed: Semaphore::new(0), gate: Semaphore::new(0) }
    }
}

impl Server {
    /// Serves so many connections. Those after stand, but nobody answers.
    async fn start(script: Vec<Connection>) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::<AtomicUsize>::default();
        let (acceptor, counter) = (TlsAcceptor::from(Arc::new(config)), Arc::clone(&connections));
        let life = Arc::<Life>::default();
        let shared = Arc::clone(&life);
        tokio::spawn(async move {
            for answers in script {
                let (socket, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(acceptor.clone(), socket, answers, Arc::clone(&shared)));
            }
            std::future::pending::<()>().await;
        });
        Self { port, certificate: cert.der().clone(), connections, life }
    }

    fn client(&self) -> Client {
        self.observed(None)
    }

    fn observed(&self, observer: Option<https::Observer>) -> Client {
        let mut roots = Roots::none();
        roots.add(self.certificate.clone()).unwrap();
        Client::new(Tls::new(roots, None).unwrap(), Routes::default(), observer)
    }

    async fn ask(&self, client: &Client) -> Result<Bytes, Error> {
        let uri = format!("https://localhost:{}/path", self.port);
        let request = Request::post(uri).body(Bytes::from_static(b"question")).unwrap();
        client.send(&request, 16).await.map(http::Response::into_body)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn serve(acceptor: TlsAcceptor, socket: TcpStream, answers: Connection, life: Arc<Life>) {
    let Ok(mut stream) = acceptor.accept(socket).await else { return };
    let mut buffer = [0; 4096];
    for answer in answers {
        let mut read = Vec::new();
        while !read.ends_with(b"question") {
            let length = stream.read(&mut buffer).await.unwrap();
            read.extend(buffer.iter().take(length));
        }
        life.requests.lock().unwrap().push(String::from_utf8(read).unwrap());
        if answer == HELD {
            life.gate.acquire().await.unwrap().forget();
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
    let _ = stream.shutdown().await;
    drop(stream);
    life.closed.add_permits(1);
}

/// Only answered when the test says so.
const HELD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nheld: 1\r\n\r\nanswer";
const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nanswer";

#[tokio::test]
async fn requests_in_turn_share_a_connection() {
    let server = Server::start(vec![vec![GOOD; 5]]).await;
    let client = server.client();
    for _ in 0..5 {
        assert_eq!(server.ask(&client).await.as_deref(), Ok(b"answer".as_slice()));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_answer_in_chunks_leaves_a_connection_that_serves_again() {
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nans\r\n3\r\nwer\r\n0\r\n\r\n";
    let server = Server::start(vec![vec![chunks, chunks, GOOD]]).await;
    let client = server.client();
    for _ in 0..3 {
        assert_eq!(server.ask(&client).await.as_deref(), Ok(b"answer".as_slice()));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_request_names_the_host_in_a_header_and_the_path_alone() {
    let server = Server::start(vec![vec![GOOD]]).await;
    server.ask(&server.client()).await.unwrap();
    let requests = server.life.requests.lock().unwrap();
    let head = format!("POST /path HTTP/1.1\r\nhost: localhost:{}\r\n", server.port);
    assert!(requests[0].starts_with(&head), "{requests:?}");
}

#[tokio::test]
async fn idle_connections_that_were_closed_count_as_no_try() {
    let mut script = vec![vec![HELD]; 8];
    script.push(vec![GOOD]);
    let server = Arc::new(Server::start(script).await);
    let client = server.client();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (server, client) = (Arc::clone(&server), client.clone());
        asked.spawn(async move { server.ask(&client).await });
    }
    while server.life.requests.lock().unwrap().len() < 8 {
        tokio::task::yield_now().await;
    }
    server.life.gate.add_permits(8);
    assert!(asked.join_all().await.iter().all(Result::is_ok));
    server.life.closed.acquire_many(8).await.unwrap().forget();
    // The runtime looks at sockets when it has nothing else to do.
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(server.ask(&client).await.as_deref(), Ok(b"answer".as_slice()));
    assert_eq!((server.connections(), server.life.requests.lock().unwrap().len()), (9, 9));
}

#[tokio::test]
async fn whoever_waits_for_a_connection_gets_one_that_is_given_back() {
    let server = Server::start(vec![vec![HELD, GOOD]]).await;
    let client = server.client();
    let opened = async {
        while server.life.requests.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        server.life.gate.add_permits(1);
    };
    let (one, other, ()) = tokio::join!(server.ask(&client), server.ask(&client), opened);
    assert_eq!((one.as_deref(), other.as_deref()), (Ok(b"answer".as_slice()), Ok(b"answer".as_slice())));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_request_that_is_given_up_closes_its_connection() {
    let server = Server::start(vec![vec![GOOD, HELD, GOOD], vec![GOOD]]).await;
    let client = server.client();
    server.ask(&client).await.unwrap();
    tokio::select! {
        _ = server.ask(&client) => panic!("answered"),
        () = async { while server.life.requests.lock().unwrap().len() < 2 { tokio::task::yield_now().await } } => {}
    }
    assert_eq!(server.ask(&client).await.as_deref(), Ok(b"answer".as_slice()));
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_served_and_was_closed_fails_no_request() {
    // The second request of each connection is read, and the connection closed without an answer.
    let script = vec![vec![GOOD, ""], vec![GOOD, ""], vec![GOOD]];
    let server = Server::start(script).await;
    let client = server.client();
    for _ in 0..3 {
        assert_eq!(server.ask(&client).await.as_deref(), Ok(b"answer".as_slice()));
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_new_connection_that_breaks_is_not_tried_again() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nans", "HTTP/1.1 2"] {
        let server = Server::start(vec![vec![answer], vec![GOOD]]).await;
        let error = server.ask(&server.client()).await.unwrap_err();
        assert!(matches!(error, Error::BrokenOff(_)), "{answer}: {error:?}");
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read_to_its_end() {
    let declared = "HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n12345678901234567";
    let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nf\r\n123456789012345\r\nf\r\n123456789012345\r\n";
    for answer in [declared, endless] {
        let server = Server::start(vec![vec![answer]]).await;
        assert_eq!(server.ask(&server.client()).await, Err(Error::TooLong));
    }
}

#[tokio::test]
async fn what_is_not_http_is_told_from_a_broken_connection() {
    for answer in ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"] {
        let server = Server::start(vec![vec![answer]]).await;
        let error = server.ask(&server.client()).await.unwrap_err();
        assert!(matches!(error, Error::Malformed(_)), "{answer}: {error:?}");
    }
}

#[tokio::test]
async fn whoever_is_not_there_or_not_trusted_is_told_apart() {
    let server = Server::start(vec![vec![GOOD]; 2]).await;
    let stranger = Client::new(Tls::new(Roots::none(), None).unwrap(), Routes::default(), None);
    assert!(matches!(server.ask(&stranger).await, Err(Error::Tls(_))));
    let nobody = Server { port: 1, ..server };
    assert!(matches!(nobody.ask(&nobody.client()).await, Err(Error::Connect(_))));
}

#[tokio::test]
async fn nothing_is_sent_but_to_https_urls() {
    let server = Server::start(vec![]).await;
    for uri in ["http://localhost/", "/path", "ftp://localhost/"] {
        let request = Request::get(uri).body(Bytes::new()).unwrap();
        let sent = server.client().send(&request, 16).await;
        assert!(matches!(sent, Err(Error::Request(_))), "{uri}");
    }
}

#[tokio::test]
async fn whoever_observes_sees_the_certificate_of_each_connection() {
    let server = Server::start(vec![vec![GOOD, GOOD], vec![GOOD]]).await;
    let seen = Arc::<Mutex<Vec<PeerCertificate>>>::default();
    let observer = {
        let seen = Arc::clone(&seen);
        Arc::new(move |certificate| seen.lock().unwrap().push(certificate))
    };
    let client = server.observed(Some(observer));
    for _ in 0..3 {
        server.ask(&client).await.unwrap();
    }
    let expected = PeerCertificate::read(&server.certificate).unwrap();
    assert_eq!(*seen.lock().unwrap(), [expected.clone(), expected]);
}

#[tokio::test]
async fn whoever_gives_up_wastes_no_connection() {
    let server = Server::start(vec![vec![GOOD]]).await;
    let stands = Arc::<tokio::sync::Notify>::default();
    let observer = {
        let stands = Arc::clone(&stands);
        Arc::new(move |_| stands.notify_one())
    };
    let client = server.observed(Some(observer));
    let asked = {
        let (client, port) = (client.clone(), server.port);
        tokio::spawn(async move {
            let request = Request::get(format!("https://localhost:{port}/")).body(Bytes::new()).unwrap();
            client.send(&request, 16).await
        })
    };
    tokio::task::yield_now().await;
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    stands.notified().await;
    assert_eq!(server.ask(&client).await.as_deref(), Ok(b"answer".as_slice()));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn with_the_client_end_the_connections_that_are_being_set_up() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let client = Client::new(Tls::new(Roots::none(), None).unwrap(), Routes::default(), None);
    let uri = format!("https://localhost:{}/", silent.local_addr().unwrap().port());
    let asked = {
        let (client, request) = (client.clone(), Request::get(uri).body(Bytes::new()).unwrap());
        tokio::spawn(async move { client.send(&request, 16).await })
    };
    let (mut socket, _) = silent.accept().await.unwrap();
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    drop(client);
    let all = tokio::time::timeout(Duration::from_secs(2), socket.read_to_end(&mut Vec::new())).await;
    assert!(all.is_ok(), "the connection stays open");
}
