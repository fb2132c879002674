//! Taking imported material away when it has expired. Its owner can import it again.

use super::{JobError, arn, changes, replace};
use crate::Service;
use crate::service_event::ServiceEvent;
use audit::json::object;
use catalog::{KeyAddress, Stored};
use keys::Key;

/// Takes all material of the key away that has expired.
pub async fn expire(service: &Service, key: &Stored<Key>, address: &KeyAddress) -> Result<(), JobError> {
    let (now, arn) = (service.clock.now(), arn(service, address));
    let expired = key.all_materials().filter(|material| material.has_expired(now));
    let changes = expired.fold(changes(service, JOB), |changes, material| {
        let details = object(|details| {
            details.string("keyId", &arn.to_string());
            details.string("keyMaterialId", &material.id.to_string());
        });
        let (name, details) = ("DeleteExpiredKeyMaterial", Some(&details));
        ServiceEvent { name, key: &arn, alias: None, elements: None, details }.announce(service, changes)
    });
    replace(service, changes, key, &key.without_expired_material(now)).await
}

const JOB: &str = "expiry job";
