//! Custom key stores, the whole road: a client, the service, and what is behind it: an XKS proxy that misbehaves as told, or HSMs in
//! software behind a library that does. Their rules one by one are elsewhere; here it is what a caller, an auditor and an operator see
//! when the backend is well, when it is not, and when it is well again.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails its test"
)]

mod cluster;
mod held;
mod hsm_faults;
mod hsm_logins;
mod load;
mod metrics;
mod proxied;
mod readme;
mod store;
mod stories;
mod words;
mod xks;
mod xks_answers;
mod xks_keys;
mod xks_proxy_audit;
mod xks_proxy_changes;
mod xks_proxy_faults;
mod xks_proxy_keys;
mod xks_time;
mod xks_tls;
