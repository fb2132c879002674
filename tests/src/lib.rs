//! The harness of the black-box tests: starts the real processes on a directory of their own, and speaks to them as a client
//! does. It knows nothing of their insides but the journal's format, and stubs nothing.
//!
//! ```no_run
//! let server = blackbox::Server::start();
//! let key = server.create_key();
//! let answer = server.call("Encrypt", &serde_json::json!({"KeyId": key, "Plaintext": "AQ=="})).output();
//! assert!(answer["CiphertextBlob"].is_string());
//! ```

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a harness that cannot go on fails the test that uses it"
)]

mod answer;
mod caller;
mod connection;
mod environment;
mod hypervisor;
mod identities;
mod issuer;
mod journal;
mod model;
mod programs;
mod request;
mod server;
mod soft_hsm;
mod tls_connection;
mod transit;
mod wrapping;
mod xks_proxy;
mod xml;

pub use answer::Answer;
pub use caller::Caller;
pub use connection::Connection;
pub use environment::Environment;
pub use hypervisor::{Attestation, Enclave, Hypervisor};
pub use identities::{Role, User, caller_of, policy};
pub use issuer::{Issuer, IssuerAuthority, covered};
pub use journal::{read_journal, record_of};
pub use model::{Model, ModelError};
pub use programs::{program, run, stand_in};
pub use request::Request;
pub use server::{Builder, Server, vpc_endpoint_service};
pub use soft_hsm::SoftHsm;
pub use tls_connection::TlsConnection;
pub use transit::Transit;
pub use wrapping::wrap;
pub use xks_proxy::XksProxy;
pub use xml::{Element, list};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes as a blob goes over the wire.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a blob.
#[must_use]
pub fn bytes(blob: &serde_json::Value) -> Vec<u8> {
    STANDARD.decode(blob.as_str().expect("a blob is text")).expect("a blob is base64")
}
