//! What each connection of a worker is doing, and the sweep that ends those that do nothing for too long.
//!
//! A request costs a few cells here and no timer: the sweep looks at all connections twice a second.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The connections of one worker.
#[derive(Debug)]
pub(super) struct Connections {
    open: RefCell<HashMap<u64, Rc<Activity>>>,
    next: Cell<u64>,
    /// The time at the last look: near enough for timeouts of seconds.
    now: Cell<Instant>,
    draining: Cell<bool>,
    changed: Notify,
    http2: Cell<usize>,
}

/// What one connection is doing.
#[derive(Debug)]
pub(super) struct Activity {
    connections: Rc<Connections>,
    number: u64,
    protocol: Cell<Protocol>,
    /// Given back with the connection.
    http2_place: RefCell<Option<Http2Place>>,
    phase: Cell<Phase>,
    since: Cell<Instant>,
    in_flight: Cell<u32>,
    /// Idle for so long that it may be put away.
    tired: Cell<bool>,
    /// An answer has been begun and not all of it has been handed to the operating system.
    unsent: Cell<bool>,
    ending: Cell<Ending>,
    ending_since: Cell<Instant>,
    task: RefCell<Option<Waker>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
    Undecided,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A header has begun to arrive.
    Header,
    /// Nothing is in flight.
    Idle,
    /// The handshake, which has a timeout of its own.
    Opening,
    /// Requests are in flight; they are bounded elsewhere.
    Serving,
}

/// How a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is to be dropped as it is.
    AtOnce,
    /// What is in flight is to be answered first.
    Gracefully,
    /// It goes on.
    No,
}

impl Connections {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            open: RefCell::default(),
            next: Cell::new(0),
            now: Cell::new(Instant::now()),
            draining: Cell::new(false),
            changed: Notify::new(),
            http2: Cell::new(0),
        })
    }

    /// A place among the connections that may speak HTTP/2, if there is one left of so many.
    pub(super) fn http2_place(self: &Rc<Self>, places: usize) -> Option<Http2Place> {
        let taken = self.http2.get();
        (taken < places).then(|| {
            self.http2.set(taken + 1);
            Http2Place(Rc::clone(self))
        })
    }

    /// A connection that has just been accepted. It is there until the guard is dropped.
    pub(super) fn open(self: &Rc<Self>) -> OpenConnection {
        self.now.set(Instant::now());
        let number = self.next.replace(self.next.get().wrapping_add(1));
        let activity = Rc::new(Activity {
            connections: Rc::clone(self),
            number,
            protocol: Cell::new(Protocol::Undecided),
            http2_place: RefCell::new(None),
            phase: Cell::new(Phase::Opening),
            since: Cell::new(self.now.get()),
            in_flight: Cell::new(0),
            tired: Cell::new(false),
            unsent: Cell::new(false),
            ending: Cell::new(Ending::No),
            ending_since: Cell::new(self.now.get()),
            task: RefCell::default(),
        });
        self.open.borrow_mut().insert(number, Rc::clone(&activity));
        self.changed.notify_waiters();
        OpenConnection(activity)
    }

    /// Whether every answer is the last one on its connection.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// Waits until any connection is open.
    pub(super) async fn opened(&self) {
        let changed = self.changed.notified();
        if self.open.borrow().is_empty() {
            changed.await;
        }
    }

    /// Ends connections that have been idle, or sending a header, for too long.
    pub(super) fn sweep(&self, idle_timeout: Duration, header_timeout: Duration) {
        self.now.set(Instant::now());
        for activity in self.open.borrow().values() {
            match activity.phase.get() {
                Phase::Header => self.look_at(activity, header_timeout),
                Phase::Idle => self.look_at(activity, idle_timeout),
                Phase::Opening | Phase::Serving => {}
            }
        }
    }

    /// Lets every connection end: at once where nothing is in flight, and at the deadline whatever is.
    ///
    /// An HTTP/1.1 client may have sent its next request when it learns that the connection closes, and could not know
    /// whether it was carried out. So connections stay open a moment longer, and each answer says that it is the last.
    pub(super) async fn drain(&self, timeout: Duration) {
        self.draining.set(true);
        self.end(|activity| activity.protocol.get() == Protocol::Http2, Ending::Gracefully);
        let drained = async {
            if tokio::time::timeout(LAST_CALL, self.all_closed()).await.is_err() {
                self.end(|_| true, Ending::Gracefully);
                self.all_closed().await;
            }
        };
        if tokio::time::timeout(timeout.max(LAST_CALL * 2), drained).await.is_err() {
            tracing::warn!(
                connections = self.open.borrow().len(),
                "connections are cut off at the drain timeout"
            );
            self.end(|_| true, Ending::AtOnce);
            self.all_closed().await;
        }
    }

    async fn all_closed(&self) {
        loop {
            let changed = self.changed.notified();
            if self.open.borrow().is_empty() {
                return;
            }
            changed.await;
        }
    }

    fn end(&self, which: impl Fn(&Activity) -> bool, how: Ending) {
        self.open.borrow().values().filter(|activity| which(activity)).for_each(|activity| activity.end(how));
    }

    fn look_at(&self, activity: &Activity, limit: Duration) {
        let now = self.now.get();
        activity.look_tired(now);
        match activity.ending.get() {
            Ending::No if now.duration_since(activity.since.get()) >= limit => {
                activity.end(Ending::Gracefully)
            }
            Ending::Gracefully if now.duration_since(activity.ending_since.get()) >= LINGER => {
                activity.end(Ending::AtOnce);
            }
            _ => {}
        }
    }
}

impl Activity {
    /// The handshake is over, and HTTP/1.1 is spoken: the first header is due.
    pub(super) fn speaks_http1(&self) {
        self.protocol.set(Protocol::Http1);
        self.enter(Phase::Header);
    }

    /// The handshake is over, and HTTP/2 is spoken.
    pub(super) fn speaks_http2(&self, place: Option<Http2Place>) {
        self.protocol.set(Protocol::Http2);
        self.http2_place.replace(place);
        self.enter(Phase::Idle);
        if self.connections.is_draining() {
            self.end(Ending::Gracefully);
        }
    }

    pub(super) fn is_http1(&self) -> bool {
        self.protocol.get() == Protocol::Http1
    }

    /// Bytes have arrived on an HTTP/1.1 connection.
    pub(super) fn bytes_arrived(&self) {
        if self.phase.get() == Phase::Idle {
            self.enter(Phase::Header);
        }
    }

    /// Whether nothing would be lost if the connection were put away: no request is under way, and every answer is out.
    pub(super) fn may_sleep(&self) -> bool {
        self.tired.get() && self.phase.get() == Phase::Idle && !self.unsent.get()
    }

    pub(super) fn wakes(&self) {
        self.tired.set(false);
    }

    pub(super) fn has_unsent(&self, unsent: bool) {
        self.unsent.set(unsent);
    }

    /// A request is in flight until the guard is dropped.
    pub(super) fn begin_request(activity: &Rc<Self>) -> InFlight {
        activity.in_flight.set(activity.in_flight.get().saturating_add(1));
        activity.phase.set(Phase::Serving);
        activity.tired.set(false);
        InFlight(Rc::clone(activity))
    }

    /// How the connection is to end; its task is woken when that changes.
    pub(super) fn ending(&self, context: &Context<'_>) -> Ending {
        let mut task = self.task.borrow_mut();
        if !task.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *task = Some(context.waker().clone());
        }
        self.ending.get()
    }

    /// Ready when the connection is to end.
    pub(super) fn poll_ended(&self, context: &Context<'_>) -> Poll<()> {
        if self.ending(context) == Ending::No { Poll::Pending } else { Poll::Ready(()) }
    }

    fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.since.set(self.connections.now.get());
    }

    fn look_tired(&self, now: Instant) {
        let idle = self.phase.get() == Phase::Idle && now.duration_since(self.since.get()) >= TIRED_AFTER;
        if idle && self.is_http1() && !self.tired.replace(true) {
            self.wake_task();
        }
    }

    fn end(&self, how: Ending) {
        if self.ending.replace(how) != how {
            self.ending_since.set(self.connections.now.get());
            self.wake_task();
        }
    }

    fn wake_task(&self) {
        if let Some(task) = self.task.borrow().as_ref() {
            task.wake_by_ref();
        }
    }
}

/// A connection that is open.
pub(super) struct OpenConnection(pub(super) Rc<Activity>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let connections = &self.0.connections;
        self.0.http2_place.replace(None);
        connections.open.borrow_mut().remove(&self.0.number);
        connections.changed.notify_waiters();
    }
}

/// A place among the connections that may speak HTTP/2.
#[derive(Debug)]
pub(super) struct Http2Place(Rc<Connections>);

impl Drop for Http2Place {
    fn drop(&mut self) {
        self.0.http2.set(self.0.http2.get().saturating_sub(1));
    }
}

/// A request that has not been answered yet.
pub(super) struct InFlight(Rc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let left = self.0.in_flight.get().saturating_sub(1);
        self.0.in_flight.set(left);
        if left == 0 {
            self.0.enter(Phase::Idle);
        }
    }
}

/// How often the sweep looks.
pub(super) const SWEEP: Duration = Duration::from_millis(500);

/// After so long without a request an HTTP/1.1 connection gives back its buffers.
const TIRED_AFTER: Duration = Duration::from_secs(1);

/// How long a request that was under way when the service began to stop is waited for.
const LAST_CALL: Duration = Duration::from_millis(250);

/// How long a connection that is told to end may take to say goodbye.
const LINGER: Duration = Duration::from_secs(1);
