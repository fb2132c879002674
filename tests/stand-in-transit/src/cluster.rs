//! What the servers of a cluster share: all that they hold.

use crate::auth::Auth;
use crate::transit::Engine;
use crate::{Error, Node, node, tls};
use rustls::ServerConfig;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Servers that hold the same.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) held: Arc<Mutex<Held>>,
    pub(crate) tls: Arc<ServerConfig>,
    authority: Arc<str>,
}

/// All that is held.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) namespaces: BTreeSet<String>,
    /// By namespace and mount.
    pub(crate) engines: BTreeMap<(String, String), Engine>,
    pub(crate) auth: Auth,
    pub(crate) seen: Vec<Seen>,
}

/// A request that came, without its token and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The port of the server that it came to.
    pub port: u16,
    /// Its method.
    pub method: String,
    /// Its path below `/v1/`.
    pub path: String,
}

impl Cluster {
    /// With the root token [`Cluster::ROOT`], and nothing mounted but tokens.
    ///
    /// # Errors
    ///
    /// No certificate can be made.
    pub fn new() -> Result<Self, Error> {
        let (tls, authority) = tls::configuration()?;
        Ok(Self { held: Arc::default(), tls, authority: authority.into() })
    }

    /// Starts a server of it on a free port of loopback.
    ///
    /// # Errors
    ///
    /// It cannot listen.
    pub fn start(&self) -> Result<Node, Error> {
        self.listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// Starts a server of it there.
    ///
    /// # Errors
    ///
    /// It cannot listen.
    pub fn listen(&self, address: SocketAddr) -> Result<Node, Error> {
        node::start(self.clone(), address)
    }

    /// Mounts the engine there with these keys in it, as `sys/mounts` and `keys` do.
    pub fn mount_transit(&self, mount: &str, keys: &[String]) {
        let at = (String::new(), mount.to_owned());
        self.held().engines.entry(at).or_default().make(keys);
    }

    /// The authority of all certificates, in PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.authority
    }

    /// All tokens but the root token.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        self.held().auth.all_tokens()
    }

    /// Revokes all tokens but the root token.
    pub fn revoke_all(&self) {
        self.held().auth.revoke_all();
    }

    /// The requests that came, the oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.held().seen.clone()
    }

    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token that may do all.
    pub const ROOT: &'static str = "root";
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}
