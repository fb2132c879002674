//! What is believed of an attestation document, and everything that is not.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests: what is not as expected fails the test"
)]

mod cbor;
mod chains;
mod documents;
mod maker;
mod messages;
mod roots;
