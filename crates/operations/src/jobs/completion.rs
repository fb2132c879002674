//! Ending what takes several steps: a replica gets its material, and a family that its primary has moved in comes to rest.

use super::{JobError, changes};
use crate::Service;
use crate::kms::multi_region::{Family, announce_synchronization_of, bound};
use catalog::{CatalogError, Changes, Stored};
use keys::{Key, KeyOrigin, Transition};
use std::sync::Arc;

/// Ends what is under way with the key.
pub async fn complete(service: &Service, key: &Arc<Stored<Key>>) -> Result<(), JobError> {
    let none = changes(service, JOB);
    let (complete, changes) = match key.transition {
        Some(Transition::Creating) => with_material(service, key, none).await?,
        Some(Transition::Updating) | None => (Key::clone(key), none),
    };
    let changes = changes.replace_key(key, &complete.with_transition_ended());
    Ok(service.catalog.commit(changes).await?)
}

/// The replica with the material of its primary, bound to its own region. What was imported is for its owner to import here too.
/// A primary that has not got what the replica knows of is one that has changed meanwhile.
async fn with_material(
    service: &Service,
    replica: &Arc<Stored<Key>>,
    changes: Changes,
) -> Result<(Key, Changes), JobError> {
    let mut key = Key::clone(replica);
    if key.origin != KeyOrigin::External {
        let family = Family::of(service.catalog.reader(), replica).await?;
        let primary = family.primary().ok_or(CatalogError::Conflict)?;
        for material in key.all_materials_mut().filter(|material| material.token.is_empty()) {
            let source = primary.material(&material.id).ok_or(CatalogError::Conflict)?;
            *material = bound(&service.module, primary, source, replica.region).await?;
        }
    }
    Ok((key, announce_synchronization_of(service, changes, replica)))
}

const JOB: &str = "completion job";
