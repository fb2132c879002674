//! Sealed messages: the front end's own data.

use super::Engine;
use module_api::{Bytes, MessagePurpose, Refusal, Reply};

impl Engine {
    pub(super) fn open_message(
        &mut self,
        purpose: MessagePurpose,
        sealed: &[u8],
    ) -> Result<Reply<'_>, Refusal> {
        self.domain.open_message(purpose, sealed, &mut self.plaintext)?;
        Ok(Reply::Plaintext(Bytes(&self.plaintext)))
    }

    pub(super) fn seal_message(
        &mut self,
        purpose: MessagePurpose,
        message: &[u8],
    ) -> Result<Reply<'_>, Refusal> {
        self.ciphertext.extend(self.domain.seal_message(purpose, message)?);
        Ok(Reply::Ciphertext(Bytes(&self.ciphertext)))
    }
}
