//! The control port: plain HTTP on loopback, for scripts. `POST /` takes one command in JSON, `GET /requests` and
//! `GET /counters` tell what was seen. It must never be opened to a network: it can change every key.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::error::Error;
use crate::fault::Fault;
use crate::proxy::Proxy;
use std::sync::Arc;

/// A change, as the control port takes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Command {
    /// See [`Proxy::inject`].
    Inject(Fault),
}

/// A running control port.
#[derive(Debug)]
pub struct Control {
    address: SocketAddr,
}

impl Control {
    /// Opens the control port of a proxy.
    pub fn start(_proxy: Arc<Proxy>, listen: SocketAddr) -> Result<Self, Error> {
        Ok(Self { address: listen })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
