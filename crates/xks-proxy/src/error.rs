//! Why the proxy cannot start.

use crate::config::ConfigError;
use crate::key_managers::Unopened;
use crate::stores::Unusable;
use crate::tls::TlsError;
use audit::JournalError;
use http_server::HttpServerError;
use std::io;
use std::path::{Path, PathBuf};

/// Why the proxy cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the data directory `{}` is in use by another process", .0.display())]
    DataInUse(PathBuf),
    #[error("cannot {action} `{}`: {source}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{}", http_server::in_one_line(.0))]
    HttpServer(#[from] HttpServerError),
    #[error("the audit journal cannot be opened: {0}")]
    Journal(#[from] JournalError),
    #[error(transparent)]
    KeyManager(#[from] Unopened),
    #[error("{part}: {source}")]
    Part { part: &'static str, source: io::Error },
    #[error(transparent)]
    Stores(#[from] Unusable),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("there are no more seats than workers")]
    TooManyWorkers,
}

impl ProxyError {
    /// For `map_err` on anything done to a file.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { action, path: path.to_owned(), source }
    }

    /// For `map_err` on anything that the system answers.
    pub(crate) fn part(part: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Part { part, source }
    }
}
