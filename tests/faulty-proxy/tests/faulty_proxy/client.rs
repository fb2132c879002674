//! A plain client: hyper over rustls, requests signed by the crate `sigv4`, no retry and no pool.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests: what is not as expected fails the test"
)]

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use faulty_proxy::{Credential, Identity, Protocol, Proxy, Setup};
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How connections are made.
pub struct Client {
    pub address: SocketAddr,
    pub roots: String,
    pub name: String,
    pub protocol: Protocol,
    pub identity: Option<Identity>,
}

impl Client {
    pub fn of(proxy: &Proxy) -> Self {
        Self {
            address: proxy.address(),
            roots: proxy.ca_pem(),
            name: "localhost".to_owned(),
            protocol: Protocol::Http11,
            identity: None,
        }
    }

    pub async fn connect(&self) -> Result<Connection, Failure> {
        let mut config = self.config();
        config.alpn_protocols =
            vec![if self.protocol == Protocol::Http2 { &b"h2"[..] } else { b"http/1.1" }.to_vec()];
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from(self.name.clone())?;
        let stream = TokioIo::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await?);
        let authority = format!("{}:{}", self.name, self.address.port());
        if self.protocol == Protocol::Http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
            tokio::spawn(connection);
            return Ok(Connection { sender: Sender::Http2(sender), authority });
        }
        let (sender, connection) = http1::handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Connection { sender: Sender::Http1(sender), authority })
    }

    fn config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.roots.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder().with_root_certificates(roots);
        let Some(identity) = &self.identity else { return builder.with_no_client_auth() };
        let certificate = CertificateDer::from_pem_slice(identity.certificate_pem().as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(identity.key_pem().as_bytes()).unwrap();
        builder.with_client_auth_cert(vec![certificate], key).unwrap()
    }
}

pub struct Connection {
    sender: Sender,
    pub authority: String,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    /// A signed call of the path behind the prefix.
    pub async fn call(&mut self, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.call_as(Credential::EXAMPLE_ID, Credential::EXAMPLE_SECRET, path, body).await
    }

    pub async fn call_as(
        &mut self,
        id: &str,
        secret: &str,
        path: &str,
        body: &Value,
    ) -> Result<Answer, Failure> {
        let body = body.to_string();
        let credentials = sigv4::Credentials::new(id.to_owned(), secret.to_owned(), None);
        let signer =
            sigv4::Signer { credentials: &credentials, region: "eu-central-2", service: "kms-xks-proxy" };
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("/kms/xks/v1{path}"))
            .header(HOST, &self.authority)
            .body(())?;
        let mut parts = request.into_parts().0;
        signer.sign(&mut parts, body.as_bytes(), Timestamp::now())?;
        parts.headers.insert(CONTENT_TYPE, "application/json".parse()?);
        self.send(Request::from_parts(parts, Full::from(body))).await
    }

    /// A request as it is; in HTTP/2 its host becomes the authority.
    pub async fn send(&mut self, mut request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        match &mut self.sender {
            Sender::Http1(sender) => Answer::of(sender.send_request(request).await?).await,
            Sender::Http2(sender) => {
                request.headers_mut().remove(HOST);
                *request.uri_mut() = format!("https://{}{}", self.authority, request.uri()).parse()?;
                Answer::of(sender.send_request(request).await?).await
            }
        }
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    async fn of(response: Response<Incoming>) -> Result<Self, Failure> {
        let (parts, mut body) = response.into_parts();
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| format!("{error} after {} bytes", read.len()))?;
            read.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        }
        Ok(Self { status: parts.status, headers: parts.headers, body: read.into() })
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Decoded.
    pub fn bytes(&self, field: &str) -> Vec<u8> {
        STANDARD.decode(self.json()[field].as_str().unwrap()).unwrap()
    }

    /// The status and the errorName.
    pub fn error(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["errorName"].as_str().unwrap_or("no error").to_owned())
    }
}

/// One that does all right.
pub fn proxy() -> Proxy {
    Proxy::start(Setup::new().unwrap()).unwrap()
}

/// A call on a connection of its own.
pub async fn call(proxy: &Proxy, path: &str, body: &Value) -> Result<Answer, Failure> {
    Client::of(proxy).connect().await?.call(path, body).await
}

pub const ENCRYPT: &str = "/keys/example-key/encrypt";
pub const DECRYPT: &str = "/keys/example-key/decrypt";
pub const METADATA: &str = "/keys/example-key/metadata";
pub const HEALTH: &str = "/health";

pub fn encrypt(plaintext: &[u8], aad: &[u8]) -> Value {
    json!({
        "requestMetadata": metadata_of("Encrypt"),
        "plaintext": STANDARD.encode(plaintext),
        "encryptionAlgorithm": "AES_GCM",
        "additionalAuthenticatedData": STANDARD.encode(aad),
        "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
    })
}

/// Of what an encryption answered.
pub fn decrypt(encrypted: &Answer, aad: &[u8]) -> Value {
    let mut body = encrypted.json();
    let fields = body.as_object_mut().unwrap();
    fields.remove("ciphertextDataIntegrityValue");
    fields.insert("requestMetadata".to_owned(), metadata_of("Decrypt"));
    fields.insert("encryptionAlgorithm".to_owned(), "AES_GCM".into());
    fields.insert("additionalAuthenticatedData".to_owned(), STANDARD.encode(aad).into());
    body
}

pub fn metadata() -> Value {
    json!({ "requestMetadata": metadata_of("CreateKey") })
}

pub fn health() -> Value {
    json!({ "requestMetadata": { "kmsOperation": "KmsHealthCheck", "kmsRequestId": "one" } })
}

fn metadata_of(operation: &str) -> Value {
    json!({
        "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
        "kmsKeyArn": "arn:aws:kms:eu-central-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "kmsOperation": operation,
        "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
    })
}
