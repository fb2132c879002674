//! External key stores as AWS's specification has them, over TLS with a proxy that misbehaves as told. The numbers K1 to K30 are those of
//! the requirements for a KMS.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests: what is not as expected fails the test"
)]

mod answers;
mod life;
mod metrics;
mod rig;
mod time;
mod tls;
mod wire;
