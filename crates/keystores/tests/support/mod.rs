//! What tests of key stores have in common: real tokens of SoftHSM behind a library that injects faults.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod programs;
mod softhsm;

pub use programs::program;
pub use softhsm::{PIN, SoftHsm};
