//! Families of multi-Region keys: the one place that knows where their other keys are. It must never change what a key does not
//! share with its family: policy, aliases, tags, grants, description, whether it is on.
//!
//! All regions of an installation are in one store, so that all keys of a family are read here and changed in one commit, which
//! is why nothing else has to wait for another region or to make good what was done in one only. When regions are in other
//! installations, [`Family::of`] has to ask those for their keys, [`Family::replace`] has to send each its part with the revision that
//! was read, and what is shared becomes current only when all have answered.

use crate::kms::Backing;
use catalog::{CatalogError, Changes, KeyAddress, Reader, Stored, World};
use keys::{Key, Material, Region};
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

    /// Its keys, first the one that it was asked by.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<Stored<Key>>> {
        self.keys.iter()
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

    /// Puts the primary in place of what was read of it, and every replica as it then follows.
    pub fn replace_primary(&self, changes: Changes, primary: &Key) -> Changes {
        self.replace(changes, |key| match key.region == primary.region {
            true => primary.clone(),
            false => key.following(primary),
        })
    }
}

/// Puts a key that has lost material in place of what was read of it. What waited for its rotation is lost to its whole family;
/// everything else is this key's own business.
pub async fn replace_without_material(
    reader: &Reader,
    changes: Changes,
    key: &Arc<Stored<Key>>,
    without: &Key,
) -> Result<Changes, CatalogError> {
    let is_pending_lost = key.pending_material.is_some() && without.pending_material.is_none();
    Ok(match is_pending_lost {
        true => Family::of(reader, key).await?.replace_primary(changes, without),
        false => changes.replace_key(key, without),
    })
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
