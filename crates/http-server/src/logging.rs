//! Logs: structured, on standard error. Nobody who writes one may put a secret, a plaintext or the body of a request into it.

use crate::HttpServerError;
use tracing_subscriber::EnvFilter;

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Begins logging. The filter is a level, or levels by part, as in `info,http_server=debug`. To be called once.
pub fn start(filter: &str, format: LogFormat) -> Result<(), HttpServerError> {
    let filter = EnvFilter::builder()
        .parse(filter)
        .map_err(HttpServerError::part("the log filter cannot be understood"))?;
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    match format {
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
