//! Everything that is computed with a key: one small file a family, and no cryptographic call anywhere else.
//!
//! Each function states its formula, the standard it follows, and why its nonce is right.

mod der;
mod ed25519;
mod elliptic;
pub mod envelope;
mod hmac;
pub mod kdf;
mod library;
mod material;
mod message;
mod ml_dsa;
mod ml_kem;
mod opened;
pub mod random;
mod rsa;
pub mod sealing;
pub mod signing_key;
pub mod symmetric;
pub mod wrapping;

pub use hmac::HmacKey;
pub use material::{KeyMaterial, LONGEST_PRIVATE_KEY};
pub use message::Message;
pub use opened::OpenedKey;
