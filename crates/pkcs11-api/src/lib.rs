//! The door of the PKCS#11 process: what can be asked of one member of an HSM cluster.
//!
//! Pure: no input or output, no clock, no randomness, no vendor's library. One process speaks for one token. The list of commands
//! is closed: there is none that hands out a key, other than wrapped under the public key of a member.

#![forbid(unsafe_code)]

mod command;
mod description;
mod iv;
mod names;
mod reply;
mod wrapped;

pub use command::{Command, PublicKey};
pub use description::{KeyDate, KeyDescription};
pub use frames::Bytes;
pub use iv::{Iv, MalformedIv};
pub use names::{KeyLabel, KeyName, MalformedName, ObjectId, Pin};
pub use reply::{Refusal, Reply, ReturnValue};
pub use wrapped::{OaepDigest, WrappedKey};

/// The longest plaintext that is sealed, and the longest ciphertext that is opened, in bytes.
pub const MAX_PLAINTEXT: usize = 16 * 1024;

/// The longest additional authenticated data, in bytes.
pub const MAX_ADDITIONAL_DATA: usize = 16 * 1024;

/// The most random bytes that one command gives.
//= kms:GenerateRandom NumberOfBytes: 1 to 1024
pub const MAX_RANDOM: usize = 1024;

/// The most members that a key is wrapped for.
pub const MAX_RECIPIENTS: usize = 32;

/// The length of the initialisation vector that `Seal` makes, in bytes.
pub const IV: usize = 12;

/// The length of the authentication tag, in bytes.
pub const TAG: usize = 16;
