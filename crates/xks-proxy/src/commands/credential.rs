//! Makes a credential, and the JSON that the console of AWS KMS takes for a store.

use super::Outcome;

/// Makes a credential, and the JSON that the console of AWS KMS takes for a store.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Does it.
pub fn run(_arguments: &Arguments) -> Outcome {
    Err("this command is not there yet".into())
}
