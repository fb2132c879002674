//! The front end's side of the security module's door.
//!
//! [`Supervisor`] starts the module's process, watches it and starts it again when it ends. Each worker turns its [`Connector`]
//! into a [`ModuleClient`], which stays good over restarts. Every command is free of side effects in the module, so a call that
//! was in flight when the module ended is made once more; it answers or fails within [`DEADLINE`] and one tick, or
//! [`GENERATION_DEADLINE`] if RSA keys are made.
//!
//! Nothing here opens a token, and plaintext is wiped from every buffer that it passes.

#![forbid(unsafe_code)]

mod backing_keys;
mod ciphertexts;
mod client;
mod credentials;
mod data_keys;
mod messages;
mod process;
mod signatures;

pub use backing_keys::{GeneratedKey, ImportParameters};
pub use ciphertexts::{Closing, Opening};
pub use client::{CallError, DEADLINE, GENERATION_DEADLINE, ModuleClient, ModuleStatus};
pub use credentials::AccessKeySecret;
pub use data_keys::{DataKey, DataKeyPair, Encapsulated};
pub use process::{Config, Connector, Supervisor};
pub use sidecar::{StartError, User};
