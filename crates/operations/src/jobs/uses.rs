//! Writing down when access keys and keys were last used. Calls only note it in memory.

use super::{JobError, changes};
use crate::Service;
use crate::key_uses::{KeyUses, LastUse};
use catalog::{AccessKeyUse, CatalogError, KeyAddress};
use std::time::Duration;

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
            let none = changes(service, ACCESS_KEY_USE_JOB);
            let changes = news.iter().fold(none, |all, (id, last)| all.note_access_key_use(id, last));
            service.catalog.commit(changes).await?;
        }
        service.access_key_uses.written(some);
    }
    Ok(())
}

/// Writes down when keys were last used, and then how far the journal is accounted for: what comes later is read again from there if
/// the service stops before the next time. Does nothing this time if calls hang, or if others change the same keys all the while.
pub async fn write_key_uses(service: &Service) -> Result<(), JobError> {
    let uses = &service.key_uses;
    if !is_over(uses).await {
        return Ok(());
    }
    let durable = service.journal.newest();
    uses.begin_turn();
    if !is_over(uses).await {
        return Ok(());
    }
    let unwritten = uses.unwritten();
    for some in unwritten.chunks(USES_A_COMMIT) {
        match write_some_key_uses(service, some).await {
            Err(CatalogError::Conflict) => return Ok(()),
            written => written?,
        }
    }
    let behind = durable.saturating_sub(service.catalog.reader().key_uses_up_to().await?);
    if behind > FAR_BEHIND || (behind > 0 && !unwritten.is_empty()) {
        service.catalog.commit(changes(service, KEY_USE_JOB).note_key_uses_up_to(durable)).await?;
    }
    Ok(())
}

/// Waits until all calls of the turn before have noted their use.
async fn is_over(uses: &KeyUses) -> bool {
    for _ in 0..TURN_CHECKS {
        if uses.turn_is_over() {
            return true;
        }
        tokio::time::sleep(TURN_CHECK).await;
    }
    false
}

/// Those of keys that are not there any more are left out.
async fn write_some_key_uses(service: &Service, some: &[(KeyAddress, LastUse)]) -> Result<(), CatalogError> {
    let reader = service.catalog.reader();
    let mut changes = changes(service, KEY_USE_JOB);
    for (address, last) in some {
        if let Some(key) = reader.key(address).await? {
            changes = changes.note_key_use(&key, &last.record());
        }
    }
    service.catalog.commit(changes).await?;
    some.iter().for_each(|(address, last)| service.key_uses.written(address, *last));
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

const ACCESS_KEY_USE_JOB: &str = "access key use job";
const KEY_USE_JOB: &str = "key use job";
/// So often it is looked whether all calls that were under way have their record, for five seconds.
const TURN_CHECK: Duration = Duration::from_millis(5);
const TURN_CHECKS: u32 = 1000;
/// So many records of other calls are read at a start in a moment.
const FAR_BEHIND: u64 = 10_000;
/// So many uses are written down together.
const USES_A_COMMIT: usize = 100;
