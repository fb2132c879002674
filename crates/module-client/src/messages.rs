//! Sealed messages: what others carry for the front end.

use crate::client::{ciphertext, plaintext};
use crate::{CallError, ModuleClient};
use module_api::{Bytes, Command, MAX_SEALED_MESSAGE, MessagePurpose, Refusal};

impl ModuleClient {
    /// Seals up to 64 KiB for that purpose, so that others can carry it and neither read nor change it.
    pub async fn seal_message(&self, purpose: MessagePurpose, message: &[u8]) -> Result<Vec<u8>, CallError> {
        self.call(&Command::SealMessage { purpose, bytes: Bytes(message) }, ciphertext).await
    }

    /// Opens what was sealed for that purpose; anything else is [`Refusal::MessageRefused`].
    pub async fn open_message(&self, purpose: MessagePurpose, sealed: &[u8]) -> Result<Vec<u8>, CallError> {
        // What does not fit in a frame is no more than any other bytes that are no sealed message.
        if sealed.len() > MAX_SEALED_MESSAGE {
            return Err(CallError::Refused(Refusal::MessageRefused));
        }
        let mut message =
            self.call(&Command::OpenMessage { purpose, bytes: Bytes(sealed) }, plaintext).await?;
        Ok(std::mem::take(&mut *message))
    }
}
