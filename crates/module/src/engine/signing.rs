//! Signing and verifying.

use super::{Engine, open};
use crate::algorithms::Message;
use keys::{KeyUsage, MessageType, SigningAlgorithm};
use module_api::{Bytes, Key, Refusal, Reply};

impl Engine {
    pub(super) fn sign(
        &mut self,
        key: &Key<'_>,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Reply<'_>, Refusal> {
        let opened = open(&self.domain, &mut self.opened, key, KeyUsage::SignVerify)?;
        let message = Message::new(algorithm, message_type, message)?;
        opened.sign(algorithm, message, &mut self.ciphertext)?;
        Ok(Reply::Signature(Bytes(&self.ciphertext)))
    }

    pub(super) fn verify(
        &mut self,
        key: &Key<'_>,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<Reply<'_>, Refusal> {
        let opened = open(&self.domain, &mut self.opened, key, KeyUsage::SignVerify)?;
        let message = Message::new(algorithm, message_type, message)?;
        opened.verify(algorithm, message, signature)?;
        Ok(Reply::Verified)
    }
}
