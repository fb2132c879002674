//! Logs, as the settings say.

use crate::ServerError;
use crate::config::{self, Log};
use http_server::logging::{self, LogFormat};

/// Begins logging as the settings say. `filter` goes before theirs. To be called once.
pub fn start(log: &Log, filter: Option<&str>) -> Result<(), ServerError> {
    let format = match log.format {
        config::LogFormat::Json => LogFormat::Json,
        config::LogFormat::Text => LogFormat::Text,
    };
    Ok(logging::start(filter.unwrap_or(&log.filter), format)?)
}
