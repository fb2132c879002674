//! The crate seen from outside: published vectors, botocore's signatures, every refusal, and properties.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail the test")]

mod botocore;
mod properties;
mod refusals;
mod requests;
mod vectors;
