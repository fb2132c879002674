//! A server that speaks the published API of the Transit engine of Vault and OpenBao, with keys in memory, for tests: tokens, AppRole,
//! policies, namespaces and sealing as far as a client of Transit meets them. Its answers are those of OpenBao 2.7. It can be told to
//! misbehave. It is no key manager: what it holds is lost when it ends, and its secrets are known to whoever starts it.

#![forbid(unsafe_code)]

mod answer;
mod auth;
mod cluster;
mod fault;
mod node;
mod routes;
mod system;
mod tls;
mod transit;

pub use cluster::{Cluster, Seen};
pub use fault::Fault;
pub use node::Node;

/// Why a server cannot be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A certificate cannot be made.
    #[error("no certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A socket, a thread or a file failed.
    #[error("input or output failed: {0}")]
    Io(#[from] std::io::Error),
    /// The TLS configuration cannot be.
    #[error("no such TLS configuration: {0}")]
    Tls(#[from] rustls::Error),
}
