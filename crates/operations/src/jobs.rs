//! What the service does by itself: deleting keys when their window ends, taking expired material away, giving keys new material,
//! ending what takes several steps, putting all that on record, writing down when access keys and keys were last used.
//!
//! What a key waits for is `keys::Key::due`'s to say. What is done to it and the line that says so are one commit: the line goes to
//! the journal afterwards, so that it may come twice, after a stop in between, but not never.

mod completion;
mod deletion;
mod expiry;
mod rotation;

use crate::Service;
use crate::key_uses::{KeyUses, LastUse};
use catalog::{AccessKeyUse, Author, CatalogError, Changes, KeyAddress};
use keys::{Due, Moment};
use std::time::Duration;

/// Does everything that is due, puts it on record, and says when there is more to do. What fails for one key is no reason to
/// leave the others; it is told at the end.
pub async fn do_what_is_due(service: &Service) -> Result<Option<Moment>, JobError> {
    loop {
        let pass = Pass::over(service).await?;
        record_announcements(service).await?;
        match pass {
            Pass { done: 0, failure: Some(error), .. } => return Err(error),
            Pass { done: 0, next, .. } => {
                expiry::forget_import_tokens(service).await?;
                return Ok(next);
            }
            Pass { .. } => {}
        }
    }
}

/// What came of looking at everything that was due.
#[derive(Default)]
struct Pass {
    done: usize,
    next: Option<Moment>,
    failure: Option<JobError>,
}

impl Pass {
    async fn over(service: &Service) -> Result<Self, JobError> {
        let (mut pass, mut last) = (Self::default(), None);
        loop {
            let page = service.catalog.reader().due(last.as_ref(), PAGE).await?;
            if page.is_empty() {
                return Ok(pass);
            }
            for (date, address) in page {
                if date > service.clock.now() {
                    return Ok(Self { next: Some(date), ..pass });
                }
                pass.note(do_what_is_due_to(service, &address).await);
                last = Some((date, address));
            }
        }
    }

    fn note(&mut self, done: Result<bool, JobError>) {
        match done {
            Ok(done) => self.done = self.done.saturating_add(usize::from(done)),
            // Its owner changed it in this moment, and it may be due no more.
            Err(JobError::Catalog(CatalogError::Conflict)) => self.done = self.done.saturating_add(1),
            Err(error) => self.failure = Some(error),
        }
    }
}

/// Says whether there was something to do.
async fn do_what_is_due_to(service: &Service, address: &KeyAddress) -> Result<bool, JobError> {
    let Some(key) = service.catalog.reader().key(address).await? else { return Ok(false) };
    let Some(due) = key.due(service.clock.now()) else { return Ok(false) };
    match due {
        Due::Completion => completion::complete(service, &key).await?,
        Due::Deletion => deletion::delete(service, &key, address).await?,
        Due::Expiry => expiry::expire(service, &key).await?,
        Due::Rotation => rotation::rotate_key(service, &key).await?,
    }
    Ok(true)
}

/// Puts on record what is announced. Before that, what was deleted is gone from the disk: whoever reads of a deletion may rely on it.
async fn record_announcements(service: &Service) -> Result<(), JobError> {
    loop {
        let announced = service.catalog.reader().announcements().await?;
        if announced.is_empty() {
            return Ok(());
        }
        service.catalog.shred().await?;
        for one in &announced {
            service.journal.append(one.line.to_vec()).await?;
        }
        let none = changes(service, "journal");
        let changes = announced.iter().fold(none, |changes, one| changes.announced(one));
        service.catalog.commit(changes).await?;
    }
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

/// Removes from the disk what is left of deleted records and of former versions.
pub async fn shred(service: &Service) -> Result<(), JobError> {
    Ok(service.catalog.shred().await?)
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
    /// The security module did not do its part.
    #[error(transparent)]
    Module(#[from] module_client::CallError),
}

fn changes(service: &Service, job: &str) -> Changes {
    Changes::by(Author { principal: job.to_owned(), request_id: String::new(), at: service.clock.now() })
}

const KEY_USE_JOB: &str = "key use job";
/// So often it is looked whether all calls that were under way have their record, for five seconds.
const TURN_CHECK: Duration = Duration::from_millis(5);
const TURN_CHECKS: u32 = 1000;
/// So many records of other calls are read at a start in a moment.
const FAR_BEHIND: u64 = 10_000;
/// So many uses are written down together.
const USES_A_COMMIT: usize = 100;
/// So many due keys are looked at together.
const PAGE: usize = 100;
