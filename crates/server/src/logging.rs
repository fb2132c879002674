//! Logs, as the settings say.

use crate::ServerError;
use crate::config::Log;

/// Begins logging as the settings say. `filter` goes before theirs. To be called once.
pub fn start(log: &Log, filter: Option<&str>) -> Result<(), ServerError> {
    Ok(http_server::logging::start(log, filter)?)
}
