//! The proxy as its own process, over TLS, with a software key manager behind it: refusals and their order, stores that see nothing of
//! each other, reloads, records, and what never leaves it.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod calls;
mod client;
mod setup;
