//! Backing keys: making them, sealing them, telling their public keys.

use super::{Engine, open};
use crate::algorithms::KeyMaterial;
use keys::KeyOrigin;
use module_api::{Bytes, Key, NewKey, Refusal, Reply};

impl Engine {
    pub(super) fn generate_key(&mut self, key: &NewKey) -> Result<Reply<'_>, Refusal> {
        if !is_made_here(key) {
            return Err(Refusal::Unsupported);
        }
        let material = KeyMaterial::generate(key.spec, self.domain.arena())?;
        self.seal_key(key, &material)
    }

    /// Seals material as the backing key of that key.
    pub(super) fn seal_key(&mut self, key: &NewKey, material: &KeyMaterial) -> Result<Reply<'_>, Refusal> {
        if material.spec() != key.spec || !key.spec.usages().contains(&key.usage) {
            return Err(Refusal::Unsupported);
        }
        let material_id = material.id(&key.key_id)?;
        let token = self.domain.seal_key(material.secret(), &key.with_material(material_id))?;
        self.ciphertext.extend(token);
        self.public_key.extend(material.public_key()?);
        Ok(Reply::Key { token: Bytes(&self.ciphertext), material_id, public_key: Bytes(&self.public_key) })
    }

    pub(super) fn public_key(&mut self, key: &Key<'_>) -> Result<Reply<'_>, Refusal> {
        if !key.binding.spec.is_asymmetric() {
            return Err(Refusal::Unsupported);
        }
        let opened = open(&self.domain, &mut self.opened, key, key.binding.usage)?;
        self.public_key.extend(opened.public_key()?);
        Ok(Reply::PublicKey(Bytes(&self.public_key)))
    }
}

/// Imported material is its owner's to make. A key in a custom key store has a backing key too: what that seals, the store seals again.
const fn is_made_here(key: &NewKey) -> bool {
    match key.origin {
        KeyOrigin::AwsKms => true,
        KeyOrigin::AwsCloudHsm | KeyOrigin::ExternalKeyStore => key.spec.is_symmetric_encryption(),
        KeyOrigin::External => false,
    }
}
