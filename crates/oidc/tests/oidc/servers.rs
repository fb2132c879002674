//! An issuer: an HTTPS server with a certificate of its own authority, that counts what it is asked.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use oidc::{CertificateDer, Claims, Issuers, Provider, Rejection, Settings};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::signer::{Signer, claims, jwks, now};

/// What an issuer answers.
#[derive(Clone)]
pub enum Answer {
    Document(String),
    Status(u16),
    /// With that address to go to.
    Redirect(String),
    Never,
    /// The document, when a permit is there.
    Held(Arc<Semaphore>, String),
}

/// A running issuer.
pub struct Server {
    /// Without `https://`.
    pub url: String,
    pub discovery: Mutex<Answer>,
    pub jwks: Mutex<Answer>,
    pub paths: Mutex<Vec<String>>,
    discovery_asked: AtomicUsize,
    jwks_asked: watch::Sender<usize>,
}

impl Server {
    /// One that has the key `one` of that signer and a certificate of that authority.
    pub async fn start(authority: &Authority, signer: &Signer) -> Arc<Self> {
        Self::start_with(authority.leaf("127.0.0.1"), "", &jwks(&[signer.jwk("one")])).await
    }

    /// One at that path, with that chain of certificates.
    pub async fn start_with(tls: Chain, path: &str, jwks: &str) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{}{path}", listener.local_addr().unwrap());
        let server = Arc::new(Self {
            discovery: Mutex::new(Answer::Document(discovery(&url, &format!("https://{url}/jwks")))),
            jwks: Mutex::new(Answer::Document(jwks.to_owned())),
            paths: Mutex::default(),
            discovery_asked: AtomicUsize::new(0),
            jwks_asked: watch::Sender::new(0),
            url,
        });
        tokio::spawn(accept(listener, tls.acceptor(), Arc::clone(&server)));
        server
    }

    pub fn issuer(&self) -> String {
        format!("https://{}", self.url)
    }

    /// How often the discovery document and the JWKS were asked for.
    pub fn asked(&self) -> (usize, usize) {
        (self.discovery_asked.load(Ordering::SeqCst), *self.jwks_asked.borrow())
    }

    /// Waits until the JWKS was asked for so often.
    pub async fn jwks_asked(&self, times: usize) {
        self.jwks_asked.subscribe().wait_for(|asked| *asked >= times).await.unwrap();
    }

    pub fn answer_jwks(&self, answer: Answer) {
        *self.jwks.lock().unwrap() = answer;
    }

    pub fn answer_discovery(&self, answer: Answer) {
        *self.discovery.lock().unwrap() = answer;
    }

    async fn respond(&self, path: &str) -> Response<Full<Bytes>> {
        self.paths.lock().unwrap().push(path.to_owned());
        let is_discovery = path.ends_with("/.well-known/openid-configuration");
        let answer = if is_discovery {
            self.discovery_asked.fetch_add(1, Ordering::SeqCst);
            self.discovery.lock().unwrap().clone()
        } else {
            self.jwks_asked.send_modify(|asked| *asked += 1);
            self.jwks.lock().unwrap().clone()
        };
        answer.response().await
    }
}

impl Answer {
    async fn response(self) -> Response<Full<Bytes>> {
        let full = |text: String| Full::new(Bytes::from(text));
        match self {
            Self::Document(text) => Response::new(full(text)),
            Self::Status(status) => {
                let status = StatusCode::from_u16(status).unwrap();
                Response::builder().status(status).body(full(String::new())).unwrap()
            }
            Self::Redirect(to) => {
                Response::builder().status(302).header("location", to).body(full(String::new())).unwrap()
            }
            Self::Never => std::future::pending().await,
            Self::Held(permits, text) => {
                permits.acquire().await.unwrap().forget();
                Response::new(full(text))
            }
        }
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, server: Arc<Server>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, server) = (acceptor.clone(), Arc::clone(&server));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(move |request: Request<Incoming>| {
                let server = Arc::clone(&server);
                async move { Ok::<_, Infallible>(server.respond(request.uri().path()).await) }
            });
            // The client leaves as it likes.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

pub fn discovery(url: &str, jwks_uri: &str) -> String {
    json!({"issuer": format!("https://{url}"), "jwks_uri": jwks_uri, "id_token_signing_alg_values_supported": ["ES256"]})
        .to_string()
}

/// An authority that signs the certificates of servers.
pub struct Authority {
    pub certificate: CertificateDer<'static>,
    params: CertificateParams,
    key: KeyPair,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { certificate, params, key }
    }

    /// A server's certificate for that name, alone.
    pub fn leaf(&self, name: &str) -> Chain {
        self.leaf_with(CertificateParams::new([name.to_owned()]).unwrap())
    }

    /// One whose time was over long ago.
    pub fn expired_leaf(&self, name: &str) -> Chain {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 2, 1));
        self.leaf_with(params)
    }

    fn leaf_with(&self, params: CertificateParams) -> Chain {
        let key = KeyPair::generate().unwrap();
        let issuer = rcgen::Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(&key, &issuer).unwrap().der().clone();
        Chain { certificates: vec![certificate], key: key.serialize_der() }
    }
}

/// What a server shows of itself.
pub struct Chain {
    pub certificates: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl Chain {
    pub fn and(mut self, authority: &Authority) -> Self {
        self.certificates.push(authority.certificate.clone());
        self
    }

    fn acceptor(self) -> TlsAcceptor {
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(crypto).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(self.key).unwrap();
        TlsAcceptor::from(Arc::new(
            config.with_no_client_auth().with_single_cert(self.certificates, key).unwrap(),
        ))
    }
}

/// Issuers that trust that authority and wait long enough for a busy machine.
pub fn issuers(authority: &Authority) -> Issuers {
    issuers_with(authority, Settings::default())
}

pub fn issuers_with(authority: &Authority, settings: Settings) -> Issuers {
    Issuers::new(Settings { extra_roots: vec![authority.certificate.clone()], ..settings }).unwrap()
}

/// Settings of an issuer that is given up soon.
pub fn impatient() -> Settings {
    Settings { fetch_timeout: Duration::from_secs(1), ..Settings::default() }
}

/// What the server signed, judged for the provider that is registered of it.
pub async fn verify(
    issuers: &Issuers,
    server: &Server,
    signer: &Signer,
    key_id: &str,
) -> Result<Claims, Rejection> {
    let token = signer.token("ES256", key_id, &claims(&server.issuer()));
    issuers.verify(&provider(server, &[]), &token, now()).await
}

pub fn provider<'a>(server: &'a Server, thumbprints: &'a [String]) -> Provider<'a> {
    Provider { url: &server.url, client_ids: client_ids(), thumbprints }
}

pub fn client_ids() -> &'static [String] {
    static CLIENT_IDS: OnceLock<[String; 2]> = OnceLock::new();
    CLIENT_IDS.get_or_init(|| ["sts.amazonaws.com".to_owned(), "second".to_owned()])
}
