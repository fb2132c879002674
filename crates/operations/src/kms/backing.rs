//! A backing key as the security module wants it: its token and what that is bound to.

use crate::operation::{Failure, internal};
use audit::json::{Json, object};
use keys::{Key, KeyMaterialId, Material};
use module_api::{Binding, KeyToken, NewKey};

/// A backing key of a key.
#[derive(Debug)]
pub struct Backing {
    token: KeyToken,
    binding: Binding,
}

impl Backing {
    /// That one.
    pub fn of(key: &Key, material: &Material) -> Self {
        let binding = new_key(key).with_material(material.id);
        Self { token: KeyToken::from_bytes(&*material.token), binding }
    }

    /// The one that new ciphertexts, signatures and MACs are made with. The key's state has vouched that there is one.
    pub fn current(key: &Key) -> Result<Self, Failure> {
        let material = key.current_material.as_ref().ok_or_else(internal)?;
        Ok(Self::of(key, material))
    }

    /// The same as the module's commands take it.
    pub fn key(&self) -> module_api::Key<'_> {
        module_api::Key::new(&self.token, &self.binding)
    }

    /// Its id.
    pub const fn material_id(&self) -> KeyMaterialId {
        self.binding.material_id
    }

    /// `additionalEventData`.
    pub fn event_data(&self) -> Json {
        object(|data| data.string("keyMaterialId", &self.material_id().to_string()))
    }
}

/// What every backing key of the key is bound to.
pub const fn new_key(key: &Key) -> NewKey {
    let Key { account, region, id: key_id, spec, usage, origin, .. } = *key;
    NewKey { account, region, key_id, spec, usage, origin }
}
