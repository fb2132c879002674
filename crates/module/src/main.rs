//! `cardea-module`: the security module's process. Started by `cardea serve`, never by hand.

use std::process::ExitCode;

fn main() -> ExitCode {
    module::start::run(std::env::args_os().skip(1))
}
