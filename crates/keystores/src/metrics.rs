//! What is measured of custom key stores, under AWS's names.

use keys::CustomKeyStoreId;
use prometheus_client::registry::Registry;

/// What is measured of the custom key stores of a node.
#[derive(Debug)]
pub struct Metrics {}

impl Metrics {
    /// Metrics that are read from that registry.
    pub fn new(registry: &mut Registry) -> std::sync::Arc<Self> {
        let _ = registry;
        std::sync::Arc::new(Self {})
    }

    /// A request to an HSM cluster that was refused, as there were too many.
    pub fn throttled_hsm(&self, store: CustomKeyStoreId, operation: &str) {
        let _ = (store, operation);
    }

    /// Forgets all that was measured of a store that is deleted.
    pub fn forget(&self, store: CustomKeyStoreId) {
        let _ = store;
    }
}
