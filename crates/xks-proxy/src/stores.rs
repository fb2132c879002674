//! The stores as requests find them: by the prefix of their path. What one store has, no other sees.

use crate::config::{Config, Store as Settings};
use crate::credential::{self, Credential};
use crate::policy::{MalformedPolicy, Policies};
use crate::quota::Quota;
use jiff::Timestamp;
use sigv4::{Presented, SigningKey, SigningKeys};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// All stores of one configuration.
#[derive(Debug, Default)]
pub(crate) struct Stores(HashMap<Arc<str>, Arc<Store>>);

/// A tenant.
#[derive(Debug)]
pub(crate) struct Store {
    /// What its path has before `/kms/xks/v1`.
    pub(crate) prefix: Arc<str>,
    /// Which of the open key managers is behind it.
    pub(crate) key_manager: usize,
    /// How much of the proxy it may use.
    pub(crate) quota: Arc<Quota>,
    /// What is asked beyond the signature.
    pub(crate) policies: Policies,
    keys: Option<BTreeSet<String>>,
    /// The test key of its key manager.
    hidden: Option<String>,
    credentials: Vec<Credential>,
    /// Of its credentials alone, made anew with it, so that none outlives its secret.
    signing_keys: SigningKeys,
}

impl Stores {
    /// Those of a configuration, whose key managers are open in the order of `key_managers`. What `before` counts goes on being counted.
    pub(crate) fn of(
        config: &mut Config,
        key_managers: &[Arc<str>],
        before: Option<&Self>,
    ) -> Result<Self, Unusable> {
        let most_at_once = config.limits.requests;
        let mut stores = HashMap::new();
        for settings in std::mem::take(&mut config.stores) {
            let quota = quota(before, &settings, most_at_once);
            let of_store = config.key_managers.iter().find(|one| one.name == settings.key_manager);
            let hidden = of_store.and_then(|one| one.kind.test_key()).map(str::to_owned);
            let store = Store::of(settings, hidden, key_managers, quota)?;
            stores.insert(store.prefix.clone(), Arc::new(store));
        }
        Ok(Self(stores))
    }

    /// The store of that prefix.
    pub(crate) fn find(&self, prefix: &str) -> Option<&Arc<Store>> {
        self.0.get(prefix)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Store>> {
        self.0.values()
    }
}

fn quota(before: Option<&Stores>, settings: &Settings, most_at_once: usize) -> Arc<Quota> {
    let before = before.and_then(|before| before.find(&settings.path_prefix)).map(|store| &store.quota);
    match before.filter(|quota| quota.is(settings.requests_per_second, most_at_once)) {
        Some(quota) => Arc::clone(quota),
        None => Arc::new(Quota::new(settings.requests_per_second, most_at_once)),
    }
}

impl Store {
    fn of(
        settings: Settings,
        hidden: Option<String>,
        key_managers: &[Arc<str>],
        quota: Arc<Quota>,
    ) -> Result<Self, Unusable> {
        let key_manager = key_managers.iter().position(|name| **name == *settings.key_manager);
        let key_manager = key_manager.ok_or_else(|| Unusable::NoKeyManager(settings.key_manager.clone()))?;
        Ok(Self {
            policies: Policies::of(&settings)?,
            prefix: settings.path_prefix.into(),
            key_manager,
            quota,
            keys: settings.keys,
            hidden,
            signing_keys: SigningKeys::new(SIGNING_KEYS),
            credentials: settings.credentials,
        })
    }

    /// Whether it shows a key of that id. Whether there is one is for its key manager to say.
    pub(crate) fn shows(&self, key: &str) -> bool {
        self.hidden.as_deref() != Some(key) && self.keys.as_ref().is_none_or(|keys| keys.contains(key))
    }

    /// The credential of that id, if it is this store's and good at that moment.
    pub(crate) fn credential(&self, access_key_id: &str, now: Timestamp) -> Option<&Credential> {
        credential::valid(&self.credentials, access_key_id, now)
    }

    /// Its credentials, for their ages.
    pub(crate) fn credentials(&self) -> &[Credential] {
        &self.credentials
    }

    /// Whether that credential signed what is presented, with that body.
    pub(crate) fn is_signed(&self, presented: &Presented<'_>, credential: &Credential, body: &[u8]) -> bool {
        if let Some(key) = self.signing_keys.find(presented) {
            return presented.verify(body, &key).is_ok();
        }
        let (date, region, service) = (presented.date(), presented.region(), presented.service());
        let key = Arc::new(SigningKey::derive(credential.secret.expose(), date, region, service));
        let is_signed = presented.verify(body, &key).is_ok();
        if is_signed {
            self.signing_keys.keep(presented, key);
        }
        is_signed
    }
}

/// Stores that cannot be had as they are configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("{0}")]
    Policy(#[from] MalformedPolicy),
    #[error("there is no key manager `{0}`")]
    NoKeyManager(String),
}

/// Room for the signing keys of so many credentials of one store; those beyond are derived for each request.
const SIGNING_KEYS: usize = 64;
