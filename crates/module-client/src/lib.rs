//! The front end's side of the security module's door.
//!
//! [`Supervisor`] starts the module's process, watches it and starts it again when it ends. Each worker turns its [`Connector`]
//! into a [`ModuleClient`], which stays good over restarts. Every command is free of side effects in the module, so a call that
//! was in flight when the module ended is made once more; it answers or fails within [`DEADLINE`] and one tick.
//!
//! Nothing here opens a token, and plaintext is wiped from every buffer that it passes.

#![forbid(unsafe_code)]

mod calls;
mod client;
mod connection;
mod process;
mod supervisor;

pub use calls::DEADLINE;
pub use client::{AccessKeySecret, CallError, DataKey, GeneratedKey, ModuleClient, ModuleStatus};
pub use connection::Connector;
pub use process::{Config, StartError, User};
pub use supervisor::Supervisor;
