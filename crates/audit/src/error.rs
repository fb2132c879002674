//! What can go wrong with a journal. Never carries a record's content.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::journal::Flaw;

/// Why a journal could not be opened, appended to or read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// The journal was closed before the record was handed over.
    #[error("the journal is closed")]
    Closed,

    /// A file is not what the journal wrote.
    #[error("journal file `{}` is damaged at byte {}, line {}: {flaw}", file.display(), flaw.offset, flaw.line)]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where in the file, and what.
        flaw: Flaw,
    },

    /// The operating system refused.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: Arc<io::Error>,
    },

    /// The directory holds no journal.
    #[error("`{}` holds no journal", directory.display())]
    NoJournal {
        /// The directory.
        directory: PathBuf,
    },

    /// A record is empty, holds a line feed, or begins like one of the journal's own lines.
    #[error("a record must be one line of JSON and none of the journal's own")]
    RecordNotOneLine,

    /// A record is longer than the journal takes.
    #[error("a record of {length} bytes is longer than {limit}")]
    RecordTooLong {
        /// The record's length.
        length: usize,
        /// The longest that is taken.
        limit: usize,
    },
}

impl JournalError {
    /// An error of the operating system, for `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source: Arc::new(source) }
    }
}
