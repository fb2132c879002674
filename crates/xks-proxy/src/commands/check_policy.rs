//! Says whether a request would be allowed, and why.

use super::Outcome;

/// Says whether a request would be allowed, and why.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Does it.
pub fn run(_arguments: &Arguments) -> Outcome {
    Err("this command is not there yet".into())
}
