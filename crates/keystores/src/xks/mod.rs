//! An external key store: its XKS proxy, which seals with a key of an external key manager what the security module has sealed.
//!
//! A call is bounded in time whatever the proxy does, and a proxy that does not answer is left alone until it does. What a proxy says is
//! checked before it is believed, and none of its words get to a caller of ours.

pub mod answer;
mod circuit;
mod client;
mod proxy;
mod request;
mod shared;

pub use answer::Health;
pub use client::XksClient;
pub use proxy::Settings;
pub use shared::Shared;
