//! The `cardea` command: serves, and administers what it serves. Says what went wrong in one line, and never shows a secret that
//! it was not asked for.

mod admin;
mod audit_log;
mod dev;
mod endpoint;
mod policy;
mod serve;

use clap::{Args, Parser};
use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let succeeded = |()| ExitCode::SUCCESS;
    let done = match Command::parse() {
        Command::Admin(admin) => admin.run().map(succeeded),
        Command::Audit(audit) => audit.run().map(succeeded),
        Command::Dev(dev) => dev.run().map(succeeded),
        Command::Policy(policy) => policy.run(),
        Command::Serve(serve) => serve.run().map(succeeded),
    };
    match done {
        Ok(code) => code,
        Err(error) if is_closed_output(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            // If not even that can be written, the exit code has to say it.
            let _ = writeln!(io::stderr(), "cardea: {}", server::in_one_line(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// A key management service that you run yourself and that speaks the AWS KMS API.
#[derive(Parser)]
#[command(name = "cardea", version)]
enum Command {
    #[command(subcommand)]
    Admin(admin::Admin),
    #[command(subcommand)]
    Audit(audit_log::Audit),
    #[command(subcommand)]
    Dev(dev::Dev),
    #[command(subcommand)]
    Policy(policy::Policy),
    Serve(serve::Serve),
}

/// Where the service keeps what it has.
#[derive(Args)]
struct Data {
    /// The data directory.
    #[arg(long = "data", value_name = "DIR", env = "CARDEA_DATA")]
    dir: PathBuf,
}

type Done = Result<(), Box<dyn Error>>;

/// Whoever read our output has seen enough, as `head` does.
fn is_closed_output(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Command::command().debug_assert();
    }

    #[test]
    fn output_that_was_closed_is_no_failure() {
        assert!(is_closed_output(&io::Error::from(ErrorKind::BrokenPipe)));
        assert!(!is_closed_output(&io::Error::from(ErrorKind::NotFound)));
    }
}
