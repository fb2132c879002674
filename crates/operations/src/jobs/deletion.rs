//! Deleting keys when their window has ended: nothing that remains can open what they encrypted. What HSM clusters have of them is
//! destroyed first, so that the record of the deletion can tell what became of it.

use super::{JobError, changes};
use crate::Service;
use crate::kms::custom_key_stores::destroy;
use crate::kms::multi_region::Family;
use crate::service_event::ServiceEvent;
use audit::json::object;
use catalog::{CatalogError, GRANTS_A_COMMIT, KeyAddress, Stored};
use keys::{Due, Key};
use std::sync::Arc;

/// Deletes a key with its grants and aliases. The rest of its family learns of it in the same commit.
pub async fn delete(service: &Service, key: &Arc<Stored<Key>>, address: &KeyAddress) -> Result<(), JobError> {
    delete_grants(service, address).await?;
    delete_aliases(service, address).await?;
    let reader = service.catalog.reader();
    let aliases = reader.aliases_of_key(address, None, ALL_ALIASES).await?;
    let arn = service.settings.key_arn(key);
    let elements = object(|elements| elements.string("keyId", &arn.to_string()));
    let elements = Some(&elements);
    let additional = destroy(service, key).await?;
    let additional = additional.as_ref();
    let event =
        ServiceEvent { name: "DeleteKey", key: &arn, alias: None, elements, details: None, additional };
    let family = Family::of(reader, key).await?;
    let left = |sibling: &Key| sibling.without_replica(key.region, service.clock.now());
    let changes = family.replace_others(changes(service, JOB), left).delete_key(key, &aliases.entries);
    Ok(service.catalog.commit(event.announce(service, changes)).await?)
}

/// Deletes the grants on a key that is due, so many at a time as a commit takes. It stops if the key changes meanwhile.
async fn delete_grants(service: &Service, address: &KeyAddress) -> Result<(), CatalogError> {
    let reader = service.catalog.reader();
    while let Some(key) = reader.key(address).await? {
        check_due(service, &key)?;
        let page = reader.grants(address, None, GRANTS_A_COMMIT).await?;
        if page.entries.is_empty() {
            break;
        }
        let changes = changes(service, JOB).touch_key(&key).delete_grants(address, &page.entries);
        service.catalog.commit(changes).await?;
    }
    Ok(())
}

/// Deletes the aliases of a key that is due, but for so few that the commit takes them that deletes it and tells its family.
async fn delete_aliases(service: &Service, address: &KeyAddress) -> Result<(), CatalogError> {
    let reader = service.catalog.reader();
    while let Some(key) = reader.key(address).await? {
        check_due(service, &key)?;
        let page = reader.aliases_of_key(address, None, ALIASES_A_COMMIT).await?;
        if page.entries.len() < ALIASES_A_COMMIT {
            break;
        }
        let touched = changes(service, JOB).touch_key(&key);
        let changes = page.entries.iter().fold(touched, |all, alias| all.delete_alias(&address.world, alias));
        service.catalog.commit(changes).await?;
    }
    Ok(())
}

fn check_due(service: &Service, key: &Key) -> Result<(), CatalogError> {
    let is_due = key.due(service.clock.now()) == Some(Due::Deletion);
    if is_due { Ok(()) } else { Err(CatalogError::Conflict) }
}

const JOB: &str = "deletion job";
const ALIASES_A_COMMIT: usize = 20;
/// More than a key can have.
const ALL_ALIASES: usize = 1000;
