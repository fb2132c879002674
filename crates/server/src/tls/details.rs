//! What is known of one TLS connection, as the audit trail names it.

use rustls::{ProtocolVersion, ServerConnection};

/// Version, suite, key exchange and the name that the client asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsDetails {
    /// Such as `TLSv1.3`.
    pub version: &'static str,
    /// Its IANA name, such as `TLS_AES_128_GCM_SHA256`.
    pub cipher_suite: String,
    /// Such as `X25519MLKEM768`; none for a resumed session that exchanged no key.
    pub key_exchange: Option<String>,
    /// The name that the client asked for, if it named one.
    pub server_name: Option<String>,
}

impl TlsDetails {
    /// Of a connection whose handshake is done.
    #[must_use]
    pub fn of(connection: &ServerConnection) -> Self {
        let suite = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        Self {
            version: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
                _ => "TLSv1.2",
            },
            // rustls tells TLS 1.3's suites apart by a prefix that their names do not have.
            cipher_suite: suite.unwrap_or_default().replace("TLS13_", "TLS_"),
            key_exchange: connection.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name())),
            server_name: connection.server_name().map(str::to_owned),
        }
    }
}
