//! The table of entries: one row a key, each under a checksum that is verified with every read.
//!
//! A damaged key would be searched for in vain or end a scan too early, and so look like no entry at all. But a search
//! that it misleads ends beside it: so where nothing is found, or a scan begins or ends, the rows beside are verified too.

use bytes::Bytes;
use rusqlite::types::FromSqlError;
use rusqlite::{Connection, Row};

use super::checksum;
use super::failure::failed;
use crate::{Entry, Revision, StorageError, Versioned};

/// The entry of a key.
pub(super) fn find(connection: &Connection, key: &[u8]) -> Result<Option<Versioned>, StorageError> {
    if let Some(Entry { value, revision, .. }) = one(connection, FIND, key)? {
        return Ok(Some(Versioned { value, revision }));
    }
    one(connection, BEFORE, key)?;
    one(connection, FROM, key)?;
    Ok(None)
}

/// The entries under a prefix and after a key: at most `limit`, and no more once they have `bytes` bytes.
pub(super) fn scan(
    connection: &Connection,
    prefix: &[u8],
    after: Option<&[u8]>,
    limit: usize,
    bytes: usize,
) -> Result<Vec<Entry>, StorageError> {
    let start = after.map(successor).filter(|start| start.as_slice() > prefix).unwrap_or(prefix.to_vec());
    one(connection, BEFORE, &start)?;
    let mut statement = connection.prepare_cached(FROM).map_err(failed)?;
    let mut rows = statement.query([&start]).map_err(failed)?;
    let (mut entries, mut size) = (Vec::new(), 0);
    while entries.len() < limit && size < bytes {
        let Some(row) = rows.next().map_err(failed)? else { break };
        let entry = verified(row, &start)?;
        if !entry.key.starts_with(prefix) {
            break;
        }
        size += entry.key.len() + entry.value.len();
        entries.push(entry);
    }
    Ok(entries)
}

/// Sets the value of a key.
pub(super) fn put(
    connection: &Connection,
    key: &[u8],
    value: &[u8],
    revision: Revision,
) -> Result<(), rusqlite::Error> {
    let checksum = checksum::entry(key, value, revision);
    connection.prepare_cached(PUT)?.execute((key, value, revision.0.cast_signed(), checksum))?;
    Ok(())
}

/// Removes a key, and says whether it was there.
pub(super) fn delete(connection: &Connection, key: &[u8]) -> Result<bool, rusqlite::Error> {
    Ok(connection.prepare_cached(DELETE)?.execute([key])? > 0)
}

fn one(connection: &Connection, query: &str, key: &[u8]) -> Result<Option<Entry>, StorageError> {
    let mut statement = connection.prepare_cached(query).map_err(failed)?;
    let mut rows = statement.query([key]).map_err(failed)?;
    rows.next().map_err(failed)?.map(|row| verified(row, key)).transpose()
}

/// The entry in a row. `near` names the place if the damage is such that the row's own key cannot be read.
fn verified(row: &Row<'_>, near: &[u8]) -> Result<Entry, StorageError> {
    let (entry, checksum) =
        read(row).map_err(|_| StorageError::Damaged { key: Bytes::copy_from_slice(near) })?;
    if checksum != checksum::entry(&entry.key, &entry.value, entry.revision) {
        return Err(StorageError::Damaged { key: entry.key });
    }
    Ok(entry)
}

fn read(row: &Row<'_>) -> Result<(Entry, i64), FromSqlError> {
    let column = |index| row.get_ref(index).map_err(|_| FromSqlError::InvalidType);
    let key = Bytes::copy_from_slice(column(0)?.as_blob()?);
    let value = Bytes::copy_from_slice(column(1)?.as_blob()?);
    let revision = Revision(column(2)?.as_i64()?.cast_unsigned());
    Ok((Entry { key, value, revision }, column(3)?.as_i64()?))
}

/// The least key that is greater than this one.
fn successor(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

const FIND: &str = "SELECT key, value, revision, checksum FROM entry WHERE key = ?1";

const FROM: &str = "SELECT key, value, revision, checksum FROM entry WHERE key >= ?1 ORDER BY key";

const BEFORE: &str =
    "SELECT key, value, revision, checksum FROM entry WHERE key < ?1 ORDER BY key DESC LIMIT 1";

const PUT: &str = "
    INSERT INTO entry (key, value, revision, checksum) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision, checksum = excluded.checksum";

const DELETE: &str = "DELETE FROM entry WHERE key = ?1";
