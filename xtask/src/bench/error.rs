//! Why a measurement stopped. There is no measurement that goes on after an error.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A server answered something else than 200.
    #[error("a request was answered {status}: {body}")]
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body of the answer.
        body: String,
    },
    /// A build ended with an error.
    #[error("`{command}` failed: {status}")]
    Build {
        /// What was run.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// The operating system refused.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// A custom key store failed that is called in this process.
    #[error("the key stores: {0}")]
    KeyStores(String),
    /// An answer, a file or a line is not what it must be.
    #[error("{what} is malformed: `{text}`")]
    Malformed {
        /// What it is.
        what: &'static str,
        /// What it says.
        text: String,
    },
    /// The security module did not start or refused.
    #[error("the security module: {0}")]
    Module(String),
    /// A request could not be signed.
    #[error("a request cannot be signed: {0}")]
    Signing(#[from] sigv4::Unsignable),
    /// SoftHSM cannot be used.
    #[error(
        "SoftHSM 2 is needed (`apt-get install softhsm2`, or `SOFTHSM2_LIBRARY` names its library): {reason}"
    )]
    SoftHsm {
        /// Why it cannot be used.
        reason: String,
    },
    /// A server did not say in time that it can serve.
    #[error("`{}` did not get ready; its log is `{}`", program.display(), log.display())]
    Unready {
        /// The program.
        program: PathBuf,
        /// Where its standard error went.
        log: PathBuf,
    },
    /// A thread of the load generator panicked.
    #[error("a thread of the load generator ended early")]
    ThreadLost,
    /// TLS could not be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl BenchError {
    /// For `map_err`: what was tried.
    pub fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }

    /// What is not as it must be, and its text.
    pub fn malformed(what: &'static str, text: impl Into<String>) -> Self {
        Self::Malformed { what, text: text.into() }
    }
}
