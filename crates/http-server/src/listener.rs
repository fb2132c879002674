//! The listeners: connections are accepted in one place, counted against one limit, and each handed to the worker that
//! has the fewest.

use crate::places::Place;
use crate::workers::{Dispatch, Incoming};
use crate::{Current, HttpServerError};
use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A socket that listens, and what is spoken on it.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Current<ServerConfig>>>,
}

impl Listener {
    /// Listens there: HTTPS with that configuration, plain HTTP without one.
    pub(crate) fn bind(
        address: SocketAddr,
        tls: Option<Arc<Current<ServerConfig>>>,
    ) -> Result<Self, HttpServerError> {
        let listener = bind(address).map_err(|source| HttpServerError::Listen { address, source })?;
        let address = listener.local_addr().map_err(|source| HttpServerError::Listen { address, source })?;
        Ok(Self { listener, address, tls })
    }

    /// Where it listens, with the port that it really got.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands connections to the workers until it is told to stop; then also those that wait in the queue, and no more.
    pub(crate) async fn accept(self, dispatch: Dispatch, mut stop: watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                accepted = self.listener.accept() => accepted,
            };
            let handed_over = match accepted {
                Ok((stream, peer)) => self.hand_over(stream, peer, &dispatch, &mut stop).await,
                Err(error) if is_the_clients(&error) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = handed_over {
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
        if let Ok(listener) = self.listener.into_std() {
            empty(&listener, self.tls.as_deref(), &dispatch);
        }
    }

    /// Waits for a place; further connections wait in the operating system's queue meanwhile.
    async fn hand_over(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        dispatch: &Dispatch,
        stop: &mut watch::Receiver<bool>,
    ) -> io::Result<()> {
        let place = tokio::select! {
            biased;
            place = dispatch.place() => place,
            _ = stop.wait_for(|stop| *stop) => Place::beyond_the_limit(),
        };
        dispatch.hand_over(Incoming {
            stream: stream.into_std()?,
            peer,
            tls: self.tls.as_ref().map(|tls| tls.now()),
            place,
        })
    }
}

fn empty(listener: &std::net::TcpListener, tls: Option<&Current<ServerConfig>>, dispatch: &Dispatch) {
    while let Ok((stream, peer)) = listener.accept() {
        let place = Place::beyond_the_limit();
        let handed_over = dispatch.hand_over(Incoming { stream, peer, tls: tls.map(Current::now), place });
        if let Err(error) = handed_over {
            tracing::warn!(error = %error, "a connection could not be handed to a worker");
        }
    }
}

/// Whether it is the client's doing, and the next connection may fare better.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

/// A socket that listens there.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(QUEUE)?;
    TcpListener::from_std(socket.into())
}

/// Connections that wait to be accepted, as far as the operating system allows as many.
const QUEUE: i32 = 1024;

/// Such as when the process is out of files: trying at once would fail at once.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(50);
