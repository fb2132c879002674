//! `cardea-pkcs11`: the PKCS#11 process. Started by `cardea serve`, never by hand.

use std::process::ExitCode;

fn main() -> ExitCode {
    pkcs11::start::run(std::env::args_os().skip(1))
}
