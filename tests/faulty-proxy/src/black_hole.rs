//! A port where no connection is ever made: its backlog is full and nobody accepts, so that a handshake of TCP is not
//! answered at all. What pausing a proxy cannot do: there the kernel answers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::error::Error;

/// The port; it is free again when this is dropped.
#[derive(Debug)]
pub struct BlackHole {
    /// Only held.
    _listener: Socket,
    filling: Vec<Socket>,
    address: SocketAddr,
}

impl BlackHole {
    /// Opens one on loopback and fills it.
    pub fn open() -> Result<Self, Error> {
        Self::filled().map_err(Error::io("cannot open a black hole"))
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn filled() -> io::Result<Self> {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        listener.listen(0)?;
        let address = listener.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let mut hole = Self { _listener: listener, filling: Vec::new(), address };
        while hole.takes_one_more()? {}
        Ok(hole)
    }

    fn takes_one_more(&mut self) -> io::Result<bool> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        let connected = socket.connect_timeout(&self.address.into(), PATIENCE);
        self.filling.push(socket);
        match connected {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(false),
            connected => connected.map(|()| true),
        }
    }
}

/// Loopback answers within microseconds if it answers.
const PATIENCE: Duration = Duration::from_millis(100);
