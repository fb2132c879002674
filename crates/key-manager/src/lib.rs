//! What an XKS proxy wants of an external key manager. One crate beside this one for each kind.
//!
//! A key manager encrypts and decrypts with AES-256-GCM under keys that are its own, and says what a key is and how it is itself. It
//! never sees who asks: signatures, policies, limits and records are the proxy's.

#![forbid(unsafe_code)]

mod duration;
mod health;
mod outcome;
mod together;

#[cfg(feature = "contract")]
pub mod contract;

pub use duration::duration;
pub use health::{Health, Member};
pub use outcome::{Decrypted, Encrypted, KeyDescription, Trouble};
pub use together::together;
pub use xks_api::{ExternalKeyId, HealthStatus, IV_LENGTHS, MOST_CIPHERTEXT_METADATA, TAG, bound_data};

use std::pin::Pin;
use std::rc::Rc;

/// What a session is doing. Whoever waits bounds the time, and gives up by dropping it.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A key manager that is open: shared by all threads, for as long as the proxy runs.
pub trait KeyManager: Send + Sync {
    /// A thread's own way to it, made on the runtime of the thread that will use it. `worker` counts from 0 and is below the number that
    /// the key manager was opened for; a number is asked for once.
    fn session(&self, worker: usize) -> Rc<dyn Session>;
}

/// One thread's way to a key manager.
pub trait Session {
    /// What the key is.
    fn describe<'a>(&'a self, key: ExternalKeyId<'a>) -> Work<'a, Result<KeyDescription, Trouble>>;

    /// Encrypts under a fresh random initialisation vector. The tag covers [`bound_data`] of the additional data and of the metadata that
    /// it chooses, so that the metadata can say which version of the key, and which way of binding, the ciphertext needs.
    fn encrypt<'a>(
        &'a self,
        key: ExternalKeyId<'a>,
        plaintext: &'a [u8],
        additional_data: &'a [u8],
    ) -> Work<'a, Result<Encrypted, Trouble>>;

    /// Opens what `encrypt` gave, or [`Trouble::InvalidCiphertext`] if any part of it is not as it was.
    fn decrypt<'a>(
        &'a self,
        key: ExternalKeyId<'a>,
        sealed: Sealed<'a>,
        additional_data: &'a [u8],
    ) -> Work<'a, Result<Decrypted, Trouble>>;

    /// How its members are, found out now by encrypting and decrypting with a test key that no customer uses.
    fn health(&self) -> Work<'_, Health>;
}

/// What is to be decrypted.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a> {
    /// Without the tag.
    pub ciphertext: &'a [u8],
    /// 12 or 16 bytes.
    pub iv: &'a [u8],
    /// The tag.
    pub tag: &'a [u8; TAG],
    /// What `encrypt` chose; 20 bytes at most, may be empty.
    pub metadata: &'a [u8],
}
