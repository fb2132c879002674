//! Says whether a configuration is one, and what it would do.

use super::Outcome;

/// Says whether a configuration is one, and what it would do.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Does it.
pub fn run(_arguments: &Arguments) -> Outcome {
    Err("this command is not there yet".into())
}
