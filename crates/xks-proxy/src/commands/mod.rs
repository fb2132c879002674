//! What can be done from a shell: one file a subcommand, each with what it is told and what it does.

pub mod check_config;
pub mod check_policy;
pub mod conformance;
pub mod credential;
pub mod key;
pub mod reconcile;
pub mod serve;

use std::error::Error;
use std::process::ExitCode;

/// What a command comes to: how the process ends, or what is said on standard error before it ends with 1.
pub type Outcome = Result<ExitCode, Box<dyn Error>>;
