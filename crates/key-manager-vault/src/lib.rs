//! A key manager that is the Transit engine of HashiCorp Vault or OpenBao, asked over its published HTTP API.
//!
//! Keys are the owner's and stay in the server: none is made, changed or taken out here. What is wrong with a server, a token or a policy
//! is never told as if it were wrong with a key or a ciphertext, and neither a token nor a plaintext is ever in a log or an error.

#![forbid(unsafe_code)]

mod asking;
mod health;
mod keeper;
mod keys;
mod message;
mod open;
mod refusal;
mod servers;
mod session;
mod settings;
mod tokens;

pub use open::{OpenError, VaultKeyManager};
pub use settings::{AppRole, Login, Settings};
