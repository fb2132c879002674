//! New material for keys, when its time has come. What was encrypted before still opens.
//!
//! What is done to a key and what is said of it in the journal are two steps. Between them the key is due at once, so that
//! the job that finds it so, after a stop in between, takes the second step: a record may come twice, but not never.

use super::{JobError, arn, changes};
use crate::Service;
use crate::kms::record_creation;
use crate::service_event::ServiceEvent;
use audit::json::object;
use catalog::{CatalogError, KeyAddress, Stored};
use keys::{Key, Material, Moment};
use module_api::NewKey;
use wire::arn::KeyArn;

/// Gives every key new material whose time has come, and says when the next one's comes.
pub async fn rotate_due_keys(service: &Service) -> Result<Option<Moment>, JobError> {
    while let Some((due, address)) = service.catalog.reader().next_rotation().await? {
        if due > service.clock.now() {
            return Ok(Some(due));
        }
        let done = if due == DUE_AT_ONCE {
            settle(service, &address).await
        } else {
            rotate(service, &address).await
        };
        match done {
            // Someone else changed the key in this moment.
            Err(JobError::Catalog(CatalogError::Conflict)) => {}
            done => done?,
        }
    }
    Ok(None)
}

/// Puts on record that a key was made or got new material, whichever it was last, and sets the date of its next rotation.
pub async fn settle(service: &Service, address: &KeyAddress) -> Result<(), JobError> {
    let Some(key) = service.catalog.reader().key(address).await? else { return Ok(()) };
    let arn = arn(service, address);
    match key.former_materials.last() {
        Some(former) => record_rotation(service, &key, &arn, former).await?,
        None => record_creation(service, &key, &arn).await?,
    }
    let next_rotation = Some(service.clock.now().plus_days(PERIOD_IN_DAYS));
    replace(service, &key, &Key { next_rotation, ..Key::clone(&key) }).await
}

async fn rotate(service: &Service, address: &KeyAddress) -> Result<(), JobError> {
    let Some(key) = service.catalog.reader().key(address).await? else { return Ok(()) };
    let Key { account, region, id: key_id, spec, usage, origin, .. } = **key;
    let made = service.module.generate_key(&NewKey { account, region, key_id, spec, usage, origin }).await?;
    let material = Material { id: made.material_id, token: made.token.as_bytes().into() };
    let rotated = Key { next_rotation: Some(DUE_AT_ONCE), ..key.with_new_material(material) };
    replace(service, &key, &rotated).await
}

async fn replace(service: &Service, old: &Stored<Key>, new: &Key) -> Result<(), JobError> {
    Ok(service.catalog.commit(changes(service, JOB).replace_key(old, new)).await?)
}

/// The service event `RotateKey`.
async fn record_rotation(
    service: &Service,
    key: &Key,
    arn: &KeyArn,
    former: &Material,
) -> Result<(), JobError> {
    let details = object(|details| {
        details.string("keyId", &arn.to_string());
        details.string("keyOrigin", key.origin.name());
        details.string("rotationType", "AUTOMATIC");
        details.string("previousKeyMaterialId", &former.id.to_string());
        details.string("currentKeyMaterialId", &key.current_material.id.to_string());
    });
    let event =
        ServiceEvent { name: "RotateKey", key: arn, alias: None, elements: None, details: Some(&details) };
    Ok(event.record(service).await?)
}

/// The date of a key of which something is still to be put on record: before that of every rotation.
pub const DUE_AT_ONCE: Moment = Moment::from_millis(0);

const JOB: &str = "rotation job";
//= kms: AWS managed keys are rotated every year (approximately 365 days)
const PERIOD_IN_DAYS: u32 = 365;
