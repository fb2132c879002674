//! The journal against real files, real processes and a real full disk.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

mod append;
mod common;
mod crash;
mod refusing_disk;
mod tamper;
mod torn;
