//! Secret access keys, which only the module sees after their owner has.

use crate::{CallError, ModuleClient};
use module_api::{Bytes, Command, CredentialBinding, CredentialToken, Reply};
use std::borrow::Cow;
use std::fmt;
use zeroize::Zeroizing;

impl ModuleClient {
    /// Makes a secret access key: for its owner's eyes, this once. The token is what is stored.
    pub async fn create_access_key_secret(
        &self,
        binding: &CredentialBinding,
    ) -> Result<AccessKeySecret, CallError> {
        let command = Command::CreateAccessKeySecret { binding: Cow::Borrowed(binding) };
        self.call(&command, |reply| match reply {
            Reply::AccessKeySecret { secret, token } => Some(AccessKeySecret {
                secret: Zeroizing::new(std::str::from_utf8(secret.0).ok()?.to_owned()),
                token: CredentialToken::from_bytes(token.0),
            }),
            _ => None,
        })
        .await
    }

    /// Derives the Signature Version 4 signing key for one day (`YYYYMMDD`), region and service. Worth caching: it is good for
    /// nothing else.
    pub async fn derive_signing_key(
        &self,
        token: &CredentialToken,
        binding: &CredentialBinding,
        date: &str,
        region: &str,
        service: &str,
    ) -> Result<Zeroizing<[u8; 32]>, CallError> {
        let (token, binding) = (Bytes(token.as_bytes()), Cow::Borrowed(binding));
        let command = Command::DeriveSigningKey { token, binding, date, region, service };
        self.call(&command, |reply| match reply {
            Reply::SigningKey(key) => {
                let mut signing_key = Zeroizing::new([0; 32]);
                (key.0.len() == signing_key.len()).then(|| signing_key.copy_from_slice(key.0))?;
                Some(signing_key)
            }
            _ => None,
        })
        .await
    }
}

/// A new secret access key.
pub struct AccessKeySecret {
    /// The secret access key, 40 characters.
    pub secret: Zeroizing<String>,
    /// The secret sealed; what is stored.
    pub token: CredentialToken,
}

impl fmt::Debug for AccessKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKeySecret")
    }
}
