//! TLS as a check wants it: versions, suites, protocols, and the certificate that is shown. The proxy's certificate is always
//! verified.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{CipherSuite, ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Lost;
use crate::target::{Identity, Store, Target};

/// What a client says in its first message.
#[derive(Clone, Debug)]
pub(crate) struct Hello<'a> {
    pub(crate) versions: &'a [&'static SupportedProtocolVersion],
    /// The only one; any by default.
    pub(crate) suite: Option<CipherSuite>,
    /// By ALPN.
    pub(crate) protocols: &'a [&'a [u8]],
    pub(crate) client: Option<&'a Identity>,
}

/// The authorities that are trusted.
pub(crate) struct Tls {
    roots: Arc<RootCertStore>,
}

impl Tls {
    pub(crate) fn of(target: &Target) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for authority in &target.authorities {
            roots.add(authority.clone())?;
        }
        Ok(Self { roots: Arc::new(roots) })
    }

    pub(crate) fn config(&self, hello: &Hello<'_>) -> Result<ClientConfig, rustls::Error> {
        let mut provider = aws_lc_rs::default_provider();
        if let Some(suite) = hello.suite {
            provider.cipher_suites.retain(|it| it.suite() == suite);
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(hello.versions)?
            .with_root_certificates(Arc::clone(&self.roots));
        let mut config = match hello.client {
            Some(client) => builder.with_client_auth_cert(client.chain.clone(), client.key.clone_key())?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = hello.protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(config)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl<'a> Hello<'a> {
    /// As KMS says it: HTTP/1.1 over TLS 1.2 or 1.3, with the client's certificate if there is one.
    pub(crate) fn usual(target: &'a Target) -> Self {
        Self {
            versions: rustls::ALL_VERSIONS,
            suite: None,
            protocols: &[HTTP_1],
            client: target.client.as_ref(),
        }
    }
}

/// Connects, and shakes hands.
pub(crate) async fn connect(store: &Store, config: Arc<ClientConfig>) -> Result<TlsStream<TcpStream>, Lost> {
    let name = store.host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(name).map_err(|_| Lost(format!("`{}` is no name", store.host)))?;
    let stream = open(store).await?;
    TlsConnector::from(config).connect(name, stream).await.map_err(Lost::at("no TLS"))
}

/// Connects, and says nothing.
pub(crate) async fn open(store: &Store) -> Result<TcpStream, Lost> {
    let host = store.host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, store.port)).await.map_err(Lost::at("no connection"))?;
    stream.set_nodelay(true).map_err(Lost::at("no connection"))?;
    Ok(stream)
}

/// A ClientHello of a TLS that is no more, `minor` 1 for 1.0 and 2 for 1.1, with suites that were usual then.
pub(crate) fn old_hello(minor: u8, host: &str) -> Vec<u8> {
    let mut body = vec![3, minor];
    body.extend_from_slice(&[0x5a; 32]);
    body.push(0);
    let suites: [u16; 6] = [0xc014, 0xc013, 0xc00a, 0xc009, 0x0035, 0x002f];
    append(&mut body, &suites.map(u16::to_be_bytes).concat());
    body.extend_from_slice(&[1, 0]);
    append(&mut body, &old_extensions(host));
    let mut message = vec![1, 0];
    append(&mut message, &body);
    let mut record = vec![22, 3, 1];
    append(&mut record, &message);
    record
}

/// The name of the server, the curves P-256 and P-384, and uncompressed points.
fn old_extensions(host: &str) -> Vec<u8> {
    let mut name = vec![0];
    append(&mut name, host.as_bytes());
    let mut names = Vec::new();
    append(&mut names, &name);
    let mut extensions = vec![0, 0];
    append(&mut extensions, &names);
    extensions.extend_from_slice(&[0, 10, 0, 6, 0, 4, 0, 23, 0, 24]);
    extensions.extend_from_slice(&[0, 11, 0, 2, 1, 0]);
    extensions
}

/// With its length in two bytes before it.
fn append(to: &mut Vec<u8>, part: &[u8]) {
    let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(part);
}

pub(crate) const HTTP_1: &[u8] = b"http/1.1";
pub(crate) const HTTP_2: &[u8] = b"h2";
