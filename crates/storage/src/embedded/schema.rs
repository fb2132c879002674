//! The files, the tables, and the settings of every connection.
//!
//! Opening reads a few pages, never the whole file.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::commits;
use super::failure::failed;
use crate::{Revision, StorageError};

/// Makes the directory and the empty file, if they are not there, so that nobody but their owner can read them:
/// SQLite gives its other files the mode of this one.
pub(super) fn make_files(directory: &Path) -> Result<PathBuf, StorageError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| StorageError::File { path, source }
    };
    let missing: Vec<_> =
        directory.ancestors().take_while(|path| !path.exists() && *path != Path::new("")).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(at(directory))?;
    for parent in missing.into_iter().filter_map(Path::parent) {
        make_durable(parent).map_err(at(parent))?;
    }
    let file = directory.join(FILE);
    if !file.exists() {
        let options = OpenOptions::new().create(true).append(true).mode(0o600).clone();
        options.open(&file).and_then(|file| file.sync_all()).map_err(at(&file))?;
        make_durable(directory).map_err(at(directory))?;
    }
    Ok(file)
}

/// The connection that writes. Makes the tables in an empty file; refuses a file that is not a store or is of a newer
/// release.
pub(super) fn open_for_writing(file: &Path) -> Result<Connection, StorageError> {
    let connection = open(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let of_file = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StorageError::Foreign { path: file.to_owned() },
        _ => failed(error),
    };
    if is_empty(&connection).map_err(of_file)? {
        connection.execute_batch(CREATE).map_err(failed)?;
    }
    let version = version(&connection, file)?;
    connection.execute_batch(WRITING).map_err(failed)?;
    // What closes for any other reason than its end leaves the log to be folded, and the residue to be wiped, by the next opening.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    if version == VALUES_IN_COMMITS {
        forget_values_in_commits(&connection).map_err(failed)?;
    }
    Ok(connection)
}

/// A connection that can only read.
pub(super) fn open_for_reading(file: &Path) -> Result<Connection, StorageError> {
    open(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Writes the version that is there anyway: a commit that changes nothing and takes the next place in the log.
pub(super) fn touch(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "user_version", VERSION)
}

/// Has the empty log removed when the connection closes. Without this SQLite leaves it, and what is in it, as it is.
pub(super) fn remove_log_on_close(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(drop)
}

fn open(file: &Path, mode: OpenFlags) -> Result<Connection, StorageError> {
    let connection =
        Connection::open_with_flags(file, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    connection.execute_batch(EVERYWHERE).map_err(failed)?;
    Ok(connection)
}

fn is_empty(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", (), |row| row.get(0))
}

fn version(connection: &Connection, file: &Path) -> Result<u32, StorageError> {
    let read = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0)).map_err(failed);
    let path = || file.to_owned();
    if read("application_id")? != APPLICATION {
        return Err(StorageError::Foreign { path: path() });
    }
    match read("user_version")? {
        known @ (VALUES_IN_COMMITS | VERSION) => Ok(known),
        found => Err(StorageError::Newer { path: path(), found, known: VERSION }),
    }
}

/// Brings a store of version 1 to version 2: the commits, which had values, give way to one that changes nothing, and the file is
/// built anew, so that nothing is left of values that were deleted without being overwritten.
fn forget_values_in_commits(connection: &Connection) -> Result<(), rusqlite::Error> {
    let newest: Option<i64> =
        connection.query_row("SELECT max(revision) FROM commits", (), |row| row.get(0))?;
    let transaction = connection.unchecked_transaction()?;
    connection.execute("DELETE FROM commits", ())?;
    if let Some(newest) = newest {
        commits::add(connection, Revision(newest.cast_unsigned().saturating_add(1)), std::iter::empty())?;
    }
    touch(connection)?;
    transaction.commit()?;
    connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
}

fn make_durable(directory: &Path) -> io::Result<()> {
    let directory = if directory == Path::new("") { Path::new(".") } else { directory };
    File::open(directory)?.sync_all()
}

/// The size of a page, as [`CREATE`] says it too.
pub(super) const PAGE_BYTES: u64 = 8192;

const FILE: &str = "store.db";

/// "CRDA", so that `file` and SQLite's own tools can tell whose file it is.
const APPLICATION: u32 = 0x4352_4441;

const VERSION: u32 = 2;

/// The version whose table of commits has values in it.
const VALUES_IN_COMMITS: u32 = 1;

/// How long a connection waits for another one, such as an operator's backup.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

const EVERYWHERE: &str =
    "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;";

/// The log is folded into the file by the writer when it has answered, so never within a commit. What a statement deletes is
/// overwritten; [`super::residue`] has the rest.
const WRITING: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA secure_delete = ON;
    PRAGMA journal_size_limit = 67108864;
";

/// A table without row numbers is one tree with the keys in it: one search an access, and a key stored once, under the
/// entry's checksum. Pages of 8 KiB hold a record of up to 2 KB in place.
const CREATE: &str = "
    PRAGMA page_size = 8192;
    BEGIN IMMEDIATE;
    PRAGMA application_id = 0x43524441;
    PRAGMA user_version = 2;
    CREATE TABLE entry (
        key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL, checksum INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE commits (
        revision INTEGER NOT NULL PRIMARY KEY, changes BLOB NOT NULL, checksum INTEGER NOT NULL
    ) STRICT;
    COMMIT;
";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::commits::Reach;
    use super::*;

    /// The log of a store, from which a copy can be opened as after a crash.
    fn crashed(file: &Path, name: &str) -> PathBuf {
        let copy = file.with_file_name(name);
        fs::copy(file, &copy).unwrap();
        fs::copy(log(file), log(&copy)).unwrap();
        copy
    }

    fn log(file: &Path) -> PathBuf {
        file.with_extension("db-wal")
    }

    fn add(connection: &Connection, revision: u64) {
        commits::add(connection, Revision(revision), std::iter::empty()).unwrap();
    }

    fn newest(file: &Path) -> Revision {
        Reach::of(&open_for_writing(file).unwrap()).unwrap().newest
    }

    #[test]
    fn a_touch_overwrites_what_a_failed_commit_left_in_the_log() {
        let directory = tempfile::tempdir().unwrap();
        let succeeding = make_files(directory.path()).unwrap();
        let connection = open_for_writing(&succeeding).unwrap();
        add(&connection, 1);
        let failing = crashed(&succeeding, "failing.db");
        add(&connection, 2);

        // Here the second commit failed after all of it had reached the log: SQLite knows only of the first.
        let connection = open_for_writing(&failing).unwrap();
        assert_eq!(Reach::of(&connection).unwrap().newest, Revision(1));
        fs::copy(log(&succeeding), log(&failing)).unwrap();
        assert_eq!(newest(&crashed(&failing, "untouched.db")), Revision(2));
        touch(&connection).unwrap();
        assert_eq!(newest(&crashed(&failing, "touched.db")), Revision(1));
        add(&connection, 2);
        assert_eq!(newest(&crashed(&failing, "going-on.db")), Revision(2));
    }

    #[test]
    fn only_a_connection_that_is_told_to_removes_the_log_when_it_closes() {
        let directory = tempfile::tempdir().unwrap();
        let file = make_files(directory.path()).unwrap();
        let connection = open_for_writing(&file).unwrap();
        add(&connection, 1);
        connection.close().unwrap();
        assert!(fs::metadata(log(&file)).unwrap().len() > 0);
        let connection = open_for_writing(&file).unwrap();
        assert_eq!(Reach::of(&connection).unwrap().newest, Revision(1));
        remove_log_on_close(&connection).unwrap();
        connection.close().unwrap();
        assert!(!log(&file).exists());
        assert_eq!(newest(&file), Revision(1));
    }
}
