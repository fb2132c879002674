//! Logs: structured, on standard error. Nobody who writes one may put a secret, a plaintext or the body of a request into it.

use crate::ServerError;
use crate::config::{Log, LogFormat};
use tracing_subscriber::EnvFilter;

/// Begins logging as the settings say. `filter` goes before theirs. To be called once.
pub fn start(log: &Log, filter: Option<&str>) -> Result<(), ServerError> {
    let filter = EnvFilter::builder()
        .parse(filter.unwrap_or(&log.filter))
        .map_err(ServerError::part("the log filter cannot be understood"))?;
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    match log.format {
        LogFormat::Json => lines.json().init(),
        LogFormat::Text => lines.init(),
    }
    report_panics();
    Ok(())
}

/// Where, but not what: the message of a panic could hold a value.
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(at = place.as_deref().unwrap_or("an unknown place"), "a task failed");
    }));
}
