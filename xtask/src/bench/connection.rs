//! One keep-alive connection to a server, plain or TLS. It knows as little of HTTP as it can: the load generator shares the
//! cores with what it measures.

use super::BenchError;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Where a server listens, and how to speak to it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its address.
    pub address: SocketAddr,
    /// What TLS needs; without it, plain HTTP is spoken.
    tls: Option<Arc<ClientConfig>>,
    /// What its certificate is for.
    name: ServerName<'static>,
}

impl Endpoint {
    /// One that speaks plain HTTP.
    pub fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None, name: ServerName::IpAddress(address.ip().into()) }
    }

    /// One that speaks TLS, with a certificate for its address.
    pub fn secure(address: SocketAddr, tls: Arc<ClientConfig>) -> Self {
        Self { tls: Some(tls), ..Self::plain(address) }
    }

    /// The same with a certificate for that name.
    pub fn named(self, name: ServerName<'static>) -> Self {
        Self { name, ..self }
    }
}

/// An open connection.
pub struct Connection {
    stream: Box<dyn Stream>,
    received: Vec<u8>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// TLS as an SDK speaks it to a service with a CA of its own.
pub fn tls_trusting(ca_bundle: &Path) -> Result<Arc<ClientConfig>, BenchError> {
    let broken = |error: &dyn std::fmt::Display| BenchError::Tls(error.to_string());
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_bundle).map_err(|error| broken(&error))? {
        let certificate = certificate.map_err(|error| broken(&error))?;
        roots.add(certificate).map_err(|error| broken(&error))?;
    }
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

impl Connection {
    /// Connects and shakes hands.
    pub async fn open(endpoint: &Endpoint) -> Result<Self, BenchError> {
        let tcp =
            TcpStream::connect(endpoint.address).await.map_err(BenchError::io("connect to a server"))?;
        tcp.set_nodelay(true).map_err(BenchError::io("set a connection up"))?;
        let stream: Box<dyn Stream> = match &endpoint.tls {
            None => Box::new(tcp),
            Some(config) => {
                let tls = TlsConnector::from(Arc::clone(config)).connect(endpoint.name.clone(), tcp).await;
                Box::new(tls.map_err(BenchError::io("shake hands with a server"))?)
            }
        };
        Ok(Self { stream, received: vec![0; RECEIVE] })
    }

    /// Sends a request and waits for the whole answer, which must be a 200. Its body comes back.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<&[u8], BenchError> {
        self.send(request).await?;
        let (head, end) = self.receive().await?;
        let body = self.received.get(head.length..end).unwrap_or_default();
        match head.status {
            200 => Ok(body),
            status => Err(BenchError::Answer { status, body: String::from_utf8_lossy(body).into_owned() }),
        }
    }

    /// Sends bytes that need not be a request, or not all of it.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), BenchError> {
        self.stream.write_all(bytes).await.map_err(BenchError::io("send a request"))?;
        self.stream.flush().await.map_err(BenchError::io("send a request"))
    }

    /// Waits for a whole answer and says its status, whatever that is.
    pub async fn status(&mut self) -> Result<u16, BenchError> {
        self.receive().await.map(|(head, _)| head.status)
    }

    async fn receive(&mut self) -> Result<(Head, usize), BenchError> {
        let (mut filled, mut head) = (0, None);
        loop {
            let room = self.received.get_mut(filled..).unwrap_or_default();
            let count = self.stream.read(room).await.map_err(BenchError::io("receive an answer"))?;
            if count == 0 {
                return Err(BenchError::malformed("an answer", "cut off, or too long"));
            }
            filled += count;
            if head.is_none() {
                head = Head::parse(self.received.get(..filled).unwrap_or_default())?;
            }
            if let Some(head) = head
                && filled >= head.length + head.body_length
            {
                return Ok((head, head.length + head.body_length));
            }
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

/// What has to be known of an answer's head.
#[derive(Clone, Copy)]
struct Head {
    length: usize,
    status: u16,
    body_length: usize,
}

impl Head {
    /// The head, if it is complete.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, BenchError> {
        let malformed = || BenchError::malformed("an answer", String::from_utf8_lossy(bytes));
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = response.parse(bytes).map_err(|_| malformed())? else {
            return Ok(None);
        };
        let body_length = response
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case("content-length"))
            .and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
        let status = response.code.ok_or_else(malformed)?;
        Ok(Some(Self { length, status, body_length: body_length.ok_or_else(malformed)? }))
    }
}

/// Longer than any answer that is measured.
const RECEIVE: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_complete_and_not_before() {
        let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 12\r\ndate: now\r\n\r\n{";
        for cut in 0..answer.len() - 1 {
            assert!(Head::parse(&answer[..cut]).unwrap().is_none(), "{cut}");
        }
        let head = Head::parse(answer).unwrap().unwrap();
        assert_eq!((head.status, head.body_length, head.length), (400, 12, answer.len() - 1));
    }

    #[test]
    fn an_answer_without_a_length_is_refused() {
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
