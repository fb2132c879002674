//! The first start on an empty data directory: one account, and `root.env` to use it.
//!
//! A crash at any point leaves a directory that the next start completes. An account whose secret was lost by a crash stays behind,
//! empty and unusable; the next start makes another.

use crate::ServerError;
use crate::admin::NO_ACCOUNT;
use crate::data_dir::{DataDir, write_private};
use crate::root_env::{Credentials, Reach};
use operations::Service;
use operations::admin::NewAccessKey;

/// How far the first start of a data directory has come.
#[derive(Debug)]
pub(super) struct FirstStart {
    dir: DataDir,
    complete: bool,
}

impl FirstStart {
    /// Of that directory; one of another version is refused. To be asked before anything in it is opened.
    pub(super) fn of(dir: &DataDir) -> Result<Self, ServerError> {
        let path = dir.file(VERSION_FILE);
        let complete = match std::fs::read_to_string(&path) {
            Ok(version) if version == VERSION => true,
            Ok(version) => return Err(unknown_version(dir, version.trim())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(ServerError::file("read", &path)(error)),
        };
        Ok(Self { dir: dir.clone(), complete })
    }

    /// Makes what a first start makes, if it is not all there yet, and otherwise brings `root.env` up to date.
    ///
    /// A `root.env` that its owner took away after the first start is not made again.
    pub(super) async fn ensure(self, service: &Service, reach: &Reach) -> Result<(), ServerError> {
        let Self { dir, complete } = self;
        if dir.root_env().exists() {
            reach.refresh(&dir)?;
        } else if !complete {
            make_account(&dir, service, reach).await?;
        }
        if complete { Ok(()) } else { write_private(&dir.file(VERSION_FILE), VERSION.as_bytes()) }
    }
}

async fn make_account(dir: &DataDir, service: &Service, reach: &Reach) -> Result<(), ServerError> {
    let account = operations::admin::create_account(service).await.map_err(ServerError::part(NO_ACCOUNT))?;
    let NewAccessKey { id, secret } = &account.access_key;
    reach.write(dir, Credentials { access_key_id: id, secret_access_key: secret.expose() })?;
    tracing::info!(account = %account.account_id, "first start: made an account; its credentials are in root.env");
    Ok(())
}

fn unknown_version(dir: &DataDir, version: &str) -> ServerError {
    let reason = format!("it is of version `{version}`, and this release knows version `{}`", VERSION.trim());
    ServerError::file("use the data directory", dir.path())(std::io::Error::other(reason))
}

/// Written last: its presence says that the first start is complete.
const VERSION_FILE: &str = "version";
const VERSION: &str = "1\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_of_another_version_is_refused() {
        let outside = tempfile::tempdir().unwrap();
        let dir = DataDir::create(outside.path()).unwrap();
        assert!(!FirstStart::of(&dir).unwrap().complete);
        std::fs::write(dir.file(VERSION_FILE), VERSION).unwrap();
        assert!(FirstStart::of(&dir).unwrap().complete);
        std::fs::write(dir.file(VERSION_FILE), "2\n").unwrap();
        let refused = crate::in_one_line(&FirstStart::of(&dir).unwrap_err());
        assert!(refused.contains("version `2`"), "{refused}");
    }
}
