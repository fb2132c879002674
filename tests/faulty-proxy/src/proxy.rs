//! The proxy as a test holds it: it runs in threads of its own until it is stopped or dropped.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;

use crate::background::Background;
use crate::error::Error;
use crate::fault::{ConnectionFault, Fault};
use crate::key_manager::ExternalKeys;
use crate::observation::{Counters, SeenRequest};
use crate::script::{Often, Scope};
use crate::serving;
use crate::setup::{Credential, HealthReport, Setup};
use crate::state::State;
use crate::tls::Tls;

/// A proxy. All of it can be changed while it runs; what is changed outlives a stop.
#[derive(Debug)]
pub struct Proxy {
    state: Arc<State>,
    address: SocketAddr,
    threads: usize,
    running: Mutex<Option<Background>>,
}

impl Proxy {
    /// Starts; when this returns, connections are accepted.
    pub fn start(setup: Setup) -> Result<Self, Error> {
        let (listen, threads) = (setup.listen, setup.threads);
        let state = Arc::new(State::new(setup)?);
        let listener = TcpListener::bind(listen).map_err(Error::io("cannot listen"))?;
        let address = listener.local_addr().map_err(Error::io("cannot listen"))?;
        let running = serve(listener, threads, &state)?;
        Ok(Self { state, address, threads, running: Mutex::new(Some(running)) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// An XksProxyUriEndpoint, `https://localhost:PORT`.
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// The authority of its certificate, in PEM.
    pub fn ca_pem(&self) -> String {
        self.state.authority_pem()
    }

    /// Ends it: all connections are closed and its port refuses new ones when this returns.
    pub fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            running.stop();
        }
    }

    /// Starts it again on the same port, with all that it had; one that runs is stopped first.
    pub fn restart(&self) -> Result<(), Error> {
        self.stop();
        let listener = TcpListener::bind(self.address).map_err(Error::io("cannot listen again"))?;
        let running = serve(listener, self.threads, &self.state)?;
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        Ok(())
    }

    /// Mishandles requests.
    pub fn inject(&self, fault: Fault, scope: Scope) {
        self.state.faults.add(fault, scope);
    }

    /// Mishandles connections that are made from now on.
    pub fn inject_connection_fault(&self, fault: ConnectionFault, often: Often) {
        self.state.connection_faults.add(fault, Scope { api: None, often });
    }

    /// Does all right again, from the next request and the next connection on.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
        self.state.connection_faults.clear();
    }

    /// Accepts no connection: those that the kernel takes wait, and their TLS handshake is not answered.
    pub fn pause_accepting(&self) {
        self.state.accepting.send_replace(false);
    }

    /// Accepts connections again, first those that waited.
    pub fn resume_accepting(&self) {
        self.state.accepting.send_replace(true);
    }

    /// Closes all connections that are open, as a proxy does with idle ones and one that restarts.
    pub fn close_connections(&self) {
        self.state.generation.send_modify(|generation| *generation += 1);
    }

    /// Lets one more credential in, or gives an access key id another secret.
    pub fn add_credential(&self, credential: Credential) {
        self.state.credentials.add(credential);
    }

    /// Lets a credential in no more; says whether it was there.
    pub fn remove_credential(&self, access_key_id: &str) -> bool {
        self.state.credentials.remove(access_key_id)
    }

    /// The external keys.
    pub fn keys(&self) -> &ExternalKeys {
        &self.state.keys
    }

    /// What health checks are told.
    pub fn set_health(&self, health: HealthReport) {
        *self.state.health.write().unwrap_or_else(PoisonError::into_inner) = health;
    }

    /// Another certificate, other versions, other clients: for connections that are made from now on.
    pub fn change_tls(&self, tls: &Tls) -> Result<(), Error> {
        self.state.change_tls(tls)
    }

    /// Moves its clock, by which signatures are stale.
    pub fn shift_clock(&self, offset: SignedDuration) {
        self.state.shift_clock(offset);
    }

    /// The last requests, the oldest first.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.state.observations.requests()
    }

    /// Forgets the requests it keeps; counters stay.
    pub fn forget_requests(&self) {
        self.state.observations.forget();
    }

    /// What was counted since the start, over all stops.
    pub fn counters(&self) -> Counters {
        self.state.observations.counters()
    }

    /// Waits until so many requests have come since the start. Blocks the thread.
    pub fn wait_for_requests(&self, total: u64, timeout: Duration) -> Result<(), Error> {
        self.state.observations.wait(total, timeout)
    }

    /// How many requests have come since the start, to be awaited.
    pub fn arrivals(&self) -> watch::Receiver<u64> {
        self.state.observations.arrivals()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(listener: TcpListener, threads: usize, state: &Arc<State>) -> Result<Background, Error> {
    listener.set_nonblocking(true).map_err(Error::io("cannot listen"))?;
    Background::start(threads, serving::serve(listener, Arc::clone(state)))
}
