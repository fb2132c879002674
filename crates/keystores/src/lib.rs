//! Custom key stores: HSM clusters and external key managers, which seal once more what the security module has sealed.
//!
//! So no plaintext comes here, and neither side alone can decrypt: the store never sees more than a blob of the security module, and
//! the security module cannot open what the store sealed. Nothing is decided here: who may use a key is settled before.

#![forbid(unsafe_code)]

pub mod blob;
mod error;
mod fingerprint;
mod metrics;
mod pkcs11;
mod quota;
mod stores;
mod usage;
pub mod xks;

pub use error::{HsmFailure, StoreError, XksFailure};
pub use fingerprint::Fingerprint;
pub use metrics::Metrics;
pub use pkcs11::{Cluster, ClusterSettings, HsmClient, HsmSeat, Pin, TransportKeys};
pub use stores::{Destroyed, Destruction, ExternalKey, KeyStores, Seat, Settings, StartError, Stores};
pub use usage::{RequestMetadata, Usage};
