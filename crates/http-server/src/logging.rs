//! Logs: structured, on standard error. Nobody who writes one may put a secret, a plaintext or the body of a request into it.

use crate::HttpServerError;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

/// What is logged, and how, as a configuration has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// A level, or levels by part, as in `info,http_server=debug`.
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

/// Begins logging. `filter` goes before that of the configuration. To be called once.
pub fn start(log: &Log, filter: Option<&str>) -> Result<(), HttpServerError> {
    let filter = EnvFilter::builder()
        .parse(filter.unwrap_or(&log.filter))
        .map_err(HttpServerError::part("the log filter cannot be understood"))?;
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
