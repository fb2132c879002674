//! The data directory: where what lies, and how a file in it is written so that a crash leaves the old or the new one.

use crate::ServerError;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A data directory, by its absolute path. Only its owner may look into it.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
}

/// Keeps other processes from working on the data directory until it is dropped, however this process ends.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

impl DataDir {
    /// That directory, made if it is absent.
    pub fn create(path: &Path) -> Result<Self, ServerError> {
        DirBuilder::new()
            .recursive(true)
            .mode(PRIVATE_DIR)
            .create(path)
            .map_err(ServerError::file("make the data directory", path))?;
        let dir = Self::open(path)?;
        dir.close_to_others()?;
        Ok(dir)
    }

    /// That directory, which must be there.
    pub fn open(path: &Path) -> Result<Self, ServerError> {
        let path = path.canonicalize().map_err(ServerError::file("open the data directory", path))?;
        match path.is_dir() {
            true => Ok(Self { path }),
            false => Err(ServerError::File {
                action: "open the data directory",
                source: std::io::ErrorKind::NotADirectory.into(),
                path,
            }),
        }
    }

    /// Keeps other processes out, or says which one is in.
    pub fn lock(&self) -> Result<DirLock, ServerError> {
        let path = self.file("lock");
        let options = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(PRIVATE_FILE)
            .to_owned();
        let mut file = options.open(&path).map_err(ServerError::file("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.take(20).read_to_string(&mut holder);
                return Err(ServerError::DataDirInUse {
                    path: self.path.clone(),
                    holder: holder.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(ServerError::file("lock", &path)(source)),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(ServerError::file("write", &path))?;
        Ok(DirLock { _file: file })
    }

    /// Its absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file or directory of that name in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The journal's directory.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.file("journal")
    }

    /// The socket through which the running service is administered.
    #[must_use]
    pub fn admin_socket(&self) -> PathBuf {
        self.file("admin.sock")
    }

    /// What a shell reads to use the first account.
    #[must_use]
    pub fn root_env(&self) -> PathBuf {
        self.file("root.env")
    }

    fn close_to_others(&self) -> Result<(), ServerError> {
        let mode =
            fs::metadata(&self.path).map_err(ServerError::file("look at", &self.path))?.permissions().mode();
        if mode & OTHERS_MAY_WRITE != 0 {
            let source =
                std::io::Error::other("everybody may write to it, so it is no place for a data directory");
            return Err(ServerError::file("use", &self.path)(source));
        }
        if mode & OTHERS_MAY_ANYTHING != 0 {
            fs::set_permissions(&self.path, Permissions::from_mode(PRIVATE_DIR))
                .map_err(ServerError::file("close to other users", &self.path))?;
        }
        Ok(())
    }
}

/// Makes a directory that only its owner may look into, if it is absent.
pub(crate) fn make_private_dir(path: &Path) -> Result<(), ServerError> {
    DirBuilder::new().recursive(true).mode(PRIVATE_DIR).create(path).map_err(ServerError::file("make", path))
}

/// Writes a file that only its owner may read. After a crash it is as it was before or as it is now.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), ServerError> {
    replace(path, content).map_err(ServerError::file("write", path))
}

fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let beside = path.with_added_extension("new");
    // One left by a crash might be open to others or be a link to elsewhere.
    let _ = fs::remove_file(&beside);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

const PRIVATE_DIR: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;
const OTHERS_MAY_WRITE: u32 = 0o002;
const OTHERS_MAY_ANYTHING: u32 = 0o077;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_data_directory_is_its_owners_alone() {
        let outside = tempfile::tempdir().unwrap();
        let dir = DataDir::create(&outside.path().join("a/b")).unwrap();
        assert_eq!(mode(dir.path()), 0o700);
    }

    #[test]
    fn a_directory_that_others_may_read_is_closed_to_them() {
        let outside = tempfile::tempdir().unwrap();
        fs::set_permissions(outside.path(), Permissions::from_mode(0o755)).unwrap();
        DataDir::create(outside.path()).unwrap();
        assert_eq!(mode(outside.path()), 0o700);
    }

    #[test]
    fn a_directory_that_everybody_may_write_to_is_refused() {
        let outside = tempfile::tempdir().unwrap();
        fs::set_permissions(outside.path(), Permissions::from_mode(0o777)).unwrap();
        assert!(DataDir::create(outside.path()).is_err());
        assert_eq!(mode(outside.path()), 0o777);
    }

    #[test]
    fn a_second_lock_is_refused_and_names_the_first_process() {
        let outside = tempfile::tempdir().unwrap();
        let dir = DataDir::create(outside.path()).unwrap();
        let first = dir.lock().unwrap();
        let refused = dir.lock().unwrap_err().to_string();
        assert!(refused.ends_with(&format!("in use by process {}", std::process::id())), "{refused}");
        drop(first);
        dir.lock().unwrap();
    }

    #[test]
    fn a_private_file_replaces_the_old_one_whatever_a_crash_left_beside_it() {
        let outside = tempfile::tempdir().unwrap();
        let path = outside.path().join("secret");
        fs::write(outside.path().join("secret.new"), "half").unwrap();
        write_private(&path, b"old").unwrap();
        write_private(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }
}
