//! Signing and verifying.

use super::Engine;
use keys::{MessageType, SigningAlgorithm};
use module_api::{Key, Refusal, Reply};

impl Engine {
    pub(super) fn sign(
        &mut self,
        _key: &Key<'_>,
        _algorithm: SigningAlgorithm,
        _message_type: MessageType,
        _message: &[u8],
    ) -> Result<Reply<'_>, Refusal> {
        Err(Refusal::Unsupported)
    }

    pub(super) fn verify(
        &mut self,
        _key: &Key<'_>,
        _algorithm: SigningAlgorithm,
        _message_type: MessageType,
        _message: &[u8],
        _signature: &[u8],
    ) -> Result<Reply<'_>, Refusal> {
        Err(Refusal::Unsupported)
    }
}
