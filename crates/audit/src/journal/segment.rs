//! Segment files: made to their full length beforehand, put in place by renaming, written in whole blocks.
//!
//! An append never makes a file longer and never moves its end, so that it costs the disk one write and no change of the file
//! system's own records. Nothing here knows what a batch is.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FallocateFlags, OFlags, fallocate};

use super::block::AlignedBuffer;
use super::format::{Head, Header};
use crate::JournalError;

/// The directory of a journal, and how its file system wants to be written to.
#[derive(Debug)]
pub(super) struct Medium {
    directory: PathBuf,
    handle: File,
    access: Access,
}

/// How a file is written durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Past the page cache, in multiples of this many bytes; a write is durable when it returns.
    Direct(usize),
    /// Through the page cache, and then synchronised.
    Cached,
}

impl Medium {
    /// Makes the directory if it is not there, removes what an earlier process left unfinished, and tries what the disk takes.
    pub(super) fn open(directory: &Path) -> Result<Self, JournalError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(JournalError::io("make", directory))?;
        let handle = File::open(directory).map_err(JournalError::io("open", directory))?;
        keep_entry(directory).map_err(JournalError::io("synchronise", directory))?;
        remove_unfinished(directory).map_err(JournalError::io("clean", directory))?;
        let access = probe(directory).map_err(JournalError::io("write in", directory))?;
        Ok(Self { directory: directory.to_owned(), handle, access })
    }

    /// The alignment of batches in new segments. Through the page cache it is a page, so that no page of an acknowledged batch is
    /// written again.
    pub(super) const fn block(&self) -> usize {
        match self.access {
            Access::Direct(block) => block,
            Access::Cached => PAGE,
        }
    }

    /// Makes a segment of `length` line feeds, on the disk, under a name of its own. Given up early when `stop` is set.
    pub(super) fn prewrite(
        &self,
        number: u64,
        length: u64,
        stop: &AtomicBool,
    ) -> Result<Segment, JournalError> {
        let path = self.directory.join(format!("{PREFIX}{number}{UNFINISHED}"));
        self.fill(&path, length, stop).and_then(|()| self.access.open(&path)).map_or_else(
            |error| {
                // What there was of it takes room that others may need; the next try says why it cannot be removed.
                let _ = fs::remove_file(&path);
                Err(JournalError::io("prepare", &path)(error))
            },
            |file| Ok(Segment { file, path: path.clone(), length, end: 0, access: self.access }),
        )
    }

    fn fill(&self, path: &Path, length: u64, stop: &AtomicBool) -> io::Result<()> {
        let file = self.access.create(path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, length) {
            Err(rustix::io::Errno::OPNOTSUPP) | Ok(()) => {}
            Err(refused) => return Err(refused.into()),
        }
        let mut blank = AlignedBuffer::with_capacity(FILL);
        blank.fill_blank(FILL);
        let mut offset = 0;
        while offset < length {
            if stop.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let piece = usize::try_from(length - offset).map_or(FILL, |left| left.min(FILL));
            file.write_all_at(blank.bytes().get(..piece).unwrap_or_default(), offset)?;
            offset += piece as u64;
        }
        file.sync_all()
    }

    /// Makes a prewritten segment the journal's newest: writes its header and gives it its name, in this order, so that a segment by
    /// that name always has its header. May be tried again after an error.
    pub(super) fn place(&self, segment: &mut Segment, before: Head) -> Result<(), JournalError> {
        let name = self.directory.join(name(before.sequence.saturating_add(1)));
        segment.write_header(before).map_err(JournalError::io("write", &segment.path))?;
        if segment.path != name {
            fs::rename(&segment.path, &name).map_err(JournalError::io("rename", &segment.path))?;
            segment.path = name;
        }
        self.handle.sync_all().map_err(JournalError::io("synchronise", &self.directory))
    }

    /// Opens a segment that is in place, to write on from `end`.
    pub(super) fn reopen(&self, path: PathBuf, length: u64, end: u64) -> Result<Segment, JournalError> {
        let file = self.access.open(&path).map_err(JournalError::io("open", &path))?;
        Ok(Segment { file, path, length, end, access: self.access })
    }
}

impl Drop for Medium {
    fn drop(&mut self) {
        // Opening the journal removes them as well.
        let _ = remove_unfinished(&self.directory);
    }
}

/// A file of the journal, being written.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    path: PathBuf,
    length: u64,
    end: u64,
    access: Access,
}

impl Segment {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes more it takes.
    pub(super) const fn room(&self) -> u64 {
        self.length.saturating_sub(self.end)
    }

    /// Writes whole blocks behind those that are there; they are on the disk when this returns. After an error some may be.
    pub(super) fn append(&mut self, blocks: &[u8]) -> io::Result<()> {
        self.write(blocks)?;
        self.end += blocks.len() as u64;
        Ok(())
    }

    /// Makes the next `length` bytes line feeds again, durably.
    pub(super) fn blank(&self, length: usize) -> io::Result<()> {
        let mut blank = AlignedBuffer::with_capacity(length);
        blank.fill_blank(length);
        self.write(blank.bytes())
    }

    fn write_header(&mut self, before: Head) -> io::Result<()> {
        let block = match self.access {
            Access::Direct(block) => block,
            Access::Cached => PAGE,
        };
        let mut header = AlignedBuffer::with_capacity(block);
        header.extend(Header { block, before }.to_string().as_bytes());
        header.pad(block);
        self.end = 0;
        self.append(header.bytes())
    }

    fn write(&self, blocks: &[u8]) -> io::Result<()> {
        self.file.write_all_at(blocks, self.end)?;
        match self.access {
            Access::Direct(_) => Ok(()),
            Access::Cached => self.file.sync_data(),
        }
    }
}

impl Access {
    /// A new file, to be filled and then synchronised.
    fn create(self, path: &Path) -> io::Result<File> {
        let flags = if self == Self::Cached { OFlags::empty() } else { OFlags::DIRECT };
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(flags.bits().cast_signed())
            .open(path)
    }

    /// A file that is there, to be written durably.
    fn open(self, path: &Path) -> io::Result<File> {
        let flags = if self == Self::Cached { OFlags::empty() } else { OFlags::DIRECT | OFlags::DSYNC };
        OpenOptions::new().write(true).custom_flags(flags.bits().cast_signed()).open(path)
    }
}

/// The segments of a journal by the numbers of their first records, oldest first.
pub(crate) fn list(directory: &Path) -> Result<Vec<(u64, PathBuf)>, JournalError> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(directory).map_err(JournalError::io("read", directory))? {
        let path = entry.map_err(JournalError::io("read", directory))?.path();
        if let Some(first) = path.file_name().and_then(|name| first_sequence(name.to_str()?)) {
            segments.push((first, path));
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

fn name(first: u64) -> String {
    format!("{PREFIX}{first:020}{FINISHED}")
}

fn first_sequence(text: &str) -> Option<u64> {
    let first = text.strip_prefix(PREFIX)?.strip_suffix(FINISHED)?.parse().ok()?;
    (name(first) == text).then_some(first)
}

/// Sees to it that a directory just made is still there after a power failure.
fn keep_entry(directory: &Path) -> io::Result<()> {
    directory.canonicalize()?.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn remove_unfinished(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let ours = path.file_name().and_then(|name| name.to_str());
        if ours.is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(UNFINISHED)) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Finds by trying how the file system takes writes.
fn probe(directory: &Path) -> io::Result<Access> {
    let path = directory.join(format!("{PREFIX}probe{UNFINISHED}"));
    let mut blank = AlignedBuffer::with_capacity(PAGE);
    blank.fill_blank(PAGE);
    let takes = |block: usize| {
        let access = Access::Direct(block);
        let written = access.create(&path).and_then(|file| {
            file.write_all_at(blank.bytes(), 0)?;
            file.write_all_at(blank.bytes().get(..block).unwrap_or_default(), block as u64)
        });
        let removed = fs::remove_file(&path);
        match written {
            Ok(()) => removed.map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(false),
            Err(error) => Err(error),
        }
    };
    for block in [SECTOR, PAGE] {
        if takes(block)? {
            return Ok(Access::Direct(block));
        }
    }
    Ok(Access::Cached)
}

const PREFIX: &str = "journal-";
const FINISHED: &str = ".jsonl";
const UNFINISHED: &str = ".unfinished";
const SECTOR: usize = 512;
const PAGE: usize = 4096;

/// How much is written at a time when a segment is prepared: little enough that appends are not held up behind it.
const FILL: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_journals_own_spelling_is_a_segments_name() {
        assert_eq!(first_sequence(&name(7)), Some(7));
        assert_eq!(name(7), "journal-00000000000000000007.jsonl");
        for other in
            ["journal-7.jsonl", "journal-+0000000000000000007.jsonl", "journal-1.unfinished", "x.jsonl"]
        {
            assert_eq!(first_sequence(other), None);
        }
    }
}
