//! What a worker needs to answer calls: the catalog, the security module, the journal, the clock.

use crate::pipeline::{Decoy, Sessions};
use crate::{AccessKeyUses, Clock, KeyUses};
use attestation::Roots;
use audit::Appender;
use catalog::{Catalog, Followed};
use keys::{Key, Region};
use keystores::KeyStores;
use module_client::ModuleClient;
use sigv4::SigningKeys;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use wire::arn::KeyArn;

/// The service as one worker holds it. All of it is handles on what the workers share.
#[derive(Debug)]
pub struct Service {
    /// The records.
    pub catalog: Arc<Catalog>,
    /// Whether what memory holds of the records is true.
    pub followed: Arc<Followed>,
    /// This worker's connection to the security module.
    pub module: ModuleClient,
    /// The custom key stores as this worker reaches them.
    pub key_stores: KeyStores,
    /// This worker's way into the journal.
    pub journal: Appender,
    /// The service's time.
    pub clock: Clock,
    /// Signing keys that were derived before.
    pub signing_keys: Arc<SigningKeys>,
    /// Sessions whose tokens were opened before.
    pub sessions: Arc<Sessions>,
    /// What a signature with an unknown access key is held against.
    pub decoy: Arc<Decoy>,
    /// The OIDC providers' keys.
    pub issuers: Arc<oidc::Issuers>,
    /// When access keys were last used, as far as it is not on record yet.
    pub access_key_uses: Arc<AccessKeyUses>,
    /// When keys were last used, as far as it is not on record yet.
    pub key_uses: Arc<KeyUses>,
    /// What wakes the jobs.
    pub bell: Arc<Bell>,
    /// What wakes whoever connects custom key stores.
    pub connections_bell: Arc<Bell>,
    /// What the configuration says.
    pub settings: Arc<Settings>,
}

/// Tells the jobs that there is something for them to do sooner than they know.
#[derive(Debug, Default)]
pub struct Bell(Notify);

impl Bell {
    /// Wakes the jobs, now or as soon as they listen.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits until it rings.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}

/// What the configuration says about the API.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The partition in ARNs, `aws` by default.
    pub partition: Arc<str>,
    /// The regions that are served; `None` for every one that is well formed.
    pub regions: Option<Vec<Region>>,
    /// How far the clocks of clients may be off.
    pub signature_tolerance: Duration,
    /// For how long memory may be answered from after the store could last be followed.
    pub staleness_bound: Duration,
    /// How many grants a key may have.
    pub grants_per_key: u64,
    /// How many keys an account may have in a region.
    pub keys_per_region: u64,
    /// How many custom key stores an account may have in a region.
    pub custom_key_stores_per_region: u64,
    /// Whether XKS proxies may be on this machine.
    pub loopback_proxies: bool,
    /// The region of calls that no signature gives one.
    pub default_region: Region,
    /// What attestation documents are held against.
    pub attestation_roots: Roots,
}

impl Default for Settings {
    //= quotas: customer managed keys 100,000, grants on a key 50,000, custom key stores 10; skew: 5 minutes
    #[expect(clippy::expect_used, reason = "a constant that is the name of a region")]
    fn default() -> Self {
        Self {
            partition: "aws".into(),
            regions: None,
            signature_tolerance: sigv4::DEFAULT_TOLERANCE,
            staleness_bound: Duration::from_secs(5),
            grants_per_key: 50_000,
            keys_per_region: 100_000,
            custom_key_stores_per_region: 10,
            loopback_proxies: false,
            default_region: "us-east-1".parse().expect("a region's name"),
            attestation_roots: Roots::default(),
        }
    }
}

impl Settings {
    /// The ARN of that key.
    pub fn key_arn(&self, key: &Key) -> KeyArn {
        let Key { account, region, id: key_id, .. } = *key;
        KeyArn { partition: Arc::clone(&self.partition), region, account, key_id }
    }

    /// Whether a region of that name is served.
    #[must_use]
    pub fn serves(&self, region: &str) -> bool {
        self.regions.as_ref().map_or_else(
            || region.parse::<Region>().is_ok(),
            |served| served.iter().any(|one| one.as_str() == region),
        )
    }
}
