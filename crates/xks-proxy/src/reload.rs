//! A new configuration put to work: all of it or nothing, and nobody's connection is dropped for it.

use crate::config::Config;
use crate::config::watch::Watch;
use crate::error::ProxyError;
use crate::metrics::Metrics;
use crate::node::of_http;
use crate::state::State;
use crate::tls;
use http_server::{Current, Limits};
use jiff::Timestamp;
use rustls::ServerConfig;
use std::sync::Arc;

/// What a new configuration replaces.
#[derive(Debug)]
pub(crate) struct Reload {
    pub(crate) state: Arc<Current<State>>,
    pub(crate) tls: Arc<Current<ServerConfig>>,
    pub(crate) limits: Arc<Current<Limits>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) key_managers: Arc<[Arc<str>]>,
}

impl Reload {
    /// Puts every new configuration to work that can be. Runs for ever.
    pub(crate) async fn for_ever(&self, mut watch: Watch) {
        loop {
            let taken = match watch.changed().await {
                Ok(config) => self.take(config).map_err(|error| error.to_string()),
                Err(kept_out) => Err(kept_out.to_string().replace('\n', "; ")),
            };
            match taken {
                Ok(()) => {
                    self.metrics.reloaded("ok");
                    tracing::info!("a new configuration is at work");
                }
                Err(error) => {
                    self.metrics.reloaded("refused");
                    tracing::error!(%error, "the new configuration is not taken, the one before stays");
                }
            }
        }
    }

    fn take(&self, mut config: Config) -> Result<(), ProxyError> {
        let warnings = config.warnings(Timestamp::now());
        let tls = tls::server_config(&config)?;
        let limits = of_http(&config.limits);
        let state = State::of(&mut config, Arc::clone(&self.key_managers), Some(&self.state.now()))?;
        // Nothing can fail any more.
        self.state.replace(state);
        self.limits.replace(limits);
        self.tls.replace(tls);
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        Ok(())
    }
}
