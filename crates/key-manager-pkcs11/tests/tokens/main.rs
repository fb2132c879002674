//! The key manager on real tokens of SoftHSM, behind a library that injects faults.

mod contract;
mod faults;
mod health;
mod keys;
mod pace;
#[expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]
#[path = "../../../keystores/tests/support/programs.rs"]
mod programs;
mod rig;
mod sample;
