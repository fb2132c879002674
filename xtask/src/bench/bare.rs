//! The bare server: hyper in the runtime shape of `cardea serve` (a current-thread runtime a core, connections handed out in
//! turn), reading each body and answering as many bytes as the path asks for. What it costs is what HTTP costs.

use super::process::Server;
use super::{BenchError, connection};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::convert::Infallible;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;

/// A bare server that runs.
#[derive(Debug)]
pub struct Bare {
    /// Its process.
    pub server: Server,
    /// Where it speaks plain HTTP.
    pub http: connection::Endpoint,
    /// Where it speaks HTTPS.
    pub https: connection::Endpoint,
}

impl Bare {
    /// Starts it with the certificate of a Cardea server.
    pub fn start(program: &Path, data: &Path, log: &Path) -> Result<Self, BenchError> {
        let mut command = Command::new(program);
        command.arg("bare").arg(data.join("tls"));
        let server = Server::start(command, READY, log)?;
        let mut addresses = server.ready_line.split(' ').skip(1).map(str::parse);
        let (Some(Ok(http)), Some(Ok(https))) = (addresses.next(), addresses.next()) else {
            return Err(BenchError::malformed("the bare server's ready line", &server.ready_line));
        };
        let tls = connection::tls_trusting(&data.join("tls/ca.pem"))?;
        Ok(Self {
            server,
            http: connection::Endpoint::plain(http),
            https: connection::Endpoint::secure(https, tls),
        })
    }
}

/// What the server's own process is started with.
#[derive(Debug, clap::Args)]
pub struct BareOptions {
    /// The directory of the certificate.
    tls: PathBuf,
}

/// Serves until the process is ended.
pub fn serve(options: &BareOptions) -> Result<(), BenchError> {
    let (http, https) = (listen()?, listen()?);
    let address = |listener: &TcpListener| listener.local_addr().map_err(BenchError::io("read an address"));
    let ready = format!("{READY}{} {}", address(&http)?, address(&https)?);
    let acceptor = TlsAcceptor::from(tls(&options.tls)?);
    let lines: Vec<_> = (0..workers()).map(|_| start_worker()).collect();
    let secure = lines.clone();
    thread::spawn(move || accept(&https, &secure, Some(&acceptor)));
    writeln!(std::io::stdout(), "{ready}").map_err(BenchError::io("print"))?;
    accept(&http, &lines, None);
    Ok(())
}

type Line = UnboundedSender<(std::net::TcpStream, Option<TlsAcceptor>)>;

fn workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn start_worker() -> Line {
    let (line, incoming) = unbounded_channel();
    thread::spawn(move || {
        // A worker that cannot start takes no connections, and the load generator ends with that.
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            LocalSet::new().block_on(&runtime, work(incoming));
        }
    });
    line
}

fn accept(listener: &TcpListener, lines: &[Line], acceptor: Option<&TlsAcceptor>) {
    for (line, stream) in lines.iter().cycle().zip(listener.incoming()) {
        if let Ok(stream) = stream {
            let _ = line.send((stream, acceptor.cloned()));
        }
    }
}

async fn work(mut incoming: UnboundedReceiver<(std::net::TcpStream, Option<TlsAcceptor>)>) {
    while let Some((stream, acceptor)) = incoming.recv().await {
        tokio::task::spawn_local(serve_connection(stream, acceptor));
    }
}

async fn serve_connection(stream: std::net::TcpStream, acceptor: Option<TlsAcceptor>) {
    // An error here is the end of the connection, which the load generator notices.
    let set_up = stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true));
    let Ok(stream) = set_up.and_then(|()| tokio::net::TcpStream::from_std(stream)) else { return };
    match acceptor {
        None => serve_http(stream).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve_http(stream).await;
            }
        }
    }
}

async fn serve_http(stream: impl AsyncRead + AsyncWrite + Unpin + 'static) {
    let mut http = hyper::server::conn::http1::Builder::new();
    let _ = http.header_read_timeout(None).serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let length = parts.uri.path().get(1..).and_then(|path| path.parse::<usize>().ok());
    let mut response = Response::new(Full::new(match (body.collect().await, length) {
        (Ok(_), Some(length)) => Bytes::from_static(&FILLING).slice(..length.min(FILLING.len())),
        _ => Bytes::new(),
    }));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(CONTENT_TYPE));
    Ok(response)
}

fn listen() -> Result<TcpListener, BenchError> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).map_err(BenchError::io("listen"))
}

fn tls(dir: &Path) -> Result<Arc<rustls::ServerConfig>, BenchError> {
    let broken = |error: rustls::pki_types::pem::Error| BenchError::Tls(error.to_string());
    let chain = CertificateDer::pem_file_iter(dir.join("server.pem")).map_err(broken)?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(broken)?;
    let key = PrivateKeyDer::from_pem_file(dir.join("server-key.pem")).map_err(broken)?;
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    config.map(Arc::new).map_err(|error| BenchError::Tls(error.to_string()))
}

const READY: &str = "ready ";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
static FILLING: [u8; 16 * 1024] = [b'x'; 16 * 1024];
