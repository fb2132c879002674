//! `cardea-xks-proxy`: runs the proxy, unless a subcommand says otherwise.

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use xks_proxy::commands::{
    Outcome, check_config, check_policy, conformance, credential, key, reconcile, serve,
};

/// An XKS proxy: AWS KMS, or Cardea, on one side, key managers on the other.
#[derive(Debug, Parser)]
#[command(name = "cardea-xks-proxy", version, args_conflicts_with_subcommands = true)]
struct Line {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    CheckConfig(check_config::Arguments),
    CheckPolicy(check_policy::Arguments),
    Conformance(Box<conformance::Arguments>),
    Credential(credential::Arguments),
    Key(key::Arguments),
    Reconcile(reconcile::Arguments),
}

fn main() -> ExitCode {
    run(&Line::parse()).unwrap_or_else(|error| {
        eprintln!("cardea-xks-proxy: {error}");
        ExitCode::FAILURE
    })
}

fn run(line: &Line) -> Outcome {
    match &line.command {
        None => serve::run(&line.serve),
        Some(Command::CheckConfig(arguments)) => check_config::run(arguments),
        Some(Command::CheckPolicy(arguments)) => check_policy::run(arguments),
        Some(Command::Conformance(arguments)) => conformance::run(arguments),
        Some(Command::Credential(arguments)) => credential::run(arguments),
        Some(Command::Key(arguments)) => key::run(arguments),
        Some(Command::Reconcile(arguments)) => reconcile::run(arguments),
    }
}
