//! Binding a backing key to another region as well.

use super::Engine;
use crate::algorithms::KeyMaterial;
use keys::Region;
use module_api::{Binding, Key, NewKey, Refusal, Reply};

impl Engine {
    /// Of a multi-Region key only, and only the region changes: the blobs of one region open in the other because key id and
    /// material id stay.
    pub(super) fn rebind(&mut self, key: &Key<'_>, region: &Region) -> Result<Reply<'_>, Refusal> {
        let binding = &*key.binding;
        if !binding.key_id.is_multi_region() {
            return Err(Refusal::Unsupported);
        }
        let material = KeyMaterial::sealed(binding.spec, self.domain.open_key(key.token.0, binding)?);
        // The id is told by the caller and sealed with the token; that it is the material's own is checked before it is sealed again.
        if material.id(&binding.key_id)? != binding.material_id {
            return Err(Refusal::Failed);
        }
        self.seal_key(&elsewhere(binding, region), &material)
    }
}

fn elsewhere(binding: &Binding, region: &Region) -> NewKey {
    let Binding { account, key_id, spec, usage, origin, .. } = *binding;
    NewKey { account, region: *region, key_id, spec, usage, origin }
}
