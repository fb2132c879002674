//! Secrets shared with others: derived from their public keys, or encapsulated.

use super::Engine;
use module_api::{Key, Refusal, Reply};

impl Engine {
    /// Leaves the shared secret at hand.
    pub(super) fn derive_shared_secret(&mut self, _key: &Key<'_>, _public_key: &[u8]) -> Result<(), Refusal> {
        Err(Refusal::Unsupported)
    }

    pub(super) fn encapsulate(&mut self, _key: &Key<'_>) -> Result<Reply<'_>, Refusal> {
        Err(Refusal::Unsupported)
    }

    pub(super) fn decapsulate(&mut self, _key: &Key<'_>, _ciphertext: &[u8]) -> Result<Reply<'_>, Refusal> {
        Err(Refusal::Unsupported)
    }
}
