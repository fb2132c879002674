//! What handshakes use: the certificate that is shown, and whose certificates are asked for.

mod clients;
mod names;

pub(crate) use names::common_name;

use crate::config::{Config, Tls};
use clients::NamedClients;
use http_server::tls::Handshakes;
use http_server::{Current, HttpServerError};
use rustls::ServerConfig;
use rustls::server::VerifierBuilderError;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// The handshakes of a configuration.
pub(crate) fn server_config(config: &Config) -> Result<ServerConfig, TlsError> {
    let Tls { certificate, minimum_version, clients, .. } = &config.tls;
    let clients = clients.as_ref().map(NamedClients::of).transpose()?;
    // In a handshake that is resumed nobody looks whether the client's certificate is still good.
    let sessions = if clients.is_some() { 0 } else { config.limits.tls_sessions };
    let handshakes = Handshakes {
        certificate: Current::new(CertifiedKey::clone(certificate)),
        clients: clients.map(|clients| Arc::new(clients) as Arc<dyn ClientCertVerifier>),
        minimum_version: *minimum_version,
        sessions,
    };
    Ok(handshakes.server_config()?)
}

/// Why there can be no handshakes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("a CA of `tls.client_ca_files` cannot be used: {0}")]
    Authority(rustls::Error),
    #[error("certificates of clients cannot be verified: {0}")]
    Clients(#[from] VerifierBuilderError),
    #[error(transparent)]
    Handshakes(#[from] HttpServerError),
}
