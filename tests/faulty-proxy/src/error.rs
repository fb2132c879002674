//! What keeps the proxy from doing as it is told. It never tells a secret.

use std::io;

/// Why the proxy, a certificate or a helper could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Too few requests came in time.
    #[error("{seen} of {awaited} requests came in time")]
    FewerRequests {
        /// How many were waited for.
        awaited: u64,
        /// How many came.
        seen: u64,
    },
    /// A certificate could not be made.
    #[error("no certificate")]
    Certificate(#[from] rcgen::Error),
    /// A socket, a thread or a child process failed.
    #[error("{context}")]
    Io {
        /// What was tried.
        context: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A path prefix is not what the specification allows.
    #[error("prefix `{prefix}` is not of the specification's form")]
    Prefix {
        /// The prefix.
        prefix: String,
    },
    /// The TLS configuration cannot be.
    #[error("no such TLS configuration")]
    Tls(#[from] rustls::Error),
    /// The verifier of client certificates cannot be.
    #[error("no such client authority")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    /// No external key has that name.
    #[error("no external key `{name}`")]
    UnknownKey {
        /// The name.
        name: String,
    },
}

impl Error {
    /// For `map_err`: what was tried when the system refused.
    pub(crate) fn io(context: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { context, source }
    }
}
