//! How connections come to be. Setting one up belongs to nobody in particular: whoever gives up waiting wastes nothing, for the connection
//! goes to the next who needs one. Only with the client it ends.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::Uri;
use http::uri::Authority;
use hyper_util::rt::TokioIo;
use tokio::sync::{oneshot, watch};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use crate::connection::{ConnectError, Established};
use crate::{PeerCertificate, Route, Routes, Tls};

/// Is told the certificate of each server that was connected to.
pub type Observer = Arc<dyn Fn(PeerCertificate) + Send + Sync>;

/// Sets connections up for hyper's pool.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Shared>);

struct Shared {
    tls: TlsConnector,
    routes: Routes,
    observer: Option<Observer>,
    /// By authority; one that nobody waits for and that has nothing is not here.
    queues: Mutex<HashMap<Authority, Queue>>,
    /// Gone with the client.
    lives: watch::Sender<()>,
}

impl Connector {
    pub(crate) fn new(tls: Tls, routes: Routes, observer: Option<Observer>) -> Self {
        let tls = TlsConnector::from(tls.0);
        Self(Arc::new(Shared {
            tls,
            routes,
            observer,
            queues: Mutex::default(),
            lives: watch::Sender::default(),
        }))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Established>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            // INVARIANT: hyper's pool refuses a URI without an authority before it asks for a connection.
            let authority = uri.into_parts().authority.unwrap_or_else(|| Authority::from_static("invalid."));
            shared.connection(authority).await.map(TokioIo::new)
        })
    }
}

impl Shared {
    async fn connection(self: Arc<Self>, authority: Authority) -> Result<Established, ConnectError> {
        let now = Instant::now();
        let turn = self.queues().entry(authority.clone()).or_default().enter(now);
        let waiter = match turn {
            Turn::Served(connection) => return Ok(*connection),
            Turn::Waits(waiter) => waiter,
            Turn::SetsUp(waiter) => {
                let mut lives = self.lives.subscribe();
                let set_up = Self::set_up(Arc::downgrade(&self), authority, now);
                tokio::spawn(async move {
                    tokio::select! {
                        () = set_up => {}
                        _ = lives.changed() => {}
                    }
                });
                waiter
            }
        };
        let broken = |_| ConnectError::Socket(std::io::ErrorKind::Interrupted.into());
        waiter.await.map_err(broken)?
    }

    /// Sets connections up as long as there are more who wait than are being set up for them.
    async fn set_up(this: Weak<Self>, authority: Authority, mut began: Instant) {
        while let Some((route, tls)) = this.upgrade().map(|this| (this.route(&authority), this.tls.clone())) {
            let outcome = Established::set_up(bare_host(&authority), &route, &tls).await;
            let now = Instant::now();
            if !this.upgrade().is_some_and(|this| this.hand_out(&authority, began, outcome, now)) {
                return;
            }
            began = now;
        }
    }

    /// Says whether one more is to be set up.
    fn hand_out(&self, authority: &Authority, began: Instant, outcome: Outcome, now: Instant) -> bool {
        self.observe(&outcome);
        let mut queues = self.queues();
        let Some(queue) = queues.get_mut(authority) else { return false };
        queue.hand_out(began, outcome, now);
        let begins = queue.begins_one(now);
        if !begins && queue.is_empty() {
            queues.remove(authority);
        }
        begins
    }

    fn observe(&self, outcome: &Outcome) {
        if let (Some(observer), Ok(connection)) = (&self.observer, outcome)
            && let Some(certificate) = PeerCertificate::of(connection.session())
        {
            observer(certificate);
        }
    }

    fn route(&self, authority: &Authority) -> Route {
        let host = bare_host(authority);
        let direct = || Route::Tcp(host.to_owned(), authority.port_u16().unwrap_or(443));
        self.routes.of(host).cloned().unwrap_or_else(direct)
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<Authority, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connector").field("routes", &self.0.routes).finish_non_exhaustive()
    }
}

/// The host of an authority without the brackets of an IPv6 address.
fn bare_host(authority: &Authority) -> &str {
    authority.host().trim_start_matches('[').trim_end_matches(']')
}

/// Who waits for connections with one authority, how many are being set up, and those that nobody waited for any more.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<oneshot::Sender<Outcome>>,
    /// Since when.
    under_way: Vec<Instant>,
    spare: Vec<(Instant, Established)>,
}

/// What comes of asking for a connection.
enum Turn {
    Served(Box<Established>),
    Waits(Waiter),
    SetsUp(Waiter),
}

type Waiter = oneshot::Receiver<Outcome>;

type Outcome = Result<Established, ConnectError>;

impl Queue {
    fn enter(&mut self, now: Instant) -> Turn {
        self.spare.retain(|(since, _)| now.duration_since(*since) < SPARE_FOR);
        if let Some((_, connection)) = self.spare.pop() {
            connection.history().note();
            return Turn::Served(Box::new(connection));
        }
        let (sender, waiter) = oneshot::channel();
        self.waiting.push_back(sender);
        if self.begins_one(now) { Turn::SetsUp(waiter) } else { Turn::Waits(waiter) }
    }

    /// Whether one more is to be set up; if so, it is counted as begun.
    fn begins_one(&mut self, now: Instant) -> bool {
        self.waiting.retain(|waiter| !waiter.is_closed());
        let is_young = |began: &&Instant| now.duration_since(**began) < PROMISING_FOR;
        let promising = self.under_way.iter().filter(is_young).count();
        let begins = promising < self.waiting.len().min(MOST_AT_ONCE);
        if begins {
            self.under_way.push(now);
        }
        begins
    }

    fn hand_out(&mut self, began: Instant, mut outcome: Outcome, now: Instant) {
        if let Some(position) = self.under_way.iter().position(|other| *other == began) {
            self.under_way.swap_remove(position);
        }
        while let Some(waiter) = self.waiting.pop_front() {
            match waiter.send(outcome) {
                Ok(()) => return,
                Err(unclaimed) => outcome = unclaimed,
            }
        }
        if let Ok(connection) = outcome {
            self.spare.push((now, connection));
        }
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty() && self.spare.is_empty()
    }
}

/// Handshakes cost time of a processor that other requests need too.
const MOST_AT_ONCE: usize = 32;

/// What has taken longer than that is not counted on: its first packet may be lost. It goes on, but who waits gets another one.
const PROMISING_FOR: Duration = Duration::from_millis(200);

/// A server waits for the first request of a connection about as long as that.
const SPARE_FOR: Duration = Duration::from_secs(10);
