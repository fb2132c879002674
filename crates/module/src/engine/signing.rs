//! Signing and verifying.

use super::{Engine, open};
use crate::algorithms::{Message, OpenedKey};
use crate::cache::Cache;
use crate::domain::Domain;
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
        let opened = open_signing(&self.domain, &mut self.opened, key, algorithm)?;
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
        let opened = open_signing(&self.domain, &mut self.opened, key, algorithm)?;
        let message = Message::new(algorithm, message_type, message)?;
        opened.verify(algorithm, message, signature)?;
        Ok(Reply::Verified)
    }
}

fn open_signing<'a>(
    domain: &Domain,
    opened: &'a mut Cache,
    key: &Key<'_>,
    algorithm: SigningAlgorithm,
) -> Result<&'a OpenedKey, Refusal> {
    if !key.binding.spec.signing_algorithms().contains(&algorithm) {
        return Err(Refusal::Unsupported);
    }
    open(domain, opened, key, KeyUsage::SignVerify)
}
