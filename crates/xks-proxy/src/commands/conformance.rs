//! Checks any XKS proxy against the specification.

use super::Outcome;

/// Checks any XKS proxy against the specification.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Does it.
pub fn run(_arguments: &Arguments) -> Outcome {
    Err("this command is not there yet".into())
}
