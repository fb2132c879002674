//! Tokens of real keys, verified with a key set at hand and with an issuer that is asked over HTTPS.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "helpers of tests: what is not as expected fails the test"
)]

mod issuer;
mod servers;
mod signer;
mod token;
mod trust;
