//! A client that says exactly what it is told to, over TLS.

use crate::setup::Proxy;
use http::HeaderValue;
use http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};
use serde_json::{Value, json};
use sigv4::{Credentials, Signer};
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// What a caller signs with.
#[derive(Clone, Copy)]
pub struct Credential {
    pub access_key_id: &'static str,
    pub secret: &'static str,
}

impl Credential {
    pub const ALL: [Self; 3] = [
        Self {
            access_key_id: "AAAAAAAAAAAAAAAAAAAA",
            secret: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        },
        Self {
            access_key_id: "BBBBBBBBBBBBBBBBBBBB",
            secret: "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        },
        Self {
            access_key_id: "CCCCCCCCCCCCCCCCCCCC",
            secret: "cccccccccccccccccccccccccccccccccccccccccccc",
        },
    ];
}

/// Whom a client trusts, and what it shows.
#[derive(Clone)]
pub struct Trust {
    pub authority: String,
    pub client: Option<(String, String)>,
}

impl Trust {
    pub fn config(&self) -> ClientConfig {
        self.config_of(&[&rustls::version::TLS13, &rustls::version::TLS12])
    }

    pub fn config_of(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(http_server::tls::provider())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        match &self.client {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<_, _>>();
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                config.with_client_auth_cert(chain.unwrap(), key).unwrap()
            }
        }
    }
}

/// A request, as KMS signs it unless something is changed.
pub struct Ask {
    pub method: &'static str,
    pub path: String,
    pub body: Vec<u8>,
    pub credential: Credential,
    pub region: &'static str,
    pub service: &'static str,
    /// How far the caller's clock is ahead.
    pub ahead: SignedDuration,
    pub content_type: Option<&'static str>,
}

impl Ask {
    /// With the first credential, for a call of the store `/a`.
    pub fn new(path: &str, body: &Value) -> Self {
        Self {
            method: "POST",
            path: path.to_owned(),
            body: body.to_string().into_bytes(),
            credential: Credential::ALL[0],
            region: "eu-central-1",
            service: "kms-xks-proxy",
            ahead: SignedDuration::ZERO,
            content_type: Some("application/json"),
        }
    }

    pub fn head(&self) -> Parts {
        let request =
            http::Request::builder().method(self.method).uri(&self.path).header("host", "localhost");
        let mut parts = request.body(()).unwrap().into_parts().0;
        let Credential { access_key_id, secret } = self.credential;
        let credentials = Credentials::new(access_key_id.to_owned(), secret.to_owned(), None);
        let signer = Signer { credentials: &credentials, region: self.region, service: self.service };
        signer.sign(&mut parts, &self.body, Timestamp::now() + self.ahead).unwrap();
        if let Some(content_type) = self.content_type {
            parts.headers.insert("content-type", HeaderValue::from_static(content_type));
        }
        parts
    }
}

/// As it goes over the wire.
pub fn raw(parts: &Parts, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/1.1\r\n", parts.method, parts.uri).into_bytes();
    for (name, value) in &parts.headers {
        text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    text.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
    text.extend(body);
    text
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// In lower case.
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The status and the error's name, if there is one.
    pub fn outcome(&self) -> (u16, String) {
        let name = serde_json::from_slice::<Value>(&self.body).ok();
        let name = name.and_then(|body| body.get("errorName").map(|name| name.as_str().unwrap().to_owned()));
        (self.status, name.unwrap_or_default())
    }
}

/// A connection that is kept.
pub struct Connection(StreamOwned<ClientConnection, TcpStream>);

impl Connection {
    pub fn open(proxy: &Proxy) -> Self {
        Self::with(proxy, proxy.trust.config())
    }

    pub fn with(proxy: &Proxy, config: ClientConfig) -> Self {
        let stream = TcpStream::connect(proxy.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_nodelay(true).unwrap();
        let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        Self(StreamOwned::new(client, stream))
    }

    pub fn ask(&mut self, ask: &Ask) -> Answer {
        self.send(&raw(&ask.head(), &ask.body)).unwrap();
        self.answer().unwrap()
    }

    /// Shakes hands first, if that was not done.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        while self.0.conn.is_handshaking() {
            self.0.conn.complete_io(&mut self.0.sock)?;
        }
        self.0.write_all(bytes).and_then(|()| self.0.flush())
    }

    pub fn answer(&mut self) -> io::Result<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte)?;
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length =
            head.split_once("content-length: ").map_or("0", |(_, rest)| rest.split_once("\r\n").unwrap().0);
        let mut body = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut body)?;
        Ok(Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, body })
    }

    pub fn version(&self) -> Option<ProtocolVersion> {
        self.0.conn.protocol_version()
    }

    pub fn handshake_kind(&self) -> Option<HandshakeKind> {
        self.0.conn.handshake_kind()
    }

    /// Which protocol the other end chose.
    pub fn protocol(&self) -> Option<Vec<u8>> {
        self.0.conn.alpn_protocol().map(<[u8]>::to_vec)
    }
}

impl Proxy {
    /// On a connection of its own.
    pub fn ask(&self, ask: &Ask) -> Answer {
        Connection::open(self).ask(ask)
    }
}

pub fn metadata(operation: &str) -> Value {
    json!({"awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
        "kmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "kmsOperation": operation, "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae"})
}

/// Encrypt with the key of that store, with an integrity value.
pub fn encrypt(store: &str, key: &str, plaintext: &str) -> Ask {
    let body = json!({"requestMetadata": metadata("Encrypt"), "plaintext": plaintext, "encryptionAlgorithm": "AES_GCM",
        "additionalAuthenticatedData": "cHJvamVjdD1uaWxl", "ciphertextDataIntegrityValueAlgorithm": "SHA_256"});
    Ask::new(&format!("{store}/kms/xks/v1/keys/{key}/encrypt"), &body)
}

/// Decrypt of what Encrypt answered.
pub fn decrypt(store: &str, key: &str, encrypted: &Value) -> Ask {
    let mut body = encrypted.clone();
    body["requestMetadata"] = metadata("Decrypt");
    body["encryptionAlgorithm"] = "AES_GCM".into();
    body["additionalAuthenticatedData"] = "cHJvamVjdD1uaWxl".into();
    Ask::new(&format!("{store}/kms/xks/v1/keys/{key}/decrypt"), &body)
}

pub fn describe(store: &str, key: &str) -> Ask {
    Ask::new(
        &format!("{store}/kms/xks/v1/keys/{key}/metadata"),
        &json!({"requestMetadata": metadata("DescribeKey")}),
    )
}

pub fn health(store: &str) -> Ask {
    let metadata = json!({"kmsOperation": "KmsHealthCheck", "kmsRequestId": "1"});
    Ask::new(&format!("{store}/kms/xks/v1/health"), &json!({"requestMetadata": metadata}))
}
