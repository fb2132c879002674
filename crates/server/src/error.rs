//! What can go wrong while the service starts, is asked for something by its administrator, or stops.

use http_server::HttpServerError;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why the service, or a command about it, cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The running service refused what its admin socket was asked for, or answered nonsense.
    #[error("the running service refuses: {reason}")]
    AdminRefused {
        /// In the service's own words.
        reason: String,
    },
    /// The clock of this data directory was moved, and the service is not to move clocks.
    #[error(
        "the clock of `{}` was moved by {offset_millis} ms with `cardea dev advance`; start with --dev-clock, or use another data directory",
        path.display()
    )]
    ClockMoved {
        /// The data directory.
        path: PathBuf,
        /// How far the clock is ahead.
        offset_millis: i64,
    },
    /// The configuration does not say what it must.
    #[error("the configuration `{}` is wrong: {reason}", path.display())]
    Config {
        /// The configuration file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process works on the data directory.
    #[error("the data directory `{}` is in use by process {holder}", path.display())]
    DataDirInUse {
        /// The data directory.
        path: PathBuf,
        /// The other process, as it wrote itself down.
        holder: String,
    },
    /// Something could not be done to a file or directory.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// What was to be done, as a verb.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The service cannot be reached as it is to be.
    #[error(transparent)]
    Http(#[from] HttpServerError),
    /// No service runs on the data directory.
    #[error("no service runs on `{}`", path.display())]
    NotRunning {
        /// The data directory.
        path: PathBuf,
    },
    /// Plain HTTP was asked for where others could listen in.
    #[error("plain HTTP is served on loopback addresses only, and `{address}` is none")]
    PlainHttpNotLoopback {
        /// The address asked for.
        address: SocketAddr,
    },
    /// A file that a setting names is not what it must be.
    #[error("`{setting}`: the file `{}` cannot be used: {reason}", path.display())]
    Setting {
        /// The setting.
        setting: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A part of the service cannot start or do what it was asked for.
    #[error("{part}")]
    Part {
        /// What cannot be done, as a sentence about the part.
        part: &'static str,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl ServerError {
    /// For `map_err` on anything done to a file.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { action, path: path.to_owned(), source }
    }

    /// For `map_err` on anything that a part of the service answers.
    pub(crate) fn part<E: Error + Send + Sync + 'static>(part: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Part { part, source: Box::new(source) }
    }
}
