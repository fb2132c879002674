//! Joins the audit log of a KMS with the proxy's journal, call by call, by the id that both know of a request; what only one of them has, or
//! each tells otherwise, is a difference. A use of the proxy that no KMS knows of is the mark of a stolen credential.
//!
//! It writes nothing and asks nobody. Calls of the proxy are held in memory, 64 bytes each and every name once; what the KMS logged goes
//! by and is not kept unless it is told of.

mod calls;
mod differences;
mod event;
mod explained;
mod join;
mod kms_log;
mod names;
mod report;
mod span;

pub use report::{Counts, Difference, Report, Side};

use audit::JournalError;
use calls::Calls;
use explained::Explained;
use jiff::Timestamp;
use join::Join;
use names::Names;
use std::io;
use std::path::PathBuf;

/// What is to be joined.
#[derive(Debug)]
pub struct Sources {
    /// Files of CloudTrail, folders of them, and journals of Cardea.
    pub kms: Vec<PathBuf>,
    /// The proxy's journal.
    pub proxy: PathBuf,
    /// From when on; from the later of the beginnings of both logs if absent. Whoever says it vouches that both are whole from there on.
    pub from: Option<Timestamp>,
    /// Until when; to the end of both logs if absent. Whoever says it vouches that both are whole until then.
    pub to: Option<Timestamp>,
    /// The path prefixes of the stores whose calls are looked at; of all if empty.
    pub stores: Vec<String>,
    /// The ARNs of the KMS keys whose events are looked for at the proxy; those that the proxy's records name if empty.
    pub kms_keys: Vec<String>,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// A file or folder cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A journal cannot be read, or is damaged.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file is no log.
    #[error("`{}` is no log of a KMS: {reason}", path.display())]
    NoLog {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A record of the proxy's journal is none of a proxy.
    #[error("record {sequence} of `{}` is none of a proxy: {reason}", path.display())]
    NoRecord {
        /// The journal.
        path: PathBuf,
        /// The number of the record.
        sequence: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// There is nothing that the proxy's calls could be held against.
    #[error("there is no event in the log of the KMS")]
    Nothing,
    /// More of something than is ever kept.
    #[error("there are more names than can be kept: look at a shorter time")]
    TooMany,
}

/// Joins them.
///
/// # Errors
///
/// Something cannot be read, or is damaged, or is not what it is said to be.
pub fn reconcile(sources: &Sources) -> Result<Report, ReconcileError> {
    let mut names = Names::default();
    let calls = Calls::read(sources, &mut names)?;
    let mut join = Join::new(sources, calls, names)?;
    for path in &sources.kms {
        kms_log::walk(path, &mut |event| join.event(&event))?;
    }
    join.finish()
}
