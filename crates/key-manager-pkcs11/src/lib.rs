//! A key manager that is one or more tokens behind a PKCS#11 library, which hold the same keys: any of them serves.
//!
//! The library runs in processes of its own, one a token ([`pkcs11_client`]): no call of it blocks a thread of the proxy, and one that
//! hangs or crashes takes no other token with it. Keys are the owner's, found by their labels; none is made, changed or taken out here,
//! and what is wrong with an HSM is never told as if it were wrong with a key or a ciphertext.

#![forbid(unsafe_code)]

mod binding;
mod describing;
mod health;
mod open;
mod session;
mod settings;
mod tokens;

pub use open::{OpenError, Pkcs11KeyManager};
pub use settings::Settings;
