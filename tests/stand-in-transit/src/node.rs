//! A server: its port, its threads, and what it does wrong.

use crate::answer::Answer;
use crate::{Cluster, Error, Fault, Seen, routes};
use bytes::Bytes;
use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use std::future::pending;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// A server, until it is dropped.
#[derive(Debug)]
pub struct Node {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What is of one server.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) fault: Option<Fault>,
    pub(crate) is_sealed: bool,
    pub(crate) is_standby: bool,
    /// Where a standby sends who asks, if it does not ask for them.
    pub(crate) redirects_to: Option<String>,
}

impl Node {
    /// `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Mishandles all requests from now on, or none.
    pub fn mishandle(&self, fault: Option<Fault>) {
        self.change(|state| state.fault = fault);
    }

    /// Seals it, or unseals it.
    pub fn seal(&self, is_sealed: bool) {
        self.change(|state| state.is_sealed = is_sealed);
    }

    /// Makes it a standby, which passes requests on, or tells to go there.
    pub fn stand_by(&self, redirects_to: Option<&Self>) {
        self.change(|state| {
            state.is_standby = true;
            state.redirects_to = redirects_to.map(Self::url);
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.stop.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

pub(crate) fn start(cluster: Cluster, address: SocketAddr) -> Result<Node, Error> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let state = Arc::new(Mutex::new(State::default()));
    let serving = Serving { cluster, port: address.port(), state: Arc::clone(&state) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let work = move || {
        runtime.block_on(async {
            tokio::select! {
                _ = serving.serve(listener) => (),
                _ = stopped => (),
            }
        });
    };
    let thread = std::thread::Builder::new().name("stand-in-transit".to_owned()).spawn(work)?;
    Ok(Node { address, state, stop: Some(stop), thread: Some(thread) })
}

#[derive(Clone)]
struct Serving {
    cluster: Cluster,
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Serving {
    async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(self.clone().connection(stream));
        }
    }

    /// A connection that ends in an error has ended as it should, or as the client wished.
    async fn connection(self, stream: TcpStream) {
        drop(stream.set_nodelay(true));
        let Ok(socket) = SockRef::from(&stream).try_clone() else { return };
        let Ok(tls) = TlsAcceptor::from(Arc::clone(&self.cluster.tls)).accept(stream).await else { return };
        let socket = Arc::new(socket);
        let weak = Arc::downgrade(&socket);
        let service = service_fn(move |request| {
            let (serving, socket) = (self.clone(), weak.clone());
            async move {
                let answer = serving.answer(request).await;
                if answer.is_err()
                    && let Some(socket) = socket.upgrade()
                {
                    drop(socket.set_linger(Some(Duration::ZERO)));
                }
                answer
            }
        });
        let served = http1::Builder::new().serve_connection(TokioIo::new(tls), service);
        // The other handle of the socket is closed first, so that the stream's end is the connection's.
        tokio::pin!(served);
        drop(served.as_mut().await);
        drop(socket);
    }

    async fn answer(self, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, LONGEST_BODY).collect().await.map_err(io::Error::other)?.to_bytes();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.see(&head);
        let is_health = head.uri.path() == "/v1/sys/health";
        if let (Some(location), false) = (&state.redirects_to, is_health) {
            let mut answer = response(Answer { status: 307, body: String::new() });
            let location = HeaderValue::try_from(format!("{location}{}", head.uri.path()));
            answer.headers_mut().insert(LOCATION, location.map_err(io::Error::other)?);
            return Ok(answer);
        }
        match state.fault.clone().filter(|_| !is_health) {
            Some(Fault::Reset) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Fault::NeverAnswer) => pending().await,
            Some(Fault::Late(by)) => tokio::time::sleep(by).await,
            Some(Fault::Answer(status, body)) => return Ok(response(Answer { status, body })),
            Some(Fault::Replace(from, to)) => {
                let mut answer = routes::answer(&self.cluster, &state, &head, &body);
                answer.body = answer.body.replace(&from, &to);
                return Ok(response(answer));
            }
            None => (),
        }
        Ok(response(routes::answer(&self.cluster, &state, &head, &body)))
    }

    fn see(&self, head: &Parts) {
        let path = head.uri.path();
        let path = path.strip_prefix("/v1/").unwrap_or(path).to_owned();
        self.cluster.held().seen.push(Seen { port: self.port, method: head.method.to_string(), path });
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(answer.body));
    *response.status_mut() = answer.status.try_into().unwrap_or_default();
    response
}

const LONGEST_BODY: usize = 1024 * 1024;
