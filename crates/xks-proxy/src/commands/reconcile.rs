//! Joins the audit log of a KMS with the proxy's, and lists what only one of them has.

use super::Outcome;

/// Joins the audit log of a KMS with the proxy's, and lists what only one of them has.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Does it.
pub fn run(_arguments: &Arguments) -> Outcome {
    Err("this command is not there yet".into())
}
