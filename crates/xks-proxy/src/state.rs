//! What a request is answered by, all of one configuration: replaced as a whole, and taken up by the next request.

use crate::config::{Config, Verify};
use crate::stores::{Stores, Unusable};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use xks_api::Limits;

/// What a request is answered by.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) stores: Stores,
    /// The Regions that signatures may be for; any if empty.
    pub(crate) regions: BTreeSet<String>,
    pub(crate) limits: Limits,
    /// How long a key manager may take for all that one request wants of it.
    pub(crate) key_manager_timeout: Duration,
    /// The names of the open key managers, in their order.
    pub(crate) key_managers: Arc<[Arc<str>]>,
    /// Whether every ciphertext is decrypted again, not only where KMS asks for its integrity value.
    pub(crate) is_verified_always: bool,
    /// How many proxies there are.
    pub(crate) fleet_size: u32,
    /// How often it is found out how key managers are.
    pub(crate) health_interval: Duration,
    /// Until when the certificate that is shown is good.
    pub(crate) certificate_not_after: Timestamp,
}

impl State {
    /// That of a configuration, of which the stores are taken. What the quotas of `before` counted goes on being counted.
    pub(crate) fn of(
        config: &mut Config,
        key_managers: Arc<[Arc<str>]>,
        before: Option<&Self>,
    ) -> Result<Self, Unusable> {
        Ok(Self {
            stores: Stores::of(config, &key_managers, before.map(|before| &before.stores))?,
            regions: std::mem::take(&mut config.regions),
            limits: Limits {
                plaintext: config.limits.plaintext_bytes,
                additional_data: config.limits.additional_data_bytes,
            },
            key_manager_timeout: config.limits.key_manager_timeout,
            key_managers,
            is_verified_always: config.verify == Verify::Always,
            fleet_size: config.fleet_size.get(),
            health_interval: config.health_interval,
            certificate_not_after: config.tls.not_after,
        })
    }
}
