//! Families of multi-Region keys: the one place that knows where their other keys are. It must never change what a key does not
//! share with its family: policy, aliases, tags, grants, description, whether it is on.
//!
//! All regions of an installation are in one store, so that all keys of a family are read here and changed in one commit, which
//! is why nothing else has to wait for another region or to make good what was done in one only. When regions are in other
//! installations, [`Family::of`] has to ask those for their keys, [`Family::replace`] has to send each its part with the revision that
//! was read, and what is shared becomes current only when all have answered.

use crate::kms::{Backing, new_key};
use catalog::{CatalogError, Changes, KeyAddress, Reader, Stored, World};
use keys::{Key, Material, Region, Rotation};
use module_client::{CallError, ModuleClient};
use std::sync::Arc;

/// A key and the others of its family, each as it was read. Of a key in one region only it is that key alone.
#[derive(Clone, Debug)]
pub struct Family {
    keys: Vec<Arc<Stored<Key>>>,
}

impl Family {
    /// The family of a key. That one of it has changed meanwhile is a conflict.
    pub async fn of(reader: &Reader, key: &Arc<Stored<Key>>) -> Result<Self, CatalogError> {
        let mut keys = vec![Arc::clone(key)];
        for region in key.siblings() {
            let address = KeyAddress { world: World { account: key.account, region }, id: key.id };
            keys.push(reader.key(&address).await?.ok_or(CatalogError::Conflict)?);
        }
        Ok(Self { keys })
    }

    /// The one in that region.
    pub fn key_in(&self, region: Region) -> Option<&Arc<Stored<Key>>> {
        self.keys.iter().find(|key| key.region == region)
    }

    /// The primary.
    pub fn primary(&self) -> Option<&Arc<Stored<Key>>> {
        self.keys.iter().find(|key| !key.is_replica())
    }

    /// Puts all its keys in place of what was read of them, each as `change` makes it.
    pub fn replace(&self, changes: Changes, change: impl Fn(&Key) -> Key) -> Changes {
        self.keys.iter().fold(changes, |changes, key| changes.replace_key(key, &change(key)))
    }

    /// The same of all but the one that it was asked by.
    pub fn replace_others(&self, changes: Changes, change: impl Fn(&Key) -> Key) -> Changes {
        self.keys.iter().skip(1).fold(changes, |changes, key| changes.replace_key(key, &change(key)))
    }

    /// Gives all its keys new current material, made for the first of them and bound to the region of each.
    pub async fn replace_with_new_material(
        &self,
        module: &ModuleClient,
        mut changes: Changes,
        rotation: Rotation,
        change: impl Fn(&Key) -> Key,
    ) -> Result<Changes, CallError> {
        let Some(first) = self.keys.first() else { return Ok(changes) };
        let made = module.generate_key(&new_key(first)).await?;
        let material =
            Material::generated(made.material_id, made.token.as_bytes(), made.public_key.as_deref());
        for key in &self.keys {
            let own = bound(module, first, &material, key.region).await?;
            changes = changes.replace_key(key, &change(&key.with_new_material(own, rotation)));
        }
        Ok(changes)
    }
}

/// The material of a key as it is for another key of its family, in that region.
pub async fn bound(
    module: &ModuleClient,
    key: &Key,
    material: &Material,
    region: Region,
) -> Result<Material, CallError> {
    if key.region == region {
        return Ok(material.clone());
    }
    let made = module.rebind(Backing::of(key, material).key(), region).await?;
    Ok(Material { token: made.token.as_bytes().into(), ..material.clone() })
}
