//! A backing key as the security module wants it: its token and what that is bound to.

use crate::operation::{Failure, internal};
use audit::json::{Json, Object, object};
use keys::{Key, KeyMaterialId, KeyPlace, Material, OuterKey};
use module_api::{Binding, KeyToken, NewKey};

/// A backing key of a key.
#[derive(Debug)]
pub struct Backing<'k> {
    token: KeyToken,
    binding: Binding,
    place: Option<&'k KeyPlace>,
}

impl<'k> Backing<'k> {
    /// That one.
    pub fn of(key: &'k Key, material: &Material) -> Self {
        let binding = new_key(key).with_material(material.id);
        Self { token: KeyToken::from_bytes(&*material.token), binding, place: key.place.as_ref() }
    }

    /// The one that new ciphertexts, signatures and MACs are made with. The key's state has vouched that there is one.
    pub fn current(key: &'k Key) -> Result<Self, Failure> {
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

    /// Its id as callers are told it. Of a key in a custom key store nobody is told, for it has another one there.
    pub fn told(&self) -> Option<KeyMaterialId> {
        self.place.is_none().then(|| self.material_id())
    }

    /// `additionalEventData`.
    pub fn event_data(&self) -> Json {
        object(|data| self.record(&THE_ONE, data))
    }

    /// The same under those names.
    pub fn record(&self, names: &EventNames, data: &mut Object<'_>) {
        match self.place {
            None => data.string(names.material, &self.material_id().to_string()),
            Some(place) => names.record_place(place, data),
        }
    }
}

/// `additionalEventData` of a key in a custom key store.
pub fn event_data_of_place(place: &KeyPlace) -> Json {
    object(|data| THE_ONE.record_place(place, data))
}

/// What `additionalEventData` calls a backing key: its id or, of a key in a custom key store, the store and the key there.
#[derive(Debug)]
pub struct EventNames {
    /// The id.
    pub material: &'static str,
    /// The store.
    pub store: &'static str,
    /// The key of an external key manager.
    pub external_key: &'static str,
    /// The key in an HSM cluster.
    pub hsm_key: &'static str,
}

impl EventNames {
    fn record_place(&self, place: &KeyPlace, data: &mut Object<'_>) {
        data.string(self.store, &place.store.to_string());
        match &place.key {
            OuterKey::External { id } => data.string(self.external_key, id),
            OuterKey::Hsm(key) => data.string(self.hsm_key, &key.id),
        }
    }
}

/// What every backing key of the key is bound to.
pub const fn new_key(key: &Key) -> NewKey {
    let Key { account, region, id: key_id, spec, usage, origin, .. } = *key;
    NewKey { account, region, key_id, spec, usage, origin }
}

const THE_ONE: EventNames = EventNames {
    material: "keyMaterialId",
    store: "customKeyStoreId",
    external_key: "xksKeyId",
    hsm_key: "backingKeyId",
};
