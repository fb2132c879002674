//! `cargo xtask`: the project's own tasks. Nothing that is shipped depends on this program.

mod bench;
mod test;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The bare server has the allocator that `cardea` has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "The project's own tasks")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Serves as the bare server of the benchmark.
    #[command(hide = true)]
    Bare(bench::BareOptions),
    /// Measures Cardea beside a bare server, with few and many keys, and its security module alone.
    Bench(Box<bench::Options>),
    /// Installs what the tests need and is not there, and runs all of them.
    Test(test::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Bare(options) => bench::serve_bare(&options).map_err(|error| error.to_string()),
        Task::Bench(options) => bench::run(&options).map_err(|error| error.to_string()),
        Task::Test(arguments) => test::run(&arguments).map_err(|error| error.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
