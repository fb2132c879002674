//! HTTP/1.1 on one connection. hyper speaks it; while nothing comes, hyper is put away with its buffers, which are most of what an idle
//! connection would cost. Nothing that was read or is to be written may be lost by that.

use super::activity::Activity;
use super::connection::{Connection, report};
use super::watched::{Peek, Watched};
use super::{NoAnswer, Opening, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::Service;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// What answers the requests of a connection.
pub(super) trait Answers: Service<Request<Incoming>, Response = Response, Error = NoAnswer> {}

impl<S: Service<Request<Incoming>, Response = Response, Error = NoAnswer>> Answers for S {}

/// The connection.
pub(super) struct Http1<I, S: Answers> {
    state: State<I, S>,
    opening: Rc<Opening>,
    activity: Rc<Activity>,
}

enum State<I, S: Answers> {
    /// Nothing was read that is not answered, and nothing is left to be written.
    Asleep(Box<(Watched<I>, S)>),
    Awake(Box<http1::Connection<Watched<I>, S>>),
    /// The other end has closed; ours is being closed.
    Closing(Box<Watched<I>>),
    Over,
}

impl<I, S> Http1<I, S>
where
    I: Read + Write + Peek + Unpin + 'static,
    S: Answers,
{
    /// Asleep, until the first request comes.
    pub(super) fn new(opening: &Rc<Opening>, activity: &Rc<Activity>, io: I, service: S) -> Self {
        let watched = Watched::new(io, Rc::clone(activity));
        let state = State::Asleep(Box::new((watched, service)));
        Self { state, opening: Rc::clone(opening), activity: Rc::clone(activity) }
    }

    fn wake(&self, io: Watched<I>, service: S) -> State<I, S> {
        self.activity.wakes();
        State::Awake(Box::new(self.opening.http1.serve_connection(io, service)))
    }

    /// A request that has come in part stays with whoever reads the rest of it.
    fn put_away(&self, connection: http1::Connection<Watched<I>, S>) -> State<I, S> {
        let http1::Parts { mut io, read_buf, service, .. } = connection.into_parts();
        if read_buf.is_empty() {
            return State::Asleep(Box::new((io, service)));
        }
        io.begin_with(read_buf);
        self.wake(io, service)
    }

    /// What becomes of the state; it stays as it is where that is pending.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<State<I, S>> {
        let (now, next) = match mem::replace(&mut self.state, State::Over) {
            State::Asleep(mut asleep) => match asleep.0.poll_peek(context) {
                Poll::Ready(true) => return Poll::Ready(self.wake(asleep.0, asleep.1)),
                Poll::Ready(false) => return Poll::Ready(State::Closing(Box::new(asleep.0))),
                Poll::Pending => (State::Asleep(asleep), Poll::Pending),
            },
            State::Awake(connection) if self.activity.may_sleep() => {
                return Poll::Ready(self.put_away(*connection));
            }
            State::Awake(mut connection) => {
                let next = Pin::new(connection.as_mut()).poll(context).map(report).map(|()| State::Over);
                (State::Awake(connection), next)
            }
            State::Closing(mut io) => {
                let next = Pin::new(io.as_mut()).poll_shutdown(context).map(|_| State::Over);
                (State::Closing(io), next)
            }
            State::Over => (State::Over, Poll::Ready(State::Over)),
        };
        self.state = now;
        next
    }
}

impl<I, S> Connection for Http1<I, S>
where
    I: Read + Write + Peek + Unpin + 'static,
    S: Answers,
{
    fn end_gracefully(mut self: Pin<&mut Self>) {
        self.state = match mem::replace(&mut self.state, State::Over) {
            State::Asleep(asleep) => State::Closing(Box::new(asleep.0)),
            State::Awake(mut connection) => {
                Pin::new(connection.as_mut()).graceful_shutdown();
                State::Awake(connection)
            }
            closed => closed,
        };
    }

    fn poll_end(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.poll_next(context) {
                Poll::Ready(State::Over) => return Poll::Ready(()),
                Poll::Ready(next) => self.state = next,
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
