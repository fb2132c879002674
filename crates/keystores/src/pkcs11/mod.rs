//! HSM clusters: members that each hold every key, reached through a process of their own that loads the vendor's library.

mod client;
mod cluster;
mod transport;

pub use client::HsmClient;
pub use cluster::{Cluster, ClusterSettings, HsmSeat};
pub use pkcs11_api::Pin;
pub use transport::TransportKeys;
