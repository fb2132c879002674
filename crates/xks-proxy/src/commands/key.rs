//! Makes, lists, rotates, disables and destroys keys of the software key manager, and backs them up.

use super::Outcome;

/// Makes, lists, rotates, disables and destroys keys of the software key manager, and backs them up.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Does it.
pub fn run(_arguments: &Arguments) -> Outcome {
    Err("this command is not there yet".into())
}
