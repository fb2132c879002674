//! New material for keys, when its time has come. What was encrypted before still opens.

use super::{JobError, arn, changes, replace};
use crate::Service;
use crate::kms::new_key;
use crate::service_event::ServiceEvent;
use audit::json::object;
use catalog::{Changes, KeyAddress, Stored};
use keys::{Key, Material, Rotation, RotationType};
use wire::arn::KeyArn;

/// Gives the key new material, and sets the date of its next rotation.
pub async fn rotate(service: &Service, key: &Stored<Key>, address: &KeyAddress) -> Result<(), JobError> {
    let made = service.module.generate_key(&new_key(key)).await?;
    let (now, rotation_type) = (service.clock.now(), RotationType::Automatic);
    let material = Material::generated(made.material_id, made.token.as_bytes(), made.public_key.as_deref());
    let rotated = Key {
        rotation: key.rotation.map(|schedule| schedule.after_rotation(now)),
        ..key.with_new_material(material, Rotation { date: now, rotation_type })
    };
    let arn = arn(service, address);
    replace(service, announce_rotation(service, changes(service, JOB), key, &rotated, &arn), key, &rotated)
        .await
}

/// The service event `RotateKey`.
pub fn announce_rotation(service: &Service, changes: Changes, old: &Key, new: &Key, arn: &KeyArn) -> Changes {
    let id =
        |key: &Key| key.current_material.as_ref().map(|material| material.id.to_string()).unwrap_or_default();
    let rotation = new.current_material.as_ref().and_then(|material| material.rotation);
    let details = object(|details| {
        details.string("keyId", &arn.to_string());
        details.string("keyOrigin", new.origin.name());
        details.string("rotationType", rotation.map_or("", |rotation| rotation.rotation_type.name()));
        details.string("previousKeyMaterialId", &id(old));
        details.string("currentKeyMaterialId", &id(new));
    });
    let details = Some(&details);
    ServiceEvent { name: "RotateKey", key: arn, alias: None, elements: None, details }
        .announce(service, changes)
}

const JOB: &str = "rotation job";
