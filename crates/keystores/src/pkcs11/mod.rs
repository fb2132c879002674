//! HSM clusters: members that each hold every key, reached through processes of their own that load the vendor's library.
//!
//! A node has a [`Cluster`] once; every worker has an [`HsmClient`]. One process speaks for one member, so that a library that hangs
//! or crashes takes no other member with it. What is done with a key is done by any member that is active, and by the next one if that
//! fails; a member that failed is left alone, logged in to again in the background ([`pkcs11_client`]), and gets what it lacks when that is used.
//!
//! A key is made in one HSM and never leaves it but wrapped under the transport keys of the members, RSA keys of which the private
//! halves are in the HSMs. The wrapped copies are kept with the KMS key: from them a member gets the key that was away when it was made.
//! No key is ever readable here, and an object that is missing is looked for again, never cleaned up.
//!
//! Sealing is AES-256-GCM in the HSM with 12 random bytes as initialization vector, made where the encryption is. The usual limit of
//! 2^32 messages under one key is no danger here: what is sealed is a blob of the security module, itself encrypted under a key
//! derived for that message alone, so that a vector that came twice would lay open the exclusive or of two ciphertexts.

mod client;
mod cluster;
mod holdings;
mod lacks;
mod making;
mod transport;
mod trouble;
mod way;

pub use client::HsmClient;
pub use cluster::{Cluster, ClusterSettings, HsmSeat};
pub use pkcs11_client::Pin;
pub use transport::TransportKeys;
