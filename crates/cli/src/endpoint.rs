//! A signed request to a running service, as any client makes one: endpoint, region, trust and credentials come from the
//! environment variables that AWS clients read.

use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use sigv4::{Credentials, Signer};
use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Where the service is, and who asks.
pub(crate) struct Endpoint {
    uri: Uri,
    region: String,
    credentials: Credentials,
    ca_bundle: Option<String>,
}

type Failure = Box<dyn Error>;

impl Endpoint {
    /// As the environment says.
    pub(crate) fn from_environment() -> Result<Self, Failure> {
        let credentials = Credentials::new(
            required("AWS_ACCESS_KEY_ID")?,
            required("AWS_SECRET_ACCESS_KEY")?,
            env::var("AWS_SESSION_TOKEN").ok(),
        );
        Ok(Self {
            uri: required("AWS_ENDPOINT_URL")?.parse()?,
            region: required("AWS_REGION").or_else(|_| required("AWS_DEFAULT_REGION"))?,
            credentials,
            ca_bundle: env::var("AWS_CA_BUNDLE").ok(),
        })
    }

    /// Calls an operation that speaks AWS JSON. An error that the service answers is an error here.
    pub(crate) fn call(&self, target: &'static str, request: &Value) -> Result<Value, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let answered = tokio::time::timeout(DEADLINE, self.answered(target, request.to_string().into()));
            answered.await.map_err(|_| format!("{} did not answer in time", self.uri))?
        })
    }

    async fn answered(&self, target: &'static str, body: Bytes) -> Result<Value, Failure> {
        let host = self.uri.host().ok_or("AWS_ENDPOINT_URL names no host")?;
        let is_tls = self.uri.scheme_str() == Some("https");
        let port = self.uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let unreachable = |error| format!("cannot reach {}: {error}", self.uri);
        let bare_host = host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((bare_host, port)).await.map_err(unreachable)?;
        let request = self.signed(target, body)?;
        if !is_tls {
            return exchange(stream, request).await;
        }
        let name = ServerName::try_from(bare_host.to_owned())?;
        exchange(self.tls()?.connect(name, stream).await.map_err(unreachable)?, request).await
    }

    fn signed(&self, target: &'static str, body: Bytes) -> Result<Request<Full<Bytes>>, Failure> {
        let authority = self.uri.authority().ok_or("AWS_ENDPOINT_URL names no host")?;
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = Method::POST;
        parts.uri = Uri::from_static("/");
        parts.headers.insert(header::HOST, HeaderValue::from_str(authority.as_str())?);
        parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        parts.headers.insert("x-amz-target", HeaderValue::from_static(target));
        let signer = Signer { credentials: &self.credentials, region: &self.region, service: "cardea" };
        signer.sign(&mut parts, &body, jiff::Timestamp::now())?;
        Ok(Request::from_parts(parts, Full::new(body)))
    }

    /// Trusts what `AWS_CA_BUNDLE` holds, and nothing else.
    fn tls(&self) -> Result<TlsConnector, Failure> {
        let file = self.ca_bundle.as_ref().ok_or("AWS_CA_BUNDLE names no file of certificates to trust")?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(file)? {
            roots.add(certificate?)?;
        }
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Value, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    connection.abort();
    let body: Value = serde_json::from_slice(&body).map_err(|_| format!("the service answered {status}"))?;
    if status.is_success() { Ok(body) } else { Err(refusal(&body).into()) }
}

fn refusal(body: &Value) -> String {
    let message = body.get("message").or_else(|| body.get("Message")).and_then(Value::as_str);
    let kind = body.get("__type").and_then(Value::as_str).unwrap_or("an error");
    format!("{kind}: {}", message.unwrap_or("without a message"))
}

fn required(name: &str) -> Result<String, Failure> {
    env::var(name).map_err(|_| format!("{name} is not set: read DIR/root.env into the shell first").into())
}

/// An answer comes at once or not at all.
const DEADLINE: Duration = Duration::from_secs(30);
