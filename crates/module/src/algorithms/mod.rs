//! Everything that is computed with a key: one small file a family, and no cryptographic call anywhere else.
//!
//! Each function states its formula, the standard it follows, and why its nonce is right.

pub mod envelope;
pub mod kdf;
mod material;
mod opened;
pub mod random;
pub mod sealing;
pub mod signing_key;
pub mod symmetric;
pub mod wrapping;

pub use material::{KeyMaterial, LONGEST_PRIVATE_KEY};
pub use opened::OpenedKey;
