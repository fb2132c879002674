//! Runs the proxy.

use super::Outcome;
use crate::config::Config;
use crate::inject::Injection;
use crate::node;
use jiff::Timestamp;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs the proxy.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "/etc/cardea-xks-proxy/proxy.toml")]
    pub config: PathBuf,
    /// What is to go wrong on purpose, for rehearsals: such as `latency=normal:20ms:5ms,timeout=1/1000,wrong-tag=1/500,seed=7`.
    #[arg(long, value_name = "SPEC")]
    pub inject: Option<String>,
}

/// Runs it until SIGTERM or SIGINT.
pub fn run(arguments: &Arguments) -> Outcome {
    http_server::fence::close()?;
    let injection = arguments.inject.as_deref().map(Injection::new).transpose()?;
    let config = Config::read(&arguments.config)?;
    let filter = std::env::var(FILTER).ok();
    http_server::logging::start(&config.log, filter.as_deref())?;
    for warning in config.warnings(Timestamp::now()) {
        tracing::warn!("{warning}");
    }
    node::serve(&arguments.config, config, injection, |url| {
        let mut out = std::io::stdout().lock();
        // Whoever started the proxy may not read this.
        let _ = writeln!(out, "cardea-xks-proxy ready {url}").and_then(|()| out.flush());
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Says what is logged, before the configuration does.
const FILTER: &str = "CARDEA_LOG";
