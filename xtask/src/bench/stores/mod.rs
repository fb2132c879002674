//! What custom key stores cost: beside the XKS proxy that is asked straight, beside a proxy that never answers, and beside the same
//! calls made directly on SoftHSM.
//!
//! The proxy, the tokens and the PKCS#11 process are real programs. Nothing here knows how Cardea reaches them.

mod boundary;
mod custom_key_store;
mod dead_proxy;
mod direct;
mod hsm;
mod latencies;
mod print;
mod proxy;
mod soft_hsm;
mod target;
mod xks;

pub use print::print;
pub use soft_hsm::{PIN, SoftHsm};
pub use target::verdicts;

use super::{BenchError, Options, Part, Places};
use dead_proxy::DeadProxy;
use hsm::Cluster;
use serde::Serialize;
use xks::Beside;

/// Everything that was measured of custom key stores.
#[derive(Debug, Default, Serialize)]
pub struct Stores {
    /// Through a store, and straight to its proxy, with so many connections.
    pub xks: Vec<Beside>,
    /// Native keys beside a store whose proxy never answers, with so many connections.
    pub dead_proxy: Vec<DeadProxy>,
    /// HSM clusters, and SoftHSM directly.
    pub hsm: Vec<Cluster>,
}

impl Stores {
    /// Measures the wanted parts.
    pub fn measure(places: &Places, options: &Options) -> Result<Self, BenchError> {
        let mut stores = Self::default();
        if options.wants(Part::XksStores) {
            stores.xks = xks::measure(places, options)?;
        }
        if options.wants(Part::DeadProxy) {
            stores.dead_proxy = dead_proxy::measure(places, options)?;
        }
        if options.wants(Part::HsmStores) {
            stores.hsm = hsm::measure(places, options)?;
        }
        Ok(stores)
    }
}
