//! An XKS proxy: AWS KMS, or Cardea, on one side, key managers on the other.
//!
//! It holds no key and keeps no plaintext: what is decrypted goes from a key manager's memory into the answer, and into no log, no
//! record and no file. Who may ask what is decided before a key manager hears of it, and nothing is answered without a durable record.

#![forbid(unsafe_code)]

pub mod commands;
pub mod config;
pub mod credential;
pub mod policy;
pub mod reconcile;

mod data;
mod error;
mod gauges;
mod health;
mod inject;
mod key_managers;
mod metrics;
mod node;
mod patience;
mod pipeline;
mod quota;
mod record;
mod refusal;
mod reload;
mod state;
mod stores;
mod strangers;
mod tls;
