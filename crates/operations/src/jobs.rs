//! What the service does by itself: deleting keys when their window ends, taking expired material away, giving keys new material,
//! ending what takes several steps, putting all that on record, connecting custom key stores, writing down when access keys and keys
//! were last used.
//!
//! What a key waits for is `keys::Key::due`'s to say. What is done to it and the line that says so are one commit: the line goes to
//! the journal afterwards, so that it may come twice, after a stop in between, but not never.

mod completion;
mod connections;
mod deletion;
mod expiry;
mod rotation;
mod uses;

pub use connections::{check_health, keep_connections};
pub use uses::{write_access_key_uses, write_key_uses};

use crate::Service;
use catalog::{Author, CatalogError, Changes, KeyAddress};
use keys::{Due, Moment};

/// Does everything that is due, puts it on record, and says when there is more to do. What fails for one key is no reason to
/// leave the others; it is told at the end.
pub async fn do_what_is_due(service: &Service) -> Result<Option<Moment>, JobError> {
    let mut in_vain = 0;
    while in_vain < MOST_PASSES_IN_VAIN {
        let pass = Pass::over(service).await?;
        record_announcements(service).await?;
        in_vain = if pass.done == 0 { in_vain.saturating_add(1) } else { 0 };
        match pass {
            Pass { done: 0, conflicts: 0, failure: Some(error), .. } => return Err(error),
            Pass { done: 0, conflicts: 0, next, .. } => {
                expiry::forget_import_tokens(service).await?;
                return Ok(next);
            }
            Pass { .. } => {}
        }
    }
    Err(CatalogError::Conflict.into())
}

/// What came of looking at everything that was due.
#[derive(Default)]
struct Pass {
    done: usize,
    conflicts: usize,
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
            Err(JobError::Catalog(CatalogError::Conflict)) => {
                self.conflicts = self.conflicts.saturating_add(1);
            }
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

/// So often may everything that is due conflict with what others do before the jobs pause.
const MOST_PASSES_IN_VAIN: u32 = 100;
/// So many due keys are looked at together.
const PAGE: usize = 100;
