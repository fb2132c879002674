//! The proxy as its own process, over TLS, with a software key manager behind it: refusals and their order, stores that see nothing of
//! each other, reloads, records, and what never leaves it.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![expect(clippy::indexing_slicing, clippy::panic, reason = "a test that fails is to say where")]

mod calls;
mod client;
mod http2;
mod injection;
mod journal;
mod memory;
mod metrics;
mod policies;
mod process;
mod refusals;
mod reload;
mod setup;
mod silent;
mod stores;
mod strangers;
mod tls;
