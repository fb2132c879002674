//! What the service does by itself: deleting keys when their window ends.

use crate::Service;
use audit::json::object;
use audit::{EventType, Record, Resource, ResourceType, UserIdentity};
use catalog::{Author, CatalogError, Changes, KeyAddress};
use keys::Moment;
use std::sync::Arc;
use uuid::Uuid;
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

/// Why a job did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The records could not be read or changed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The journal could not be written.
    #[error(transparent)]
    Journal(#[from] audit::JournalError),
}

/// Deletes a key with its aliases: nothing that remains can open what it encrypted.
async fn delete(service: &Service, address: &KeyAddress) -> Result<(), CatalogError> {
    let reader = service.catalog.reader();
    let Some(key) = reader.key(address).await? else { return Ok(()) };
    let aliases = reader.aliases_of_key(address, None, ALL_ALIASES).await?;
    service.catalog.commit(changes(service).delete_key(&key, &aliases.entries)).await
}

async fn record_deletions(service: &Service) -> Result<(), JobError> {
    for address in service.catalog.reader().unrecorded_deletions().await? {
        service.journal.append(deletion_record(service, &address)).await?;
        service.catalog.commit(changes(service).deletion_is_recorded(&address)).await?;
    }
    Ok(())
}

/// The service event `DeleteKey`.
fn deletion_record(service: &Service, address: &KeyAddress) -> Vec<u8> {
    let (account, region) = (address.world.account, address.world.region);
    let partition = Arc::clone(&service.settings.partition);
    let arn = KeyArn { partition, region, account, key_id: address.id }.to_string();
    let mut line = Vec::new();
    Record {
        user_identity: UserIdentity::Service { account_id: account },
        invoked_by: None,
        event_time: service.clock.now(),
        event_source: "kms.amazonaws.com",
        event_name: "DeleteKey",
        aws_region: address.world.region.as_str(),
        source_ip_address: INTERNAL,
        user_agent: INTERNAL,
        failure: None,
        request_parameters: None,
        response_elements: Some(&object(|elements| elements.string("keyId", &arn))),
        additional_event_data: None,
        request_id: None,
        event_id: &Uuid::new_v4().to_string(),
        read_only: false,
        resources: &[Resource { account_id: account, resource_type: ResourceType::Key, arn: &arn }],
        event_type: EventType::AwsServiceEvent,
        recipient_account_id: Some(account),
        shared_event_id: None,
        service_event_details: None,
        tls_details: None,
    }
    .render(&mut line);
    line
}

fn changes(service: &Service) -> Changes {
    Changes::by(Author {
        principal: "deletion job".into(),
        request_id: String::new(),
        at: service.clock.now(),
    })
}

const INTERNAL: &str = "AWS Internal";
/// More than a key can have.
const ALL_ALIASES: usize = 1000;
