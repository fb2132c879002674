//! What others make and the module takes, and what the module makes and others read: with the `openssl` command line on the other side.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that finds something else than expected fails"
)]

mod door;
mod envelope;
mod import;
mod openssl;
mod pairs;
