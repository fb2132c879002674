//! What the service does by itself: deleting keys when their window ends, giving keys new material, writing down when access
//! keys were last used.

mod rotation;

pub use rotation::rotate_due_keys;
pub(crate) use rotation::{DUE_AT_ONCE, settle};

use crate::Service;
use crate::service_event::ServiceEvent;
use audit::json::object;
use catalog::{AccessKeyUse, Author, CatalogError, Changes, GRANTS_A_COMMIT, KeyAddress, World};
use keys::Moment;
use std::sync::Arc;
use wire::arn::KeyArn;

/// Deletes every key whose window has ended, and says when the next one ends.
///
/// A deletion that was not put on record, because the service stopped in between, is put on record by the next call.
pub async fn delete_due_keys(service: &Service) -> Result<Option<Moment>, JobError> {
    record_deletions(service).await?;
    while let Some((due, address)) = service.catalog.reader().next_deletion().await? {
        if due > service.clock.now() {
            return Ok(Some(due));
        }
        match delete(service, &address).await {
            // Its owner changed it in this moment, and may have called the deletion off.
            Err(CatalogError::Conflict) => {}
            done => done?,
        }
        record_deletions(service).await?;
    }
    Ok(None)
}

/// Writes down when access keys were last used, unless another node knows of a later use.
pub async fn write_access_key_uses(service: &Service) -> Result<(), JobError> {
    for some in service.access_key_uses.unwritten().chunks(USES_A_COMMIT) {
        let mut news = Vec::new();
        for (id, last) in some {
            if is_news(service, id, last).await? {
                news.push((id, last));
            }
        }
        if !news.is_empty() {
            let none = changes(service, "access key use job");
            let changes = news.iter().fold(none, |all, (id, last)| all.note_access_key_use(id, last));
            service.catalog.commit(changes).await?;
        }
        service.access_key_uses.written(some);
    }
    Ok(())
}

/// Whether the access key is still there and nothing later is known of it.
async fn is_news(service: &Service, id: &str, last: &AccessKeyUse) -> Result<bool, CatalogError> {
    let reader = service.catalog.reader();
    if reader.access_key(id).await?.is_none() {
        return Ok(false);
    }
    Ok(reader.access_key_use(id).await?.is_none_or(|known| known.at < last.at))
}

/// Why a job did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The records could not be read or changed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The journal could not be written.
    #[error(transparent)]
    Journal(#[from] audit::JournalError),
    /// New material could not be made.
    #[error(transparent)]
    Module(#[from] module_client::CallError),
}

/// Deletes a key with its grants and aliases: nothing that remains can open what it encrypted.
async fn delete(service: &Service, address: &KeyAddress) -> Result<(), CatalogError> {
    delete_grants(service, address).await?;
    let reader = service.catalog.reader();
    let Some(key) = reader.key(address).await? else { return Ok(()) };
    let aliases = reader.aliases_of_key(address, None, ALL_ALIASES).await?;
    service.catalog.commit(changes(service, DELETION).delete_key(&key, &aliases.entries)).await
}

/// Deletes the grants on a key that is due, so many at a time as a commit takes. It stops if the key changes meanwhile.
async fn delete_grants(service: &Service, address: &KeyAddress) -> Result<(), CatalogError> {
    let reader = service.catalog.reader();
    while let Some(key) = reader.key(address).await? {
        if key.deletion.is_none_or(|deletion| deletion.date > service.clock.now()) {
            return Err(CatalogError::Conflict);
        }
        let page = reader.grants(address, None, GRANTS_A_COMMIT).await?;
        if page.entries.is_empty() {
            break;
        }
        let changes = changes(service, DELETION).touch_key(&key).delete_grants(address, &page.entries);
        service.catalog.commit(changes).await?;
    }
    Ok(())
}

async fn record_deletions(service: &Service) -> Result<(), JobError> {
    for address in service.catalog.reader().unrecorded_deletions().await? {
        record_deletion(service, &address).await?;
        service.catalog.commit(changes(service, DELETION).deletion_is_recorded(&address)).await?;
    }
    Ok(())
}

/// The service event `DeleteKey`.
async fn record_deletion(service: &Service, address: &KeyAddress) -> Result<(), JobError> {
    let arn = arn(service, address);
    let elements = object(|elements| elements.string("keyId", &arn.to_string()));
    let elements = Some(&elements);
    let event = ServiceEvent { name: "DeleteKey", key: &arn, alias: None, elements, details: None };
    Ok(event.record(service).await?)
}

fn arn(service: &Service, address: &KeyAddress) -> KeyArn {
    let partition = Arc::clone(&service.settings.partition);
    let KeyAddress { world: World { account, region }, id: key_id } = address.clone();
    KeyArn { partition, region, account, key_id }
}

fn changes(service: &Service, job: &str) -> Changes {
    Changes::by(Author { principal: job.to_owned(), request_id: String::new(), at: service.clock.now() })
}

const DELETION: &str = "deletion job";
/// So many uses are written down together.
const USES_A_COMMIT: usize = 100;
/// More than a key can have.
const ALL_ALIASES: usize = 1000;
