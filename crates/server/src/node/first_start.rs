//! The first start on an empty data directory: one account, and `root.env` to use it.
//!
//! A crash at any point leaves a directory that the next start completes. An account whose secret was lost by a crash stays behind,
//! empty and unusable; the next start makes another.

use crate::ServerError;
use crate::data_dir::{DataDir, write_private};
use crate::node::NO_ACCOUNT;
use crate::root_env::{Credentials, Reach};
use operations::Service;

/// Makes what a first start makes, if it is not all there yet, and otherwise brings `root.env` up to date.
///
/// A `root.env` that its owner took away after the first start is not made again.
pub(super) async fn ensure(dir: &DataDir, service: &Service, reach: &Reach) -> Result<(), ServerError> {
    let (complete, written) = (is_complete(dir)?, dir.root_env().exists());
    if written {
        reach.refresh(dir)?;
    } else if !complete {
        let account =
            operations::admin::create_account(service).await.map_err(ServerError::part(NO_ACCOUNT))?;
        let credentials = Credentials {
            access_key_id: &account.access_key_id,
            secret_access_key: account.secret_access_key.expose(),
        };
        reach.write(dir, credentials)?;
        tracing::info!(account = %account.account_id, "first start: made an account; its credentials are in root.env");
    }
    if complete { Ok(()) } else { write_private(&dir.file(VERSION_FILE), VERSION.as_bytes()) }
}

/// Whether a first start came to its end here; a directory of another version is refused.
fn is_complete(dir: &DataDir) -> Result<bool, ServerError> {
    let path = dir.file(VERSION_FILE);
    match std::fs::read_to_string(&path) {
        Ok(version) if version == VERSION => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(ServerError::file("read", &path)(error)),
        Ok(version) => {
            let reason =
                format!("the data directory is of version `{}`, and this release reads 1", version.trim());
            Err(ServerError::file("use", &path)(std::io::Error::other(reason)))
        }
    }
}

/// Written last: its presence says that the first start is complete.
const VERSION_FILE: &str = "version";
const VERSION: &str = "1\n";
