//! Opened keys: ready to use, parsed and checked once. One variant a family.

use crate::memory::Secret;
use keys::{KeySpec, KeyUsage};
use module_api::Refusal;

/// A key ready to use, for its one usage.
#[derive(Debug)]
pub enum OpenedKey {
    /// SYMMETRIC_DEFAULT.
    Symmetric(Secret),
}

impl OpenedKey {
    /// Makes material ready to use.
    pub fn new(spec: KeySpec, _usage: KeyUsage, material: Secret) -> Result<Self, Refusal> {
        match spec {
            KeySpec::SymmetricDefault => Ok(Self::Symmetric(material)),
            _ => Err(Refusal::Unsupported),
        }
    }

    /// The public key of a pair, SubjectPublicKeyInfo in DER.
    pub fn public_key(&self) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Symmetric(_) => Err(Refusal::Unsupported),
        }
    }
}
