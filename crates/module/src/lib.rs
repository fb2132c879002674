//! The security module: the one process in which keys are in the clear.
//!
//! It remembers nothing but its domain key; a command carries everything else. After its start it opens no file, knows no network
//! and makes no process: the kernel ends it if it tries. No key leaves it but sealed, and no key is ever logged.

pub mod algorithms;
mod cache;
mod domain;
pub mod door;
mod engine;
pub mod generator;
mod import_token;
mod memory;
mod message;
pub mod sandbox;
mod seal;
pub mod start;
pub mod token;
mod turns;
#[cfg(test)]
mod vectors;

pub use domain::{Domain, DomainError};
pub use engine::Engine;
pub use memory::{Arena, Secret};
pub use seal::{KeyFile, Seal};
