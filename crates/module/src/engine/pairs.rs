//! Data key pairs: made, told, and their private keys encrypted as any other plaintext is.

use super::{Engine, open};
use crate::algorithms::{KeyMaterial, OpenedKey};
use keys::{DataKeyPairSpec, EncryptionAlgorithm, KeyUsage};
use module_api::{Bytes, CanonicalContext, Key, Recipient, Refusal, Reply};

impl Engine {
    pub(super) fn generate_data_key_pair(
        &mut self,
        key: &Key<'_>,
        context: CanonicalContext<'_>,
        spec: DataKeyPairSpec,
        recipient: Option<Recipient<'_>>,
    ) -> Result<Reply<'_>, Refusal> {
        self.make_pair(key, context, spec)?;
        self.give_to(recipient)?;
        Ok(self.pair(&self.plaintext))
    }

    pub(super) fn generate_data_key_pair_without_plaintext(
        &mut self,
        key: &Key<'_>,
        context: CanonicalContext<'_>,
        spec: DataKeyPairSpec,
    ) -> Result<Reply<'_>, Refusal> {
        self.make_pair(key, context, spec)?;
        Ok(self.pair(&[]))
    }

    /// Leaves the private key at hand, in the clear and encrypted, and the public one.
    fn make_pair(
        &mut self,
        key: &Key<'_>,
        context: CanonicalContext<'_>,
        spec: DataKeyPairSpec,
    ) -> Result<(), Refusal> {
        // A key that does not open is found out before a pair is made for nothing.
        let opened = open(&self.domain, &mut self.opened, key, KeyUsage::EncryptDecrypt)?;
        if !matches!(opened, OpenedKey::Symmetric(_)) {
            return Err(Refusal::Unsupported);
        }
        let pair = KeyMaterial::generate(spec.key_spec(), self.domain.arena())?;
        pair.append_private_key(&mut self.plaintext)?;
        self.public_key.extend(pair.public_key()?);
        self.encrypt(key, EncryptionAlgorithm::SymmetricDefault, context, None)
    }

    fn pair<'a>(&'a self, private_key: &'a [u8]) -> Reply<'a> {
        Reply::DataKeyPair {
            private_key: Bytes(private_key),
            ciphertext: Bytes(&self.ciphertext),
            public_key: Bytes(&self.public_key),
        }
    }
}
