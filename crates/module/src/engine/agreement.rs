//! Secrets shared with others: derived from their public keys, or encapsulated.

use super::{Engine, open};
use crate::algorithms::OpenedKey;
use keys::KeyUsage;
use module_api::{Bytes, Key, Recipient, Refusal, Reply};

impl Engine {
    pub(super) fn derive_shared_secret(
        &mut self,
        key: &Key<'_>,
        public_key: &[u8],
        recipient: Option<Recipient<'_>>,
    ) -> Result<Reply<'_>, Refusal> {
        match open(&self.domain, &mut self.opened, key, KeyUsage::KeyAgreement)? {
            OpenedKey::EllipticAgreement(key) => key.agree(public_key, &mut self.plaintext)?,
            _ => return Err(Refusal::Unsupported),
        }
        self.give_to(recipient)?;
        Ok(Reply::SharedSecret(Bytes(&self.plaintext)))
    }

    pub(super) fn encapsulate(&mut self, key: &Key<'_>) -> Result<Reply<'_>, Refusal> {
        let Self { domain, opened, plaintext, ciphertext, .. } = self;
        match open(domain, opened, key, KeyUsage::EncapsulateDecapsulate)? {
            OpenedKey::MlKem(key) => key.encapsulate(plaintext, ciphertext)?,
            _ => return Err(Refusal::Unsupported),
        }
        Ok(Reply::Encapsulated { shared_secret: Bytes(plaintext), ciphertext: Bytes(ciphertext) })
    }

    pub(super) fn decapsulate(&mut self, key: &Key<'_>, ciphertext: &[u8]) -> Result<Reply<'_>, Refusal> {
        match open(&self.domain, &mut self.opened, key, KeyUsage::EncapsulateDecapsulate)? {
            OpenedKey::MlKem(key) => key.decapsulate(ciphertext, &mut self.plaintext)?,
            _ => return Err(Refusal::Unsupported),
        }
        Ok(Reply::SharedSecret(Bytes(&self.plaintext)))
    }
}
