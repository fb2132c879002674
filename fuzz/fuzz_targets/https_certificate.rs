//! No certificate may make its reader panic. It was verified before, but by somebody else's reader.
#![no_main]

use https::{CertificateDer, PeerCertificate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|der: &[u8]| {
    let _ = PeerCertificate::read(&CertificateDer::from(der));
});
