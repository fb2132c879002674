//! What a key manager answers, and why it does not do what was asked.

use std::rc::Rc;
use xks_api::TAG;
use zeroize::Zeroizing;

/// What an external key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDescription {
    /// `AES_256` for a key that KMS can use; else what it is, in the same manner.
    pub spec: String,
    /// `ENCRYPT`, `DECRYPT` and what else it may be used for; ten at most.
    pub usage: Vec<String>,
    /// Whether it may be used at all now.
    pub is_enabled: bool,
}

/// What an encryption gives.
#[derive(Debug)]
pub struct Encrypted {
    /// As long as the plaintext.
    pub ciphertext: Vec<u8>,
    /// 12 or 16 bytes.
    pub iv: Vec<u8>,
    /// The tag.
    pub tag: [u8; TAG],
    /// 20 bytes at most.
    pub metadata: Vec<u8>,
    /// Which version of the key, for the record.
    pub key_version: Option<String>,
    /// Which member did it, for the record.
    pub member: Rc<str>,
}

/// What a decryption gives.
pub struct Decrypted {
    /// As long as the ciphertext.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// Which version of the key, for the record.
    pub key_version: Option<String>,
    /// Which member did it, for the record.
    pub member: Rc<str>,
}

/// Without the plaintext.
impl std::fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { key_version, member, .. } = self;
        f.debug_struct("Decrypted")
            .field("key_version", key_version)
            .field("member", member)
            .finish_non_exhaustive()
    }
}

/// Why a key manager does not do what was asked. What is in it is for the proxy's log and record, and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It has too much to do. To `ThrottlingException`.
    #[error("the key manager has too much to do")]
    Busy,
    /// The key, or the key manager as a whole, is disabled. To `InvalidStateException`.
    #[error("the key is disabled")]
    Disabled,
    /// It failed, which is nobody's fault who asked. To `InternalException`.
    #[error("the key manager failed: {0}")]
    Failed(String),
    /// A part of the ciphertext, or what it is bound to, is not as it was. To `InvalidCiphertextException`.
    #[error("the ciphertext is not genuine")]
    InvalidCiphertext,
    /// The key is not for this. To `InvalidKeyUsageException`.
    #[error("the key is not for this use")]
    InvalidKeyUsage,
    /// There is no key of that id, or more than one. To `KeyNotFoundException`.
    #[error("the key manager has no key of that id, or several")]
    KeyNotFound,
    /// No member answered in time. To `DependencyTimeoutException`.
    #[error("the key manager did not answer in time")]
    TimedOut,
    /// More than it can do. To `UnsupportedOperationException`.
    #[error("the key manager cannot do that: {0}")]
    Unsupported(String),
}
