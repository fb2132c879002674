//! Checks of any XKS proxy against its specification: what every requirement asks for that can be seen from outside, over the
//! wire, with a client that has every byte of a request in its hand.
//!
//! ```no_run
//! use xks_conformance::{Credential, Options, Target, run};
//!
//! # fn main() -> Result<(), xks_conformance::Error> {
//! let credential = Credential::new("ABCDEFGHIJKLMNOPQRST", "a secret access key of 43 characters at least");
//! let target = Target::new("https://xks.example.com/payments", "eu-central-1", credential, "a-key")?;
//! println!("{}", run(target, &Options::default())?);
//! # Ok(())
//! # }
//! ```
//!
//! It shares no code with the proxy that it may be pointed at but the names of the specification: requests are signed, and
//! answers are read, by its own reading of the standards. It never prints a secret or a signature, and it never leaves the
//! verification of the proxy's certificate out.

#![forbid(unsafe_code)]

mod calls;
mod error;
mod laboratory;
mod report;
mod requirement;
mod requirements;
mod run;
mod target;
mod wire;

pub use error::Error;
pub use report::{CheckResult, Outcome, Report, RequirementResult, Totals};
pub use requirement::Level;
pub use run::{Options, run};
pub use target::{Credential, Identity, Store, Target};
