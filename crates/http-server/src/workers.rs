//! The threads that answer requests: one runtime each, so that a request never changes threads and wakes no other.

use crate::front::{Accepted, Front, Respond, serve};
use crate::places::{Place, Places};
use crate::{Current, HttpServerError, Limits};
use rustls::ServerConfig;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

/// The running threads.
#[derive(Debug)]
pub(crate) struct Workers {
    threads: Vec<JoinHandle<()>>,
    dispatch: Dispatch,
}

impl Workers {
    /// Starts so many threads and waits until each has made what answers in it.
    pub(crate) async fn start<R, E, F, M>(
        count: usize,
        limits: &Arc<Current<Limits>>,
        connections: usize,
        make: M,
    ) -> Result<Self, E>
    where
        R: Respond,
        E: From<HttpServerError> + Send + 'static,
        F: Future<Output = Result<R, E>>,
        M: Fn() -> F + Clone + Send + 'static,
    {
        let mut threads = Vec::with_capacity(count);
        let mut lines = Vec::with_capacity(count);
        for number in 0..count {
            let (line, incoming) = mpsc::unbounded_channel();
            let (made, ready) = oneshot::channel();
            let worker = Worker { limits: Arc::clone(limits), workers: count, incoming };
            let make = make.clone();
            let thread = thread::Builder::new().name(format!("worker-{number}"));
            let thread =
                thread.spawn(move || worker.run(make, made)).map_err(HttpServerError::part(CANNOT_START))?;
            ready.await.map_err(HttpServerError::part(CANNOT_START))??;
            threads.push(thread);
            lines.push(Line { line, load: Arc::new(AtomicUsize::new(0)) });
        }
        let places = Places::new(Arc::clone(limits), connections);
        Ok(Self { threads, dispatch: Dispatch { lines: lines.into(), places } })
    }

    /// The way to hand connections to the threads.
    pub(crate) fn dispatch(&self) -> Dispatch {
        self.dispatch.clone()
    }

    /// Ends the threads: each when its connections have been drained. Every other dispatch must be gone by now.
    pub(crate) async fn drain(self) {
        drop(self.dispatch);
        let joined = tokio::task::spawn_blocking(|| {
            self.threads.into_iter().map(JoinHandle::join).all(|end| end.is_ok())
        });
        if !joined.await.unwrap_or(false) {
            tracing::error!("a worker thread has failed");
        }
    }
}

/// Hands connections to workers.
#[derive(Clone, Debug)]
pub(crate) struct Dispatch {
    lines: Arc<[Line]>,
    places: Arc<Places>,
}

#[derive(Debug)]
struct Line {
    line: mpsc::UnboundedSender<Incoming>,
    load: Arc<AtomicUsize>,
}

/// A connection on its way to a worker.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) stream: std::net::TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) place: Place,
}

impl Dispatch {
    /// A place; waits until there is one.
    pub(crate) async fn place(&self) -> Place {
        self.places.take().await
    }

    /// Hands the connection to the worker that has the fewest.
    pub(crate) fn hand_over(&self, mut incoming: Incoming) -> io::Result<()> {
        incoming.stream.set_nonblocking(true)?;
        incoming.stream.set_nodelay(true)?;
        let alive = self.lines.iter().filter(|line| !line.line.is_closed());
        let fewest = alive.min_by_key(|line| line.load.load(Ordering::Relaxed));
        let line = fewest.ok_or(io::ErrorKind::NotConnected)?;
        incoming.place.is_load_of(&line.load);
        line.line.send(incoming).map_err(|_| io::ErrorKind::NotConnected.into())
    }
}

/// What a thread starts with.
struct Worker {
    limits: Arc<Current<Limits>>,
    workers: usize,
    incoming: mpsc::UnboundedReceiver<Incoming>,
}

impl Worker {
    fn run<R, E, F, M>(self, make: M, made: oneshot::Sender<Result<(), E>>)
    where
        R: Respond,
        E: From<HttpServerError>,
        F: Future<Output = Result<R, E>>,
        M: Fn() -> F,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = match runtime.map_err(HttpServerError::part(CANNOT_START)) {
            Ok(runtime) => runtime,
            Err(error) => return drop(made.send(Err(error.into()))),
        };
        let tasks = LocalSet::new();
        tasks.block_on(&runtime, async {
            match make().await {
                Err(error) => drop(made.send(Err(error))),
                Ok(responder) => {
                    let _ = made.send(Ok(()));
                    self.serve(responder).await;
                }
            }
        });
        // A call that changes something is carried to its end and recorded, though its connection may be gone by now.
        if runtime.block_on(async { tokio::time::timeout(CARRIED_OUT, tasks).await }).is_err() {
            tracing::warn!("calls whose clients are gone are given up");
        }
    }

    async fn serve<R: Respond>(mut self, responder: R) {
        let front = Rc::new(Front::new(responder, Arc::clone(&self.limits), self.workers));
        let swept = Rc::clone(&front);
        let sweep = tokio::task::spawn_local(async move { swept.sweep().await });
        while let Some(Incoming { stream, peer, tls, place }) = self.incoming.recv().await {
            match TcpStream::from_std(stream) {
                Ok(stream) => {
                    let accepted = Accepted { stream, address: peer, tls, place };
                    tokio::task::spawn_local(serve(Rc::clone(&front), accepted));
                }
                Err(error) => tracing::warn!(error = %error, "a connection could not be served"),
            }
        }
        front.drain(self.limits.now().drain_timeout).await;
        sweep.abort();
    }
}

/// How long what was begun may go on when every connection is closed: as long as any call may take, and a little.
const CARRIED_OUT: Duration = Duration::from_secs(12);
const CANNOT_START: &str = "a worker thread cannot start";
