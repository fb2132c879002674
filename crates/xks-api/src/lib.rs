//! The API of an XKS proxy as AWS specifies it, version 1: paths, bodies, errors, and what a ciphertext is bound to.
//!
//! Pure: no input or output, no clock, no randomness. It reads what comes from somebody who is not trusted, and no message of its
//! own ever repeats a value: a body may hold a plaintext.

#![forbid(unsafe_code)]

mod answer;
mod binding;
mod error_name;
mod external_key_id;
mod operation;
mod request;
mod request_metadata;

pub use answer::{
    EncryptAnswer, ErrorAnswer, FleetMember, HealthAnswer, HealthStatus, KeyMetadataAnswer, decrypted,
};
pub use binding::{bound_data, integrity_value};
pub use error_name::ErrorName;
pub use external_key_id::{ExternalKeyId, InvalidExternalKeyId};
pub use operation::{Operation, Target};
pub use request::{DecryptRequest, EncryptRequest, Invalid, Limits, PlainRequest};
pub use request_metadata::RequestMetadata;

/// What every path of the API has behind the prefix of its store.
pub const API_PATH: &str = "/kms/xks/v1";

/// The longest path of a store, prefix and [`API_PATH`].
pub const LONGEST_URI_PATH: usize = 128;

/// The plaintext and the ciphertext that every proxy takes, in bytes.
pub const LEAST_PLAINTEXT: usize = 4300;

/// The additional authenticated data that every proxy takes, in bytes.
pub const LEAST_ADDITIONAL_DATA: usize = 8192;

/// The longest `ciphertextMetadata`, in bytes.
pub const MOST_CIPHERTEXT_METADATA: usize = 20;

/// The lengths that an initialisation vector may have, in bytes.
pub const IV_LENGTHS: [usize; 2] = [12, 16];

/// The length of an authentication tag, in bytes.
pub const TAG: usize = 16;
