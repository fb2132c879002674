//! What the threads of a proxy share, and what outlives a stop.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use tokio::sync::watch;

use crate::error::Error;
use crate::fault::{ConnectionFault, Fault};
use crate::key_manager::{ExternalKey, ExternalKeys};
use crate::observation::Observations;
use crate::script::Script;
use crate::setup::{HealthReport, HealthStatus, Setup};
use crate::signature::Credentials;
use crate::tls::Tls;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) uri_prefixes: Vec<String>,
    pub(crate) credentials: Credentials,
    pub(crate) keys: ExternalKeys,
    /// What health checks encrypt with.
    pub(crate) test_key: ExternalKey,
    pub(crate) health: RwLock<HealthReport>,
    pub(crate) faults: Script<Fault>,
    pub(crate) connection_faults: Script<ConnectionFault>,
    pub(crate) observations: Observations,
    /// Whether connections are accepted.
    pub(crate) accepting: watch::Sender<bool>,
    /// A new number ends all connections that are open.
    pub(crate) generation: watch::Sender<u64>,
    clock_offset: RwLock<SignedDuration>,
    tls: RwLock<Secured>,
}

#[derive(Debug, Clone)]
struct Secured {
    config: Arc<ServerConfig>,
    authority_pem: String,
}

impl State {
    pub(crate) fn new(setup: Setup) -> Result<Self, Error> {
        setup.check_prefixes()?;
        Ok(Self {
            tls: RwLock::new(Secured::of(&setup.tls)?),
            uri_prefixes: setup.uri_prefixes,
            credentials: Credentials::new(setup.credentials, setup.region),
            keys: ExternalKeys::new(setup.keys),
            test_key: ExternalKey::new(),
            health: RwLock::new(HealthReport::of(&[HealthStatus::Active])),
            faults: Script::new(),
            connection_faults: Script::new(),
            observations: Observations::new(setup.remembered),
            accepting: watch::Sender::new(true),
            generation: watch::Sender::new(0),
            clock_offset: RwLock::new(SignedDuration::ZERO),
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        let offset = *self.clock_offset.read().unwrap_or_else(PoisonError::into_inner);
        let now = Timestamp::now();
        now.checked_add(offset).unwrap_or(now)
    }

    pub(crate) fn shift_clock(&self, offset: SignedDuration) {
        *self.clock_offset.write().unwrap_or_else(PoisonError::into_inner) = offset;
    }

    pub(crate) fn tls_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.secured().config)
    }

    pub(crate) fn authority_pem(&self) -> String {
        self.secured().authority_pem
    }

    pub(crate) fn change_tls(&self, tls: &Tls) -> Result<(), Error> {
        let secured = Secured::of(tls)?;
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = secured;
        Ok(())
    }

    fn secured(&self) -> Secured {
        self.tls.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Secured {
    fn of(tls: &Tls) -> Result<Self, Error> {
        Ok(Self { config: Arc::new(tls.config()?), authority_pem: tls.identity.authority_pem().to_owned() })
    }
}
