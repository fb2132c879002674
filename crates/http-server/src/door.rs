//! The service's front door: listeners and the workers behind them, opened and closed together.

use crate::front::Respond;
use crate::listener::Listener;
use crate::workers::Workers;
use crate::{Current, HttpServerError, Limits};
use rustix::process::{Resource, getrlimit, setrlimit};
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where to listen, and within which limits.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where HTTPS is served, and with what; nowhere if absent.
    pub https: Option<(SocketAddr, Arc<Current<ServerConfig>>)>,
    /// Where plain HTTP is served; nowhere if absent.
    pub http: Option<SocketAddr>,
    /// What clients must not be able to exhaust.
    pub limits: Arc<Current<Limits>>,
    /// How many threads answer requests.
    pub workers: NonZeroUsize,
}

/// The open door.
#[derive(Debug)]
pub struct Door {
    https: Option<SocketAddr>,
    http: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    accepting: Vec<JoinHandle<()>>,
    workers: Workers,
}

/// The door with its listeners bound, and nobody behind it yet: connections wait.
#[derive(Debug)]
pub struct Bound {
    https: Option<Listener>,
    http: Option<Listener>,
    limits: Arc<Current<Limits>>,
    workers: NonZeroUsize,
}

impl Plan {
    /// Binds the listeners. To be done early: an address in use is the commonest reason not to start.
    pub fn bind(self) -> Result<Bound, HttpServerError> {
        let https = self.https.map(|(address, tls)| Listener::bind(address, Some(tls))).transpose()?;
        let http = self.http.map(|address| Listener::bind(address, None)).transpose()?;
        Ok(Bound { https, http, limits: self.limits, workers: self.workers })
    }
}

impl Bound {
    /// Opens the door. `make` is called once in each worker thread, and may use what is bound to that thread.
    pub async fn open<R, E, F, M>(self, make: M) -> Result<Door, E>
    where
        R: Respond,
        E: From<HttpServerError> + Send + 'static,
        F: Future<Output = Result<R, E>>,
        M: Fn() -> F + Clone + Send + 'static,
    {
        let Self { https, http, limits, workers } = self;
        let [https_at, http_at] = [&https, &http].map(|listener| listener.as_ref().map(Listener::address));
        let (at_most, wanted) = (connections_within_file_limit(), limits.now().connections);
        if at_most < wanted {
            tracing::warn!(connections = at_most, wanted, "the limit of open files allows fewer connections");
        }
        let workers = Workers::start(workers.get(), &limits, at_most, make).await?;
        let (stop, stopped) = watch::channel(false);
        let accept = |listener: Listener| tokio::spawn(listener.accept(workers.dispatch(), stopped.clone()));
        let accepting = https.into_iter().chain(http).map(accept).collect();
        Ok(Door { https: https_at, http: http_at, stop, accepting, workers })
    }
}

impl Door {
    /// Where HTTPS is served, with the port that it really got.
    #[must_use]
    pub fn https(&self) -> Option<SocketAddr> {
        self.https
    }

    /// Where plain HTTP is served, with the port that it really got.
    #[must_use]
    pub fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Closes it: no more connections, and every request that was accepted is answered, within the drain timeout.
    pub async fn close(self) {
        self.stop.send_replace(true);
        for accepting in self.accepting {
            let _ = accepting.await;
        }
        self.workers.drain().await;
    }
}

/// One worker for each core.
#[must_use]
pub fn one_a_core() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Raises the limit of open files as far as it goes, and leaves some for everything but connections.
fn connections_within_file_limit() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(FILES_FOR_THE_REST)).unwrap_or(usize::MAX).max(1)
}

const FILES_FOR_THE_REST: u64 = 128;
