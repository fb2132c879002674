//! Encrypting and decrypting, and the random bytes that become data keys.

use super::{Engine, open};
use crate::algorithms::{OpenedKey, random, symmetric};
use keys::{EncryptionAlgorithm, KeySpec, KeyUsage};
use module_api::blob::{Blob, Header};
use module_api::{Binding, CanonicalContext, Key, MAX_RANDOM, Refusal};

impl Engine {
    /// Encrypts the plaintext given, or else the one at hand.
    pub(super) fn encrypt(
        &mut self,
        key: &Key<'_>,
        algorithm: EncryptionAlgorithm,
        context: CanonicalContext<'_>,
        plaintext: Option<&[u8]>,
    ) -> Result<(), Refusal> {
        let Self { domain, opened, derived, plaintext: at_hand, ciphertext, .. } = self;
        let opened_key = open(domain, opened, key, KeyUsage::EncryptDecrypt)?;
        let plaintext = plaintext.unwrap_or(at_hand);
        match (opened_key, algorithm) {
            (OpenedKey::Symmetric(backing_key), EncryptionAlgorithm::SymmetricDefault) => {
                let (header, nonce) = (header(&key.binding), random::array()?);
                symmetric::encrypt(backing_key, &header, context, &nonce, plaintext, derived, ciphertext)
            }
            (OpenedKey::RsaEncryption(key), _) => {
                check_no_context(context)?;
                key.encrypt(algorithm, plaintext, ciphertext)
            }
            _ => Err(Refusal::Unsupported),
        }
    }

    /// Leaves the plaintext at hand.
    pub(super) fn decrypt(
        &mut self,
        key: &Key<'_>,
        algorithm: EncryptionAlgorithm,
        context: CanonicalContext<'_>,
        blob: &[u8],
    ) -> Result<(), Refusal> {
        if algorithm == EncryptionAlgorithm::SymmetricDefault {
            return self.decrypt_symmetric(key, context, blob);
        }
        match open(&self.domain, &mut self.opened, key, KeyUsage::EncryptDecrypt)? {
            OpenedKey::RsaEncryption(key) => {
                check_no_context(context)?;
                key.decrypt(algorithm, blob, &mut self.plaintext)
            }
            _ => Err(Refusal::Unsupported),
        }
    }

    /// What is no blob is found out before a token is opened for it.
    fn decrypt_symmetric(
        &mut self,
        key: &Key<'_>,
        context: CanonicalContext<'_>,
        blob: &[u8],
    ) -> Result<(), Refusal> {
        if key.binding.spec != KeySpec::SymmetricDefault {
            return Err(Refusal::Unsupported);
        }
        let blob = Blob::parse(blob).map_err(|_| Refusal::InvalidCiphertext)?;
        match open(&self.domain, &mut self.opened, key, KeyUsage::EncryptDecrypt)? {
            OpenedKey::Symmetric(_) if blob.header != header(&key.binding) => Err(Refusal::InvalidCiphertext),
            OpenedKey::Symmetric(backing_key) => {
                symmetric::decrypt(backing_key, &blob, context, &mut self.derived, &mut self.plaintext)
            }
            _ => Err(Refusal::Unsupported),
        }
    }

    pub(super) fn generate_data_key(
        &mut self,
        key: &Key<'_>,
        context: CanonicalContext<'_>,
        length: u16,
    ) -> Result<(), Refusal> {
        self.randomise(length)?;
        self.encrypt(key, EncryptionAlgorithm::SymmetricDefault, context, None)
    }

    pub(super) fn randomise(&mut self, length: u16) -> Result<(), Refusal> {
        match usize::from(length) {
            0 => Err(Refusal::Malformed),
            length @ 1..=MAX_RANDOM => {
                self.plaintext.resize(length, 0);
                random::fill(&mut self.plaintext)
            }
            _ => Err(Refusal::TooLarge),
        }
    }
}

/// RSA binds a ciphertext to nothing, so a context would promise what does not hold.
fn check_no_context(context: CanonicalContext<'_>) -> Result<(), Refusal> {
    if context.as_bytes().is_empty() { Ok(()) } else { Err(Refusal::Malformed) }
}

const fn header(binding: &Binding) -> Header {
    let Binding { account, key_id, material_id, .. } = *binding;
    Header { account, key_id, material_id }
}
