//! The table of the latest commits: one row a commit with the keys that it changed, under one checksum. It holds no value,
//! so that a value that is deleted or replaced is nowhere but where it was stored.
//!
//! The newest row is the store's revision, so there is always at least one once anything was committed. Rows go only at
//! the old end: whatever the table holds, it holds without a gap.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use super::checksum;
use super::failure::failed;
use crate::{Changed, Committed, Revision, StorageError};

/// Which commits the table holds: those after `oldest` up to and including `newest`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Reach {
    pub(super) oldest: Revision,
    pub(super) newest: Revision,
}

impl Reach {
    /// Reads it, and verifies the newest commit, on which all that follow are counted.
    pub(super) fn of(connection: &Connection) -> Result<Self, StorageError> {
        let newest = newest(connection)?.unwrap_or(Revision::EMPTY);
        let oldest = oldest(connection).map_err(failed)?;
        Ok(Self { oldest: oldest.map_or(newest, before), newest })
    }
}

/// Some of the commits that follow a revision, in order; none if there are none.
pub(super) fn after(connection: &Connection, last: Revision) -> Result<Vec<Committed>, StorageError> {
    let mut statement = connection.prepare_cached(AFTER).map_err(failed)?;
    let mut rows = statement.query([last.0.cast_signed()]).map_err(failed)?;
    let (mut commits, mut size) = (Vec::new(), 0);
    let mut expected = next(last);
    while size < AT_ONCE_BYTES
        && let Some(row) = rows.next().map_err(failed)?
    {
        let revision = Revision(row.get::<_, i64>(0).map_err(failed)?.cast_unsigned());
        match (revision == expected, commits.is_empty()) {
            (true, _) => (),
            (false, true) => return Err(StorageError::Compacted { oldest: before(revision) }),
            (false, false) => return Err(StorageError::DamagedCommit { revision: expected }),
        }
        let record: Vec<u8> = row.get(1).map_err(|_| StorageError::DamagedCommit { revision })?;
        let checksum = row.get(2).map_err(|_| StorageError::DamagedCommit { revision })?;
        size += record.len();
        commits.push(Committed { revision, changes: verified(revision, record, checksum)? });
        expected = next(revision);
    }
    Ok(commits)
}

/// Adds a commit.
pub(super) fn add(
    connection: &Connection,
    revision: Revision,
    changes: impl Iterator<Item = Changed>,
) -> Result<(), rusqlite::Error> {
    let record = encode(changes);
    let checksum = checksum::commit(revision, &record);
    connection.prepare_cached(ADD)?.execute((revision.0.cast_signed(), record, checksum))?;
    Ok(())
}

/// Forgets the commits up to and including one.
pub(super) fn forget(connection: &Connection, last: Revision) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(FORGET)?.execute([last.0.cast_signed()])?;
    Ok(())
}

fn newest(connection: &Connection) -> Result<Option<Revision>, StorageError> {
    let mut statement = connection.prepare_cached(NEWEST).map_err(failed)?;
    let found = statement.query_row((), |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?)));
    let Some((revision, record, checksum)) = found.optional().map_err(failed)? else { return Ok(None) };
    let revision = Revision(revision.cast_unsigned());
    verified(revision, record, checksum)?;
    Ok(Some(revision))
}

fn oldest(connection: &Connection) -> Result<Option<Revision>, rusqlite::Error> {
    let found: Option<i64> = connection.prepare_cached(OLDEST)?.query_row((), |row| row.get(0))?;
    Ok(found.map(|revision| Revision(revision.cast_unsigned())))
}

fn verified(revision: Revision, record: Vec<u8>, checksum: i64) -> Result<Vec<Changed>, StorageError> {
    let whole = checksum == checksum::commit(revision, &record);
    let changes = if whole { decode(Bytes::from(record)) } else { None };
    changes.ok_or(StorageError::DamagedCommit { revision })
}

/// A change is a tag, the key's length in four bytes (little-endian) and the key.
fn encode(changes: impl Iterator<Item = Changed>) -> Vec<u8> {
    let mut record = Vec::new();
    for change in changes {
        record.push(if matches!(change, Changed::Put { .. }) { PUT } else { DELETED });
        let length = u32::try_from(change.key().len()).unwrap_or(u32::MAX);
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(change.key());
    }
    record
}

fn decode(mut record: Bytes) -> Option<Vec<Changed>> {
    let mut changes = Vec::new();
    while let Some(&tag) = record.first() {
        drop(record.split_to(1));
        let key = part(&mut record)?;
        changes.push(match tag {
            DELETED => Changed::Deleted { key },
            PUT => Changed::Put { key },
            _ => return None,
        });
    }
    Some(changes)
}

fn part(record: &mut Bytes) -> Option<Bytes> {
    let length = u32::from_le_bytes(*record.first_chunk()?);
    let length = usize::try_from(length).ok()?;
    drop(record.split_to(size_of::<u32>()));
    (length <= record.len()).then(|| record.split_to(length))
}

fn next(revision: Revision) -> Revision {
    Revision(revision.0.saturating_add(1))
}

fn before(revision: Revision) -> Revision {
    Revision(revision.0.saturating_sub(1))
}

const DELETED: u8 = 0;

const PUT: u8 = 1;

/// How many bytes of records a watch takes at once.
const AT_ONCE_BYTES: usize = 1 << 20;

const NEWEST: &str = "SELECT revision, changes, checksum FROM commits ORDER BY revision DESC LIMIT 1";

const OLDEST: &str = "SELECT min(revision) FROM commits";

const AFTER: &str =
    "SELECT revision, changes, checksum FROM commits WHERE revision > ?1 ORDER BY revision LIMIT 256";

const ADD: &str = "INSERT INTO commits (revision, changes, checksum) VALUES (?1, ?2, ?3)";

const FORGET: &str = "DELETE FROM commits WHERE revision <= ?1";

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> Vec<Changed> {
        let key = |text: &'static str| Bytes::from_static(text.as_bytes());
        vec![
            Changed::Put { key: key("one") },
            Changed::Deleted { key: key("b") },
            Changed::Put { key: key("c") },
        ]
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let record = encode(changes().into_iter());
        assert_eq!(decode(Bytes::from(record)), Some(changes()));
    }

    #[test]
    fn the_record_of_a_commit_has_not_changed() {
        let record = encode(changes().into_iter());
        assert_eq!(record, *b"\x01\x03\0\0\0one\x00\x01\0\0\0b\x01\x01\0\0\0c");
    }

    #[test]
    fn a_record_cut_short_anywhere_but_between_two_changes_is_none() {
        let record = Bytes::from(encode(changes().into_iter()));
        let whole: Vec<usize> =
            (0..=record.len()).filter(|&end| decode(record.slice(..end)).is_some()).collect();
        assert_eq!(whole, [0, 8, 14, 20]);
    }
}
