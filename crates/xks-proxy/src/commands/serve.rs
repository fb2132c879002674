//! Runs the proxy.

use super::Outcome;

/// Runs the proxy.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Does it.
pub fn run(_arguments: &Arguments) -> Outcome {
    Err("this command is not there yet".into())
}
