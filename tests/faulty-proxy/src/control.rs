//! The control port: plain HTTP on loopback, for scripts. `POST /` takes one [`Command`] in JSON, `GET /requests` and
//! `GET /counters` tell what was seen. It must never be opened to a network: it can change every key.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::background::Background;
use crate::error::Error;
use crate::fault::{ConnectionFault, Fault};
use crate::key_manager::ExternalKey;
use crate::observation::SeenRequest;
use crate::proxy::Proxy;
use crate::script::{Api, Often, Scope};
use crate::setup::{Credential, HealthReport, HealthStatus};

/// A change, as the control port takes it: its name in snake case, with what it holds. `"clear_faults"`,
/// `{"inject": {"fault": "reset", "api": "encrypt", "often": {"next": 2}}}`, `{"delete_key": "name"}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Command {
    /// Lets `{"access_key_id": …, "secret": …}` in.
    AddCredential(Credential),
    /// Changes what is given of an external key.
    ChangeKey(KeyChange),
    /// [`Proxy::clear_faults`]
    ClearFaults,
    /// [`Proxy::close_connections`]
    CloseConnections,
    /// Deletes an external key for good.
    DeleteKey(String),
    /// [`Proxy::forget_requests`]
    ForgetRequests,
    /// [`Proxy::inject`]
    Inject(Injection<Fault>),
    /// [`Proxy::inject_connection_fault`]; its `api` says nothing.
    InjectConnectionFault(Injection<ConnectionFault>),
    /// [`Proxy::pause_accepting`]
    PauseAccepting,
    /// Puts a new external key under that name.
    PutKey(String),
    /// [`Proxy::remove_credential`]
    RemoveCredential(String),
    /// [`Proxy::restart`]
    Restart,
    /// [`Proxy::resume_accepting`]
    ResumeAccepting,
    /// A fleet with these states: `["ACTIVE", "DEGRADED"]`.
    SetHealth(Vec<HealthStatus>),
    /// [`Proxy::shift_clock`], by seconds.
    ShiftClock(i64),
    /// [`Proxy::stop`]
    Stop,
}

/// A fault and whom it meets: all, for ever, unless said otherwise.
#[derive(Debug, Deserialize)]
pub struct Injection<F> {
    fault: F,
    #[serde(default)]
    api: Option<Api>,
    #[serde(default)]
    often: Often,
}

/// What changes of an external key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyChange {
    name: String,
    enabled: Option<bool>,
    spec: Option<String>,
    usage: Option<Vec<String>>,
    long_vectors: Option<bool>,
    #[serde(default)]
    rotate: bool,
}

impl Proxy {
    /// Does what a command says.
    pub fn execute(&self, command: Command) -> Result<(), Error> {
        match command {
            Command::AddCredential(credential) => self.add_credential(credential),
            Command::ChangeKey(change) => {
                let name = change.name.clone();
                return self.keys().change(&name, |key| change.apply(key));
            }
            Command::ClearFaults => self.clear_faults(),
            Command::CloseConnections => self.close_connections(),
            Command::DeleteKey(name) => drop(self.keys().delete(&name).ok_or(Error::UnknownKey { name })?),
            Command::ForgetRequests => self.forget_requests(),
            Command::Inject(it) => self.inject(it.fault, Scope { api: it.api, often: it.often }),
            Command::InjectConnectionFault(it) => self.inject_connection_fault(it.fault, it.often),
            Command::PauseAccepting => self.pause_accepting(),
            Command::PutKey(name) => drop(self.keys().put(&name, ExternalKey::new())),
            Command::RemoveCredential(access_key_id) => {
                self.remove_credential(&access_key_id);
            }
            Command::Restart => return self.restart(),
            Command::ResumeAccepting => self.resume_accepting(),
            Command::SetHealth(statuses) => self.set_health(HealthReport::of(&statuses)),
            Command::ShiftClock(seconds) => self.shift_clock(SignedDuration::from_secs(seconds)),
            Command::Stop => self.stop(),
        }
        Ok(())
    }
}

impl KeyChange {
    fn apply(self, key: &mut ExternalKey) {
        key.enabled = self.enabled.unwrap_or(key.enabled);
        key.long_vectors = self.long_vectors.unwrap_or(key.long_vectors);
        if let Some(spec) = self.spec {
            key.spec = spec;
        }
        if let Some(usage) = self.usage {
            key.usage = usage;
        }
        if self.rotate {
            key.rotate();
        }
    }
}

/// A control port that is open until this is dropped.
#[derive(Debug)]
pub struct Control {
    address: SocketAddr,
    running: Mutex<Option<Background>>,
}

impl Control {
    /// Opens the control port of a proxy.
    pub fn start(proxy: Arc<Proxy>, listen: SocketAddr) -> Result<Self, Error> {
        const CONTEXT: &str = "cannot open the control port";
        let listener = TcpListener::bind(listen).map_err(Error::io(CONTEXT))?;
        listener.set_nonblocking(true).map_err(Error::io(CONTEXT))?;
        let address = listener.local_addr().map_err(Error::io(CONTEXT))?;
        let running = Mutex::new(Some(Background::start(1, serve(listener, proxy))?));
        Ok(Self { address, running })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            running.stop();
        }
    }
}

async fn serve(listener: TcpListener, proxy: Arc<Proxy>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        let proxy = Arc::clone(&proxy);
        let service = service_fn(move |request| answer(Arc::clone(&proxy), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(proxy: Arc<Proxy>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let answered = match (&parts.method, parts.uri.path()) {
        (&Method::POST, "/") => match body.collect().await {
            Ok(body) => command(&proxy, &body.to_bytes()),
            Err(error) => Err(error.to_string()),
        },
        (&Method::GET, "/counters") => Ok(json!(proxy.counters())),
        (&Method::GET, "/requests") => Ok(proxy.requests().iter().map(described).collect()),
        _ => Err("POST / or GET /counters or GET /requests".to_owned()),
    };
    let (status, text) = match answered {
        Ok(value) => (StatusCode::OK, value.to_string()),
        Err(refusal) => (StatusCode::BAD_REQUEST, refusal),
    };
    let mut response = Response::new(Full::from(text + "\n"));
    *response.status_mut() = status;
    Ok(response)
}

fn command(proxy: &Proxy, body: &[u8]) -> Result<Value, String> {
    let command = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    proxy.execute(command).map(|()| json!({})).map_err(|error| error.to_string())
}

fn described(request: &SeenRequest) -> Value {
    let headers: Vec<(&str, String)> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    json!({
        "connection": request.connection,
        "method": request.method,
        "path": request.path,
        "version": format!("{:?}", request.version),
        "headers": headers,
        "body": String::from_utf8_lossy(&request.body),
        "accessKeyId": request.signature.as_ref().ok(),
        "signatureFault": request.signature.as_ref().err().map(ToString::to_string),
    })
}
