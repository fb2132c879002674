//! Opening the way to the servers, once for the whole proxy.

use crate::Settings;
use crate::keeper::{Keeper, Secrets};
use crate::servers::Servers;
use crate::session::TransitSession;
use https::{Roots, Tls};
use key_manager::{KeyManager, Session};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// The Transit engine of a cluster of servers. Dropped, it ends the thread that keeps the token.
pub struct VaultKeyManager {
    shared: Arc<Shared>,
    keeper: Keeper,
}

/// What all sessions have of it.
pub(crate) struct Shared {
    pub(crate) tls: Tls,
    pub(crate) servers: Servers,
    pub(crate) settings: Settings,
}

impl VaultKeyManager {
    /// Reads the files and begins to log in. That a server is away is no failure: it is told by [`Session::health`], and asked again.
    ///
    /// # Errors
    ///
    /// A file cannot be read or used.
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        let tls = Tls::new(roots(&settings.ca_files)?, None)?;
        let secrets = Secrets::read(&settings.login)?;
        let shared = Arc::new(Shared { tls, servers: Servers::of(&settings), settings });
        let keeper = Keeper::start(Arc::clone(&shared), secrets).map_err(OpenError::Start)?;
        Ok(Self { shared, keeper })
    }
}

impl KeyManager for VaultKeyManager {
    fn session(&self, _worker: usize) -> Rc<dyn Session> {
        Rc::new(TransitSession::new(Arc::clone(&self.shared), self.keeper.tokens()))
    }
}

impl std::fmt::Debug for VaultKeyManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VaultKeyManager").field("settings", &self.shared.settings).finish_non_exhaustive()
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

fn roots(files: &[PathBuf]) -> Result<Roots, OpenError> {
    if files.is_empty() {
        return Ok(Roots::system());
    }
    let mut roots = Roots::none();
    for path in files {
        let pem = std::fs::read(path).map_err(|source| OpenError::File { path: path.clone(), source })?;
        roots.add_pem(&pem).map_err(|source| OpenError::Authorities { path: path.clone(), source })?;
    }
    Ok(roots)
}
