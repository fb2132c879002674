//! Finding the end of a journal that may have been left in the middle of a write.
//!
//! Only the newest segment is read: every one before it was complete when the next was put in place. What is dropped is a batch that
//! a crash tore and that was therefore never acknowledged; anything else that is wrong refuses the journal.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::format::Head;
use super::walk::{Flaw, FlawKind, Torn, walk};
use crate::JournalError;

/// Where a journal goes on.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) path: PathBuf,
    pub(super) head: Head,
    pub(super) length: u64,
    /// Where the next batch begins.
    pub(super) end: u64,
    /// The alignment of this segment.
    pub(super) block: usize,
}

/// Reads the segment whose first record has the number `first`, and blanks a torn batch at its end.
pub(super) fn recover(path: PathBuf, first: u64) -> Result<Recovered, JournalError> {
    let Written { bytes, length } = written(&path).map_err(JournalError::io("read", &path))?;
    let walked = walk(&bytes).map_err(|flaw| JournalError::Damaged { file: path.clone(), flaw })?;
    let sequence = walked.header.before.sequence.saturating_add(1);
    if sequence != first {
        let flaw = Flaw { offset: 0, line: 1, sequence, kind: FlawKind::SegmentMisnamed };
        return Err(JournalError::Damaged { file: path, flaw });
    }
    if let Some(torn) = walked.torn {
        blank(&path, &torn)?;
    }
    let block = walked.header.block;
    let end = walked.end.next_multiple_of(block) as u64;
    Ok(Recovered { path, head: walked.head, length, end, block })
}

/// What was written to a segment, without the line feeds that wait behind it to be written over, and its whole length.
struct Written {
    bytes: Vec<u8>,
    length: u64,
}

/// Reads no more than was written: a segment that has just been begun is mostly room.
fn written(path: &Path) -> io::Result<Written> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut end = length;
    let mut piece = vec![0; PIECE];
    while end > 0 {
        let start = end.saturating_sub(PIECE as u64);
        let part = piece.get_mut(..usize::try_from(end - start).unwrap_or(PIECE)).unwrap_or_default();
        file.read_exact_at(part, start)?;
        if part.iter().any(|byte| *byte != b'\n') {
            break;
        }
        end = start;
    }
    let mut bytes = vec![0; usize::try_from(end).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(Written { bytes, length })
}

fn blank(path: &Path, torn: &Torn) -> Result<(), JournalError> {
    let file = OpenOptions::new().write(true).open(path).map_err(JournalError::io("open", path))?;
    let feeds = vec![b'\n'; torn.range.len()];
    let blanked = file.write_all_at(&feeds, torn.range.start as u64).and_then(|()| file.sync_all());
    blanked.map_err(JournalError::io("write", path))
}

/// Is read at once; a whole number of sectors, so that what is left out ends where a sector ends.
const PIECE: usize = 256 * 1024;
