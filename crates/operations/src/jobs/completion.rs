//! Ending what takes several steps: a replica gets its material, and a family that its primary has moved in comes to rest.

use super::{JobError, arn, changes, replace};
use crate::Service;
use crate::kms::multi_region::{Family, announce_synchronization, bound};
use catalog::{Changes, KeyAddress, Stored};
use keys::{Key, KeyOrigin, Transition};
use std::sync::Arc;
use wire::arn::KeyArn;

/// Ends what is under way with the key.
pub async fn complete(
    service: &Service,
    key: &Arc<Stored<Key>>,
    address: &KeyAddress,
) -> Result<(), JobError> {
    let none = changes(service, JOB);
    let (complete, changes) = match key.transition {
        Some(Transition::Creating) => with_material(service, key, address, none).await?,
        Some(Transition::Updating) | None => (Key::clone(key), none),
    };
    replace(service, changes, key, &complete.with_transition_ended()).await
}

/// The replica with the material of its primary, bound to its own region. What was imported is for its owner to import here too.
async fn with_material(
    service: &Service,
    replica: &Arc<Stored<Key>>,
    address: &KeyAddress,
    changes: Changes,
) -> Result<(Key, Changes), JobError> {
    let mut key = Key::clone(replica);
    let family = Family::of(service.catalog.reader(), replica).await?;
    let Some(primary) = family.primary() else { return Ok((key, changes)) };
    if key.origin != KeyOrigin::External {
        for material in key.all_materials_mut().filter(|material| material.token.is_empty()) {
            if let Some(source) = primary.material(&material.id) {
                *material = bound(&service.module, primary, source, replica.region).await?;
            }
        }
    }
    let arn = arn(service, address);
    let primary = KeyArn { region: primary.region, ..arn.clone() };
    let changes = announce_synchronization(service, changes, &arn, &primary);
    Ok((key, changes))
}

const JOB: &str = "completion job";
