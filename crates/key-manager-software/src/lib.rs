//! A key manager in a file: external keys, each with its versions, sealed under a passphrase, an HSM's key or Cardea's security module.
//!
//! [`SoftwareKeyManager`] serves what is in the file, and takes what changes in it without a restart; [`KeyStore`] is what changes it. The
//! format is in `docs/key-store-file.md`. No key is ever written, shown or logged in the clear.

#![forbid(unsafe_code)]

mod settings;

pub use settings::{ModuleProtector, Pkcs11Protector, ProtectorSettings, Settings};
