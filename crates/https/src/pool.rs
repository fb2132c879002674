//! Where connections come from: those that are idle, and new ones. Setting one up belongs to nobody in particular: whoever gives up
//! waiting wastes nothing, for the connection goes to the next who needs one. Only with the client it ends.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use http::uri::Authority;
use tokio::sync::{oneshot, watch};
use tokio_rustls::TlsConnector;

use crate::connection::{self, ConnectError, Connection, Stream};
use crate::{PeerCertificate, Route, Routes, Tls};

/// Is told the certificate of each server that was connected to.
pub type Observer = Arc<dyn Fn(PeerCertificate) + Send + Sync>;

/// The connections of a client.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    tls: TlsConnector,
    routes: Routes,
    observer: Option<Observer>,
    queues: Mutex<Queues>,
    /// Gone with the client.
    lives: watch::Sender<()>,
}

impl Pool {
    pub(crate) fn new(tls: Tls, routes: Routes, observer: Option<Observer>) -> Self {
        let tls = TlsConnector::from(tls.0);
        let queues = Mutex::new(Queues { of: HashMap::new(), swept: Instant::now() });
        Self(Arc::new(Shared { tls, routes, observer, queues, lives: watch::Sender::default() }))
    }

    /// A connection with nobody else on it: the one that was used last, or else whichever is there first, given back or new.
    pub(crate) async fn take(&self, authority: &Authority) -> Result<Box<Connection>, ConnectError> {
        let now = Instant::now();
        let turn = self.0.queues().of(authority, now).enter(now);
        let waiter = match turn {
            Turn::Served(connection) => return Ok(connection),
            Turn::Waits(waiter) => waiter,
            Turn::SetsUp(waiter) => {
                let mut lives = self.0.lives.subscribe();
                let set_up = Shared::set_up(Arc::downgrade(&self.0), authority.clone(), now);
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

    /// For the next request, if the connection can take one.
    pub(crate) fn give_back(&self, authority: &Authority, mut connection: Box<Connection>) {
        if connection.is_ready() {
            connection.may_be_closed = true;
            let now = Instant::now();
            self.0.queues().of(authority, now).hand_out(Ok(connection), now + IDLE_FOR);
        }
    }
}

impl Shared {
    /// Sets connections up as long as there are more who wait than are being set up for them.
    async fn set_up(this: Weak<Self>, authority: Authority, mut began: Instant) {
        while let Some((route, tls)) = this.upgrade().map(|this| (this.route(&authority), this.tls.clone())) {
            let outcome = connection::stream(bare_host(&authority), &route, &tls).await;
            let Some(this) = this.upgrade() else { return };
            let outcome = this.with_http(outcome).await;
            let now = Instant::now();
            if !this.has_set_up(&authority, began, outcome, now) {
                return;
            }
            began = now;
        }
    }

    /// What a stream is used for. This waits for nothing.
    async fn with_http(&self, stream: Result<Stream, ConnectError>) -> Outcome {
        let stream = stream?;
        self.observe(&stream);
        Connection::over(stream).await
    }

    /// Says whether one more is to be set up.
    fn has_set_up(&self, authority: &Authority, began: Instant, outcome: Outcome, now: Instant) -> bool {
        let mut queues = self.queues();
        let queue = queues.of(authority, now);
        queue.ended(began);
        queue.hand_out(outcome, now + SPARE_FOR);
        queue.begins_one(now)
    }

    fn observe(&self, stream: &Stream) {
        if let Some(observer) = &self.observer
            && let Some(certificate) = PeerCertificate::of(stream.get_ref().1)
        {
            observer(certificate);
        }
    }

    fn route(&self, authority: &Authority) -> Route {
        let host = bare_host(authority);
        let direct = || Route::Tcp(host.to_owned(), authority.port_u16().unwrap_or(443));
        self.routes.of(host).cloned().unwrap_or_else(direct)
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pool").field("routes", &self.0.routes).finish_non_exhaustive()
    }
}

/// The host of an authority without the brackets of an IPv6 address.
fn bare_host(authority: &Authority) -> &str {
    authority.host().trim_start_matches('[').trim_end_matches(']')
}

struct Queues {
    of: HashMap<Authority, Queue>,
    swept: Instant,
}

impl Queues {
    fn of(&mut self, authority: &Authority, now: Instant) -> &mut Queue {
        if now.duration_since(self.swept) >= SWEPT_EVERY {
            self.swept = now;
            self.sweep(now);
        }
        self.of.entry(authority.clone()).or_default()
    }

    /// Nobody drives idle connections, so that those that their servers closed are only found when they are looked at.
    fn sweep(&mut self, now: Instant) {
        self.of.retain(|_, queue| {
            queue.idle.retain_mut(|idle| idle.until > now && idle.connection.is_still_ready());
            !queue.is_empty()
        });
    }
}

/// Who waits for connections with one authority, how many are being set up, and those that nobody uses.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<oneshot::Sender<Outcome>>,
    /// Since when.
    under_way: Vec<Instant>,
    /// The one that was used last is last.
    idle: VecDeque<Idle>,
}

struct Idle {
    connection: Box<Connection>,
    until: Instant,
}

/// What comes of asking for a connection.
enum Turn {
    Served(Box<Connection>),
    Waits(Waiter),
    SetsUp(Waiter),
}

type Waiter = oneshot::Receiver<Outcome>;

type Outcome = Result<Box<Connection>, ConnectError>;

impl Queue {
    fn enter(&mut self, now: Instant) -> Turn {
        while let Some(Idle { mut connection, until }) = self.idle.pop_back() {
            if until > now {
                connection.may_be_closed = true;
                return Turn::Served(connection);
            }
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

    fn ended(&mut self, began: Instant) {
        if let Some(position) = self.under_way.iter().position(|other| *other == began) {
            self.under_way.swap_remove(position);
        }
    }

    /// To who has waited longest; if nobody waits, a connection is kept until then.
    fn hand_out(&mut self, mut outcome: Outcome, until: Instant) {
        while let Some(waiter) = self.waiting.pop_front() {
            match waiter.send(outcome) {
                Ok(()) => return,
                Err(unclaimed) => outcome = unclaimed,
            }
        }
        if let Ok(connection) = outcome {
            if self.idle.len() >= MOST_IDLE {
                self.idle.pop_front();
            }
            self.idle.push_back(Idle { connection, until });
        }
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty() && self.idle.is_empty()
    }
}

/// Handshakes cost time of a processor that other requests need too.
const MOST_AT_ONCE: usize = 32;

/// What has taken longer than that is not counted on: its first packet may be lost. It goes on, but who waits gets another one.
const PROMISING_FOR: Duration = Duration::from_millis(200);

/// A server waits for the first request of a connection about as long as that.
const SPARE_FOR: Duration = Duration::from_secs(10);

/// Longer than whatever asks in regular intervals, so that there is always a connection.
const IDLE_FOR: Duration = Duration::from_secs(10 * 60);

/// Connections that are kept idle, to one server.
const MOST_IDLE: usize = 64;

const SWEPT_EVERY: Duration = Duration::from_secs(1);
