//! Secret access keys: making them, and deriving signing keys from them.

use super::Engine;
use crate::algorithms::signing_key;
use module_api::{Bytes, CredentialBinding, Refusal, Reply};

impl Engine {
    pub(super) fn create_access_key_secret(
        &mut self,
        binding: &CredentialBinding,
    ) -> Result<Reply<'_>, Refusal> {
        let secret = signing_key::generate(self.domain.arena())?;
        self.ciphertext.extend(self.domain.seal_credential(&secret, binding)?);
        self.plaintext.extend_from_slice(secret.bytes());
        Ok(Reply::AccessKeySecret { secret: Bytes(&self.plaintext), token: Bytes(&self.ciphertext) })
    }

    pub(super) fn derive_signing_key(
        &mut self,
        token: &[u8],
        binding: &CredentialBinding,
        date: &str,
        region: &str,
        service: &str,
    ) -> Result<Reply<'_>, Refusal> {
        let secret = self.domain.open_credential(token, binding)?;
        let key = signing_key::derive(&secret, date, region, service, self.domain.arena())?;
        self.plaintext.extend_from_slice(key.bytes());
        Ok(Reply::SigningKey(Bytes(&self.plaintext)))
    }
}
