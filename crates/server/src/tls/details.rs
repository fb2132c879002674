//! What is known of one TLS connection, as the audit trail names it.

use operations::TlsConnection;
use rustls::{ProtocolVersion, ServerConnection};

/// Of a connection whose handshake is done.
pub(crate) fn of(connection: &ServerConnection) -> TlsConnection {
    let suite = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
        _ => "TLSv1.2",
    };
    TlsConnection {
        version: version.to_owned(),
        // rustls tells TLS 1.3's suites apart by a prefix that their names do not have.
        cipher_suite: suite.unwrap_or_default().replace("TLS13_", "TLS_"),
        key_exchange: connection.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name())),
    }
}
