//! Key stores on a disk: the contract of key managers, the life of keys, what a proxy that follows the file serves, crashes, protectors.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what is not as expected fails the test"
)]

mod changes;
mod contract;
mod crashes;
mod damage;
mod following;
#[path = "../../../keystores/tests/support/programs.rs"]
mod programs;
mod protectors;
mod support;
