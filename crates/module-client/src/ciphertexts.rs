//! Encrypting and decrypting with a backing key.

use crate::client::{ciphertext, plaintext};
use crate::{CallError, ModuleClient};
use keys::EncryptionAlgorithm;
use module_api::{Bytes, Command, EncryptionContext, Key, Recipient};
use zeroize::Zeroizing;

impl ModuleClient {
    /// Encrypts 1 to 4096 bytes, or as many as the algorithm takes.
    pub async fn encrypt(
        &self,
        key: Key<'_>,
        algorithm: EncryptionAlgorithm,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, CallError> {
        let (context, plaintext) = (context.canonical(), Bytes(plaintext));
        self.call(&Command::Encrypt { key, algorithm, context, plaintext }, ciphertext).await
    }

    /// Decrypts a ciphertext; for a recipient, an RSA public key in DER, into an envelope that only its owner can open.
    pub async fn decrypt(
        &self,
        key: Key<'_>,
        algorithm: EncryptionAlgorithm,
        context: &EncryptionContext,
        blob: &[u8],
        recipient: Option<&[u8]>,
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        let (context, blob, recipient) = (context.canonical(), Bytes(blob), recipient.map(recipient_of));
        self.call(&Command::Decrypt { key, algorithm, context, blob, recipient }, plaintext).await
    }

    /// Decrypts a ciphertext and encrypts what was in it; the plaintext stays in the module.
    pub async fn re_encrypt(&self, from: Opening<'_>, to: Closing<'_>) -> Result<Vec<u8>, CallError> {
        let command = Command::ReEncrypt {
            source: from.key,
            source_algorithm: from.algorithm,
            source_context: from.context.canonical(),
            blob: Bytes(from.blob),
            destination: to.key,
            destination_algorithm: to.algorithm,
            destination_context: to.context.canonical(),
        };
        self.call(&command, ciphertext).await
    }
}

/// A ciphertext and how it is decrypted.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The backing key.
    pub key: Key<'a>,
    /// How it was encrypted.
    pub algorithm: EncryptionAlgorithm,
    /// The context that it was encrypted with.
    pub context: &'a EncryptionContext,
    /// The ciphertext.
    pub blob: &'a [u8],
}

/// How something is encrypted.
#[derive(Debug)]
pub struct Closing<'a> {
    /// The backing key.
    pub key: Key<'a>,
    /// How to encrypt it.
    pub algorithm: EncryptionAlgorithm,
    /// The context to encrypt it with.
    pub context: &'a EncryptionContext,
}

pub(crate) const fn recipient_of(public_key: &[u8]) -> Recipient<'_> {
    Recipient(Bytes(public_key))
}
