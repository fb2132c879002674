//! What SQLite leaves of rows that it moved, and wiping it.
//!
//! `secure_delete` overwrites what a statement deletes, but not the old place of a row that SQLite moved within its page or to
//! another one: a page that was built anew keeps it in the gap between the row pointers and the rows, where nobody looks.
//! So whenever all of the log was folded into the file, the gaps of all pages that are in the log are wiped here, before the log
//! can begin anew. Every page that changes goes through the log, so no gap is ever left out, and a crash in between leaves the log,
//! with which SQLite mends a page that was being written.
//!
//! Only gaps are written, with zeros: SQLite gives their bytes no meaning, so whoever reads meanwhile reads the same. SQLite writes
//! into the file only what is in the log and not yet in the file, and there is no such page while this works: the one thread that
//! commits is the one that wipes. The layout is that of the file format which SQLite promises to keep (sqlite.org/fileformat2.html,
//! sections 1.3, 1.6 and 4.1); a file of another layout is refused.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::schema::PAGE_BYTES;
use crate::StorageError;

/// The gaps of a database.
#[derive(Debug)]
pub(super) struct Residue {
    // INVARIANT: open for as long as any connection of this process: closing a file gives up the locks that the process has
    // on it, SQLite's too.
    database: File,
    path: PathBuf,
    log: PathBuf,
    /// Pages whose gaps are still to be wiped because the last try failed.
    pages: BTreeSet<u32>,
}

impl Residue {
    /// Of this database.
    pub(super) fn of(database: &Path) -> Result<Self, StorageError> {
        let opened = OpenOptions::new().read(true).write(true).open(database);
        let path = database.to_owned();
        let database = opened.map_err(|source| StorageError::File { path: path.clone(), source })?;
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        Ok(Self { database, path, log: log.into(), pages: BTreeSet::new() })
    }

    /// Wipes the gaps of all pages that are in the log. To be called after each fold of all of the log and before the next
    /// transaction, and at no other time: else a fold by another process could come in between the reading and the writing of a page.
    pub(super) fn wipe(&mut self) -> Result<(), StorageError> {
        add_logged_pages(&self.log, &mut self.pages)
            .map_err(|source| StorageError::File { path: self.log.clone(), source })?;
        self.wipe_pages().map_err(|source| StorageError::File { path: self.path.clone(), source })
    }

    fn wipe_pages(&mut self) -> io::Result<()> {
        if self.pages.is_empty() {
            return Ok(());
        }
        self.check_layout()?;
        let mut wiped = false;
        for page in &self.pages {
            wiped |= self.wipe_page(*page)?;
        }
        if wiped {
            self.database.sync_data()?;
        }
        self.pages.clear();
        Ok(())
    }

    /// In a file of another layout, what looks like a gap could be something else.
    fn check_layout(&self) -> io::Result<()> {
        let mut header = [0; FILE_HEADER];
        self.database.read_exact_at(&mut header, 0)?;
        if !has_expected_layout(&header) {
            return Err(io::Error::other(
                "the pages of the store are not laid out as this release lays them out",
            ));
        }
        if self.database.metadata()?.len() / PAGE_BYTES >= AMBIGUOUS_PAGES {
            return Err(io::Error::other("the store is too large to tell its pages apart"));
        }
        Ok(())
    }

    /// Says whether there was anything to wipe.
    fn wipe_page(&self, number: u32) -> io::Result<bool> {
        let start = u64::from(number.saturating_sub(1)).saturating_mul(PAGE_BYTES);
        let mut page = [0; PAGE_BYTES as usize];
        match self.database.read_exact_at(&mut page, start) {
            // The log has it and the file does not yet, or no longer.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            read => read?,
        }
        let Some(gap) = gap(&page, if number == 1 { FILE_HEADER } else { 0 }) else { return Ok(false) };
        let Some(bytes) = page.get_mut(gap.clone()) else { return Ok(false) };
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(false);
        }
        bytes.fill(0);
        self.database.write_all_at(bytes, start.saturating_add(gap.start as u64))?;
        Ok(true)
    }
}

/// Whether the pages are as long as [`PAGE_BYTES`] and none of them is a pointer map, which begins as a page of a tree may: a file has
/// those if it names its largest root page, which it does to be vacuumed by itself.
fn has_expected_layout(header: &[u8; FILE_HEADER]) -> bool {
    let page_bytes = header.get(16..18).and_then(<[u8]>::first_chunk).map(|bytes| u16::from_be_bytes(*bytes));
    page_bytes.map(u64::from) == Some(PAGE_BYTES) && header.get(52..56) == Some(&[0; 4])
}

/// The numbers of all pages in a log, those of frames that no longer count too.
fn add_logged_pages(log: &Path, pages: &mut BTreeSet<u32>) -> io::Result<()> {
    let log = match File::open(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let length = log.metadata()?.len();
    let mut at = LOG_HEADER;
    while at.saturating_add(FRAME_BYTES) <= length {
        let mut number = [0; 4];
        log.read_exact_at(&mut number, at)?;
        pages.insert(u32::from_be_bytes(number));
        at = at.saturating_add(FRAME_BYTES);
    }
    Ok(())
}

/// Where a page of a tree has nothing: between the pointers to its rows and the first row. None if it is no such page.
fn gap(page: &[u8], header: usize) -> Option<Range<usize>> {
    let pointers = header.checked_add(match page.get(header)? {
        2 | 5 => 12,
        10 | 13 => 8,
        _ => return None,
    })?;
    let number = |at: usize| Some(usize::from(u16::from_be_bytes(*page.get(header + at..)?.first_chunk()?)));
    let start = pointers.checked_add(number(3)?.checked_mul(2)?)?;
    let end = number(5)?;
    let rows = page.get(pointers..start)?.as_chunks::<2>().0;
    let whole = rows.iter().all(|row| usize::from(u16::from_be_bytes(*row)) >= end);
    (whole && start <= end && end <= page.len()).then_some(start..end)
}

/// Page 1 begins with the file's own header.
const FILE_HEADER: usize = 100;

const LOG_HEADER: u64 = 32;

/// A frame of the log: a header, which begins with the page's number, and the page.
const FRAME_BYTES: u64 = 24 + PAGE_BYTES;

/// A page that is not of a tree may begin with the number of another page. As long as there are fewer than 2²⁵ (256 GiB), the first
/// byte of such a number is not one of those that a page of a tree begins with.
const AMBIGUOUS_PAGES: u64 = 1 << 25;

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    fn page(kind: u8, pointers: &[u16], start: u16) -> Vec<u8> {
        let mut page = vec![0xEE; 512];
        page[..8].copy_from_slice(&[kind, 0, 0, 0, pointers.len() as u8, (start >> 8) as u8, start as u8, 0]);
        let at = if matches!(kind, 2 | 5) { 12 } else { 8 };
        for (place, pointer) in page[at..].chunks_mut(2).zip(pointers) {
            place.copy_from_slice(&pointer.to_be_bytes());
        }
        page
    }

    #[test]
    fn the_gap_is_between_the_pointers_and_the_first_row() {
        assert_eq!(gap(&page(10, &[500, 480], 480), 0), Some(12..480));
        assert_eq!(gap(&page(13, &[], 512), 0), Some(8..512));
        assert_eq!(gap(&page(2, &[490], 490), 0), Some(14..490));
        assert_eq!(gap(&page(5, &[300, 301], 300), 0), Some(16..300));
    }

    #[test]
    fn the_first_page_has_its_gap_behind_the_header_of_the_file() {
        let first = [vec![0; 100], page(13, &[600], 600)].concat();
        assert_eq!(gap(&first, 100), Some(110..600));
    }

    #[test]
    fn a_page_that_is_no_tree_or_is_damaged_has_no_gap() {
        assert_eq!(gap(&page(0, &[500], 480), 0), None);
        assert_eq!(gap(&page(10, &[400], 480), 0), None, "a row before the first row");
        assert_eq!(gap(&page(10, &[500], 9), 0), None, "rows over the pointers");
        assert_eq!(gap(&page(10, &[], 513), 0), None, "rows behind the end");
        assert_eq!(gap(&[10, 0, 0], 0), None);
    }

    #[test]
    fn a_file_of_another_layout_is_not_touched() {
        for (settings, is_ours) in [
            ("PRAGMA page_size = 8192;", true),
            ("PRAGMA page_size = 4096;", false),
            ("PRAGMA page_size = 8192; PRAGMA auto_vacuum = FULL;", false),
            ("PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;", false),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("store.db");
            let connection = Connection::open(&path).unwrap();
            connection.execute_batch(settings).unwrap();
            connection.execute_batch("CREATE TABLE one (two)").unwrap();
            let mut residue = Residue::of(&path).unwrap();
            residue.pages.insert(2);
            assert_eq!(residue.wipe().is_ok(), is_ours, "{settings}");
            drop(connection);
        }
    }
}
