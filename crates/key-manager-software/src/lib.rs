//! A key manager in a file: external keys, each with its versions, sealed under a passphrase, an HSM's key or Cardea's security module.
//!
//! [`SoftwareKeyManager`] serves what is in the file, and takes what changes in it without a restart; [`KeyStore`] is what changes it. The
//! format is in `docs/key-store-file.md`. No key is ever written, shown or logged in the clear.

#![forbid(unsafe_code)]

mod crypto;
mod disk;
mod error;
mod follow;
mod format;
mod keys;
mod manager;
mod message;
mod protector;
mod settings;
mod store;
#[cfg(test)]
mod vectors;

pub use error::Error;
pub use format::{File, Head, Malformed, Protected, ProtectorKind, StoreId, parse, parse_body};
pub use keys::{Key, Keys, Refusal, Status, Usage, Version};
pub use manager::SoftwareKeyManager;
pub use protector::{Passphrase, Protector};
pub use settings::{ModuleProtector, Pkcs11Protector, ProtectorSettings, Settings};
pub use store::{Content, KeyStore, Overwrite};
