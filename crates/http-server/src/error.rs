//! What can go wrong while a service opens its door.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a service cannot be reached as it is to be.
#[derive(Debug, thiserror::Error)]
pub enum HttpServerError {
    /// The certificate or its key cannot be used.
    #[error("the TLS certificate `{}` cannot be used: {reason}", path.display())]
    Certificate {
        /// The certificate's file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing can listen there.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A part cannot start or do what it was asked for.
    #[error("{part}")]
    Part {
        /// What cannot be done, as a sentence about the part.
        part: &'static str,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl HttpServerError {
    /// For `map_err` on anything that a part answers.
    pub(crate) fn part<E: Error + Send + Sync + 'static>(part: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Part { part, source: Box::new(source) }
    }
}

/// The error and its causes in one line, as a person reads them.
#[must_use]
pub fn in_one_line(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.ends_with(&text) {
            line = format!("{line}: {text}");
        }
        cause = error.source();
    }
    line.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_causes_is_one_line() {
        let source = io::Error::new(io::ErrorKind::PermissionDenied, "permission\ndenied");
        let error = HttpServerError::Listen { address: SocketAddr::from(([127, 0, 0, 1], 80)), source };
        assert_eq!(in_one_line(&error), "cannot listen on `127.0.0.1:80`: permission denied");
    }
}
