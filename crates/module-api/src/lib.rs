//! The door of the security module: what can be asked of it, and in which bytes.
//!
//! Pure: no input or output, no clock, no randomness, no cryptography. A command carries everything that it needs, because the
//! module remembers nothing but its domain keys. The list of commands is closed: there is none that hands out a key, and none
//! whose meaning is left to its argument.

#![forbid(unsafe_code)]

mod binding;
pub mod blob;
mod command;
mod context;
mod fields;
mod import;

pub use binding::{Binding, CredentialBinding, CredentialToken, Key, KeyToken, MalformedBinding, NewKey};
pub use command::{Command, MessagePurpose, Recipient, Refusal, Reply};
pub use context::{CanonicalContext, EncryptionContext};
pub use frames::Bytes;
pub use import::{ImportToken, MalformedImportToken};

/// The longest plaintext that is encrypted, in bytes.
//= kms:Encrypt Plaintext: 1 to 4096 bytes
pub const MAX_PLAINTEXT: usize = 4096;

/// The longest message that is sealed, in bytes.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// The longest sealed message: header, nonce and tag are around it.
pub const MAX_SEALED_MESSAGE: usize = 18 + 32 + MAX_MESSAGE + 16;

/// The longest data key and the most random bytes that one command gives.
//= kms:GenerateDataKey NumberOfBytes, kms:GenerateRandom NumberOfBytes: 1 to 1024
pub const MAX_RANDOM: usize = 1024;
