//! An OpenID Connect issuer: a real HTTPS server on a port of its own, with a certificate of its own authority, that publishes one
//! key and signs tokens with it. It can fall silent and it can be stopped.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// A running issuer, stopped when it is dropped.
pub struct Issuer {
    /// The certificate of its authority, in PEM: what a client has to trust.
    pub authority: String,
    address: SocketAddr,
    key: EcdsaKeyPair,
    state: Arc<State>,
    serving: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    silent: AtomicBool,
    stopped: AtomicBool,
    asked: AtomicUsize,
}

/// An authority that signs the certificates of issuers.
pub struct IssuerAuthority {
    params: CertificateParams,
    key: KeyPair,
    /// Its certificate in PEM.
    pub certificate: String,
}

impl IssuerAuthority {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "issuers");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { params, key, certificate }
    }

    fn server_config(&self) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let issuer = rcgen::Issuer::from_params(&self.params, &self.key);
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap().der().clone();
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(crypto).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()
    }
}

impl Default for IssuerAuthority {
    fn default() -> Self {
        Self::new()
    }
}

impl Issuer {
    /// One whose certificate that authority signs.
    #[must_use]
    pub fn start(authority: &IssuerAuthority) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let state = Arc::new(State::default());
        let tls = Arc::new(authority.server_config());
        let documents = Documents::of(address, &key);
        let serving = std::thread::spawn({
            let state = Arc::clone(&state);
            move || accept(&listener, &tls, &Arc::new(documents), &state)
        });
        let authority = authority.certificate.clone();
        Self { authority, address, key, state, serving: Some(serving) }
    }

    /// Its address without `https://`, as IAM stores it.
    #[must_use]
    pub fn url(&self) -> String {
        self.address.to_string()
    }

    /// Its address, the `iss` of its tokens.
    #[must_use]
    pub fn address(&self) -> String {
        format!("https://{}", self.address)
    }

    /// What a good token says, for that subject and audience, until so many seconds from now.
    #[must_use]
    pub fn claims(&self, subject: &str, audience: &str, seconds: i64) -> Value {
        let now = jiff::Timestamp::now().as_second();
        let issued = now.min(now + seconds) - 10;
        json!({"iss": self.address(), "sub": subject, "aud": audience, "iat": issued, "exp": now + seconds})
    }

    /// A good token.
    #[must_use]
    pub fn token(&self, subject: &str, audience: &str) -> String {
        self.sign(&json!({"alg": "ES256", "kid": KEY_ID}), &self.claims(subject, audience, 3600))
    }

    /// A token with that head and those claims, signed by its key whatever the head says.
    #[must_use]
    pub fn sign(&self, head: &Value, claims: &Value) -> String {
        let covered = covered(head, claims);
        let signature = self.key.sign(&SystemRandom::new(), covered.as_bytes()).unwrap();
        format!("{covered}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// How often anything was asked of it.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// From now on it takes questions and answers none.
    pub fn fall_silent(&self) {
        self.state.silent.store(true, Ordering::SeqCst);
    }

    /// From now on nobody can reach it.
    pub fn stop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        // One more connection has it notice.
        drop(TcpStream::connect(self.address));
        if let Some(serving) = self.serving.take() {
            serving.join().unwrap();
        }
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issuer({})", self.address)
    }
}

impl std::fmt::Debug for IssuerAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IssuerAuthority")
    }
}

/// Head and claims, as a signature covers them.
#[must_use]
pub fn covered(head: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(head), part(claims))
}

/// What it publishes.
struct Documents {
    discovery: String,
    keys: String,
}

impl Documents {
    fn of(address: SocketAddr, key: &EcdsaKeyPair) -> Self {
        let (issuer, point) = (format!("https://{address}"), key.public_key().as_ref());
        let (x, y) = point[1..].split_at(point.len() / 2);
        let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let jwk =
            json!({"kty": "EC", "kid": KEY_ID, "use": "sig", "crv": "P-256", "x": base64(x), "y": base64(y)});
        let discovery = json!({
            "issuer": issuer, "jwks_uri": format!("{issuer}/keys"), "id_token_signing_alg_values_supported": ["ES256"],
        });
        Self { discovery: discovery.to_string(), keys: json!({"keys": [jwk]}).to_string() }
    }

    fn at(&self, path: &str) -> &str {
        if path == "/.well-known/openid-configuration" { &self.discovery } else { &self.keys }
    }
}

fn accept(listener: &TcpListener, tls: &Arc<ServerConfig>, documents: &Arc<Documents>, state: &Arc<State>) {
    for stream in listener.incoming() {
        if state.stopped.load(Ordering::SeqCst) {
            return;
        }
        let (tls, documents, state) = (Arc::clone(tls), Arc::clone(documents), Arc::clone(state));
        // A client that leaves in the middle is none of the issuer's business.
        std::thread::spawn(move || drop(stream.and_then(|stream| answer(stream, tls, &documents, &state))));
    }
}

/// Answers one request, or holds it for as long as the client waits.
fn answer(stream: TcpStream, tls: Arc<ServerConfig>, documents: &Documents, state: &State) -> io::Result<()> {
    let connection = ServerConnection::new(tls).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let mut request = String::new();
    stream.read_line(&mut request)?;
    let mut line = String::new();
    while stream.read_line(&mut line)? > 2 {
        line.clear();
    }
    state.asked.fetch_add(1, Ordering::SeqCst);
    if state.silent.load(Ordering::SeqCst) {
        // Until the client hangs up.
        return stream.read_line(&mut line).map(drop);
    }
    let document = documents.at(request.split(' ').nth(1).unwrap_or_default());
    let stream = stream.get_mut();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{document}",
        document.len()
    )?;
    stream.flush()?;
    stream.conn.send_close_notify();
    stream.flush()
}

const KEY_ID: &str = "one";
