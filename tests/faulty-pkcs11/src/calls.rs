//! The calls that were made: a line for each in a file, for tests that count them.

use std::fs::{File, OpenOptions};
use std::io::Write;

/// Where calls are noted, if a test wants that.
pub struct Calls {
    file: Option<File>,
}

impl Calls {
    /// In the file that the environment names; nowhere, if it names none.
    pub fn of_environment() -> Self {
        let file = std::env::var_os(VARIABLE).map(|path| {
            OpenOptions::new().append(true).create(true).open(&path).unwrap_or_else(|error| {
                eprintln!("faulty-pkcs11: `{}` cannot be written: {error}", path.display());
                // A caller that goes on would count nothing.
                std::process::abort()
            })
        });
        Self { file }
    }

    /// Notes a call, before anything comes of it.
    pub fn note(&self, function: &str) {
        // In one write, so that the lines of two threads do not mix. What is not noted, the test misses.
        let _ = self.file.as_ref().map(|mut file| file.write_all(format!("{function}\n").as_bytes()));
    }
}

const VARIABLE: &str = "FAULTY_PKCS11_CALLS";
