//! What the XKS proxy costs: beside a bare TLS server, beside another XKS proxy on the same HSM, with an HSM that takes its time; and what
//! floods do to it.
//!
//! The programs are those that are shipped, and the load speaks to them over TLS as AWS KMS does.

mod api;
mod beside_bare;
mod flood;
mod hsm;
mod peer;
mod print;
mod rig;
mod strain;
mod target;

pub use peer::PeerOptions;
pub use print::print;
pub use target::verdicts;

use super::{BenchError, Options, Part, Places};
use beside_bare::BesideBare;
use hsm::{BesidePeer, Slow};
use serde::Serialize;
use strain::{Beside, Peak};

/// Everything that was measured of the XKS proxy.
#[derive(Debug, Default, Serialize)]
pub struct XksProxy {
    /// Beside the bare server.
    pub software: Vec<BesideBare>,
    /// On SoftHSM.
    pub hsm: Vec<BesidePeer>,
    /// On an HSM that takes its time.
    pub slow_hsm: Vec<Slow>,
    /// Memory.
    pub memory: Vec<Peak>,
    /// Good load beside a flood.
    pub flood: Vec<Beside>,
}

impl XksProxy {
    /// Measures the wanted parts.
    pub fn measure(places: &Places, options: &Options) -> Result<Self, BenchError> {
        let mut measured = Self::default();
        if options.wants(Part::XksProxySoftware) {
            measured.software = beside_bare::measure(places, options)?;
        }
        if options.wants(Part::XksProxyHsm) {
            measured.hsm = hsm::beside_peer(places, options)?;
        }
        if options.wants(Part::XksProxySlowHsm) {
            measured.slow_hsm = hsm::slow(places, options)?;
        }
        if options.wants(Part::XksProxyMemory) {
            measured.memory = strain::memory(places, options)?;
        }
        if options.wants(Part::XksProxyFlood) {
            measured.flood = strain::good_load(places, options)?;
        }
        Ok(measured)
    }
}
