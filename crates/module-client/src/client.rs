//! One method a command. What comes back is typed, and plaintext in it is wiped when it is dropped.

use crate::calls::{Calls, Lapse};
use keys::KeyMaterialId;
use module_api::frame;
use module_api::{
    Bytes, Command, CredentialBinding, CredentialToken, EncryptionContext, Key, KeyToken, MAX_SEALED_MESSAGE,
    MessagePurpose, NewKey, Refusal, Reply,
};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Calls the module over one worker's connection. Clones share the connection.
#[derive(Clone)]
pub struct ModuleClient {
    calls: Arc<Calls>,
}

impl ModuleClient {
    pub(crate) const fn new(calls: Arc<Calls>) -> Self {
        Self { calls }
    }

    /// Makes a backing key; the module remembers nothing of it.
    pub async fn generate_key(&self, key: &NewKey) -> Result<GeneratedKey, CallError> {
        self.call(&Command::GenerateKey { key: Cow::Borrowed(key) }, |reply| match reply {
            Reply::Key { token, material_id } => {
                Some(GeneratedKey { token: KeyToken::from_bytes(token.0), material_id })
            }
            _ => None,
        })
        .await
    }

    /// Encrypts 1 to 4096 bytes into a ciphertext blob.
    pub async fn encrypt(
        &self,
        key: Key<'_>,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, CallError> {
        let context = context.canonical();
        self.call(&Command::Encrypt { key, context, plaintext: Bytes(plaintext) }, ciphertext).await
    }

    /// Decrypts a ciphertext blob.
    pub async fn decrypt(
        &self,
        key: Key<'_>,
        context: &EncryptionContext,
        blob: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        let context = context.canonical();
        self.call(&Command::Decrypt { key, context, blob: Bytes(blob) }, |reply| match reply {
            Reply::Plaintext(plaintext) => Some(Zeroizing::new(plaintext.0.to_vec())),
            _ => None,
        })
        .await
    }

    /// Decrypts a ciphertext blob and encrypts what was in it; the plaintext stays in the module.
    pub async fn re_encrypt(
        &self,
        source: Key<'_>,
        source_context: &EncryptionContext,
        blob: &[u8],
        destination: Key<'_>,
        destination_context: &EncryptionContext,
    ) -> Result<Vec<u8>, CallError> {
        let command = Command::ReEncrypt {
            source,
            source_context: source_context.canonical(),
            blob: Bytes(blob),
            destination,
            destination_context: destination_context.canonical(),
        };
        self.call(&command, ciphertext).await
    }

    /// Makes a data key of 1 to 1024 bytes.
    pub async fn generate_data_key(
        &self,
        key: Key<'_>,
        context: &EncryptionContext,
        number_of_bytes: u16,
    ) -> Result<DataKey, CallError> {
        let context = context.canonical();
        self.call(&Command::GenerateDataKey { key, context, number_of_bytes }, |reply| match reply {
            Reply::DataKey { plaintext, ciphertext } => Some(DataKey {
                plaintext: Zeroizing::new(plaintext.0.to_vec()),
                ciphertext: ciphertext.0.to_vec(),
            }),
            _ => None,
        })
        .await
    }

    /// Makes a data key of 1 to 1024 bytes that leaves the module only encrypted.
    pub async fn generate_data_key_without_plaintext(
        &self,
        key: Key<'_>,
        context: &EncryptionContext,
        number_of_bytes: u16,
    ) -> Result<Vec<u8>, CallError> {
        let context = context.canonical();
        self.call(&Command::GenerateDataKeyWithoutPlaintext { key, context, number_of_bytes }, ciphertext)
            .await
    }

    /// Gives 1 to 1024 random bytes.
    pub async fn generate_random(&self, number_of_bytes: u16) -> Result<Zeroizing<Vec<u8>>, CallError> {
        self.call(&Command::GenerateRandom { number_of_bytes }, |reply| match reply {
            Reply::Random(random) => Some(Zeroizing::new(random.0.to_vec())),
            _ => None,
        })
        .await
    }

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
        self.call(&Command::OpenMessage { purpose, bytes: Bytes(sealed) }, |reply| match reply {
            Reply::Plaintext(message) => Some(message.0.to_vec()),
            _ => None,
        })
        .await
    }

    /// Asks the module how it is.
    pub async fn status(&self) -> Result<ModuleStatus, CallError> {
        self.call(&Command::Status, |reply| match reply {
            Reply::Status { domain_key_id } => Some(ModuleStatus { domain_key_id }),
            _ => None,
        })
        .await
    }

    /// Makes the call; if the module ends meanwhile, once more within the same deadline.
    async fn call<T>(
        &self,
        command: &Command<'_>,
        read: impl Fn(Reply<'_>) -> Option<T>,
    ) -> Result<T, CallError> {
        let deadline = self.calls.deadline();
        let body = match self.calls.submit(command, deadline)?.await {
            Err(Lapse::ModuleEnded) => self.calls.submit(command, deadline)?.await,
            answered => answered,
        };
        let body = body.map_err(|_| CallError::ModuleGone)?;
        match frame::decode(&body).map_err(|_| CallError::UnexpectedReply)? {
            Reply::Refused(refusal) => Err(CallError::Refused(refusal)),
            reply => read(reply).ok_or(CallError::UnexpectedReply),
        }
    }
}

fn ciphertext(reply: Reply<'_>) -> Option<Vec<u8>> {
    match reply {
        Reply::Ciphertext(ciphertext) => Some(ciphertext.0.to_vec()),
        _ => None,
    }
}

impl fmt::Debug for ModuleClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ModuleClient")
    }
}

/// A new backing key.
#[derive(Debug)]
pub struct GeneratedKey {
    /// The backing key sealed; what is stored.
    pub token: KeyToken,
    /// Its id, which completes the binding: [`NewKey::with_material`].
    pub material_id: KeyMaterialId,
}

/// A new data key.
pub struct DataKey {
    /// The data key.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The data key encrypted.
    pub ciphertext: Vec<u8>,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({} bytes)", self.plaintext.len())
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

/// How the module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleStatus {
    /// Which domain key seals new tokens.
    pub domain_key_id: [u8; 16],
}

/// Why a call has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// More calls are in flight on this connection than it takes.
    #[error("too many calls to the security module are in flight")]
    Busy,
    /// The module ended or does not answer, and did not come back in time.
    #[error("the security module is gone")]
    ModuleGone,
    /// The module refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The module answered something that is no reply to this command: it is not of this version.
    #[error("the security module answered something else than was asked")]
    UnexpectedReply,
}
