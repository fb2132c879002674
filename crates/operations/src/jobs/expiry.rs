//! Taking imported material away when it has expired, and forgetting used import tokens that are out of date.

use super::{JobError, changes};
use crate::Service;
use crate::kms::multi_region::replace_without_material;
use crate::service_event::ServiceEvent;
use audit::json::object;
use catalog::Stored;
use keys::Key;
use std::sync::Arc;

/// Takes all material of the key away that has expired. Its owner can import it again, but for what waited for its rotation: that
/// the whole family forgets.
pub async fn expire(service: &Service, key: &Arc<Stored<Key>>) -> Result<(), JobError> {
    let (now, arn) = (service.clock.now(), service.settings.key_arn(key));
    let expired = key.all_materials().filter(|material| material.has_expired(now));
    let changes = expired.fold(changes(service, JOB), |changes, material| {
        let details = object(|details| {
            details.string("keyId", &arn.to_string());
            details.string("keyMaterialId", &material.id.to_string());
        });
        ServiceEvent::detailed("DeleteExpiredKeyMaterial", &arn, &details).announce(service, changes)
    });
    let without = key.without_expired_material(now);
    let changes = replace_without_material(service.catalog.reader(), changes, key, &without).await?;
    Ok(service.catalog.commit(changes).await?)
}

/// Forgets import tokens that were used and would be refused for their date now.
pub async fn forget_import_tokens(service: &Service) -> Result<(), JobError> {
    let now = service.clock.now();
    loop {
        let mut spent = service.catalog.reader().spent_import_tokens(AT_ONCE).await?;
        spent.retain(|token| token.valid_to <= now);
        if spent.is_empty() {
            return Ok(());
        }
        let changes =
            spent.iter().fold(changes(service, JOB), |changes, token| changes.forget_import_token(token));
        service.catalog.commit(changes).await?;
    }
}

const JOB: &str = "expiry job";
const AT_ONCE: usize = 100;
