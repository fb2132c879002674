//! Custom key stores, of which there are none yet: whoever names one is told so.

use wire::member::CustomKeyStoreId;
use wire::{Fault, FaultKind};

/// Refuses a request that names a custom key store.
pub fn check_store(named: Option<&CustomKeyStoreId>) -> Result<(), Fault> {
    named.map_or(Ok(()), |_| Err(Fault::new(FaultKind::CustomKeyStoreNotFound, NO_STORE)))
}

const NO_STORE: &str = "The request was rejected because the specified custom key store was not found.";
