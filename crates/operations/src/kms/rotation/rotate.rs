//! The rotation itself: done by an owner's call or by the job, at once for the whole family of a multi-Region key, in one commit.

use crate::Service;
use crate::kms::multi_region::{Family, announce_synchronization, bound};
use crate::kms::new_key;
use crate::service_event::ServiceEvent;
use audit::json::object;
use catalog::{CatalogError, Changes, Stored};
use keys::{Key, KeyMaterialId, KeyOrigin, Material, Rotation, RotationType};
use module_client::CallError;
use std::sync::Arc;

/// Adds to the changes what gives a key and its family new current material: made for it, or of an imported key what waits for that.
/// Whether it may be rotated is settled before.
pub async fn rotate<E: From<CatalogError> + From<CallError>>(
    service: &Service,
    changes: Changes,
    key: &Arc<Stored<Key>>,
    rotation: Rotation,
) -> Result<Changes, E> {
    let family = Family::of(service.catalog.reader(), key).await?;
    let (changes, current) = match key.origin {
        KeyOrigin::External => with_pending(changes, &family, key, rotation),
        _ => with_made(service, changes, &family, key, rotation).await?,
    };
    let changes = announce_rotation(service, changes, key, current, rotation);
    Ok(announce_synchronization(service, changes, &family))
}

/// Makes what waited for it current.
fn with_pending(
    changes: Changes,
    family: &Family,
    key: &Key,
    rotation: Rotation,
) -> (Changes, Option<KeyMaterialId>) {
    let rotated = key.with_pending_rotated(rotation);
    let changes = family.replace_primary(changes, &rotated);
    (changes, rotated.current_material.map(|material| material.id))
}

/// Makes material current that is made for it, and bound to each region of the family.
async fn with_made(
    service: &Service,
    mut changes: Changes,
    family: &Family,
    key: &Key,
    rotation: Rotation,
) -> Result<(Changes, Option<KeyMaterialId>), CallError> {
    let made = service.module.generate_key(&new_key(key)).await?;
    let material = Material::generated(made.material_id, made.token.as_bytes(), None);
    for member in family.keys() {
        let own = bound(&service.module, key, &material, member.region).await?;
        let rotated = rescheduled(&member.with_new_material(own, rotation), rotation);
        changes = changes.replace_key(member, &rotated);
    }
    Ok((changes, Some(made.material_id)))
}

/// A rotation on demand leaves the schedule as it is.
fn rescheduled(key: &Key, rotation: Rotation) -> Key {
    let is_automatic = rotation.rotation_type == RotationType::Automatic;
    let next = |schedule: keys::RotationSchedule| match is_automatic {
        true => schedule.after_rotation(rotation.date),
        false => schedule,
    };
    Key { rotation: key.rotation.map(next), ..key.clone() }
}

/// The service event `RotateKey`.
fn announce_rotation(
    service: &Service,
    changes: Changes,
    old: &Key,
    current: Option<KeyMaterialId>,
    rotation: Rotation,
) -> Changes {
    let arn = service.settings.key_arn(old);
    let previous = old.current_material.as_ref().map(|material| material.id);
    let id = |id: Option<KeyMaterialId>| id.map(|id| id.to_string()).unwrap_or_default();
    let details = object(|details| {
        details.string("keyId", &arn.to_string());
        details.string("keyOrigin", old.origin.name());
        details.string("rotationType", rotation.rotation_type.name());
        details.string("previousKeyMaterialId", &id(previous));
        details.string("currentKeyMaterialId", &id(current));
    });
    ServiceEvent::detailed("RotateKey", &arn, &details).announce(service, changes)
}
