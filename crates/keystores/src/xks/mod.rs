//! An external key store: its XKS proxy, which seals with a key of an external key manager what the security module has sealed.
//!
//! A call is bounded in time whatever the proxy does, and a proxy that does not answer is left alone until it does.

mod client;
mod shared;

pub use client::{Settings, XksClient};
pub use shared::Shared;

/// How the key managers behind a proxy are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// How many are active.
    pub active: u8,
    /// How many work, but not well.
    pub degraded: u8,
    /// How many do not work.
    pub unavailable: u8,
}
