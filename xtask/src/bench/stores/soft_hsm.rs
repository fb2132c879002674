//! Tokens of SoftHSM in a directory of their own.

use super::super::BenchError;
use super::super::store::remove;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Tokens, and how a PKCS#11 library finds them.
#[derive(Debug)]
pub struct SoftHsm {
    directory: PathBuf,
}

impl SoftHsm {
    /// New tokens with those labels, in place of whatever is there.
    pub fn with<'a>(directory: &Path, labels: impl IntoIterator<Item = &'a str>) -> Result<Self, BenchError> {
        let this = Self { directory: directory.to_owned() };
        remove(&this.directory)?;
        fs::create_dir_all(directory.join("tokens")).map_err(BenchError::io("make a directory"))?;
        let tokens = directory.join("tokens");
        let configuration = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        fs::write(this.configuration(), configuration)
            .map_err(BenchError::io("write the configuration of SoftHSM"))?;
        labels.into_iter().try_for_each(|label| this.initialise(label)).map(|()| this)
    }

    /// SoftHSM's own library, where it is installed.
    pub fn library() -> Result<PathBuf, BenchError> {
        let named = std::env::var_os("SOFTHSM2_LIBRARY").map(PathBuf::from);
        let mut places = named.into_iter().chain(PLACES.map(PathBuf::from));
        places
            .find(|place| place.exists())
            .ok_or(BenchError::SoftHsm { reason: "its library is not there".to_owned() })
    }

    /// The environment of whatever loads the library, also of the one that injects faults.
    pub fn environment(&self) -> Result<BTreeMap<String, String>, BenchError> {
        let text = |path: PathBuf| path.display().to_string();
        Ok(BTreeMap::from([
            ("SOFTHSM2_CONF".to_owned(), text(self.configuration())),
            ("FAULTY_PKCS11_LIBRARY".to_owned(), text(Self::library()?)),
            ("FAULTY_PKCS11_FAULTS".to_owned(), text(self.directory.join("faults"))),
        ]))
    }

    /// Has the library that injects faults inject these.
    pub fn faults(&self, lines: &str) -> Result<(), BenchError> {
        fs::write(self.directory.join("faults"), lines)
            .map_err(BenchError::io("write the faults of a library"))
    }

    /// Puts the AES-256 key of a file into a token.
    pub fn import_key(&self, token: &str, label: &str, file: &Path) -> Result<(), BenchError> {
        let id = label.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        let import = ["--aes", "--token", token, "--label", label, "--id", &id, "--pin", PIN];
        self.run(Command::new("softhsm2-util").arg("--import").arg(file).args(import))
    }

    fn configuration(&self) -> PathBuf {
        self.directory.join("softhsm2.conf")
    }

    fn initialise(&self, label: &str) -> Result<(), BenchError> {
        let initialise = ["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "87654321"];
        self.run(Command::new("softhsm2-util").args(initialise))
    }

    fn run(&self, command: &mut Command) -> Result<(), BenchError> {
        let made = command
            .env("SOFTHSM2_CONF", self.configuration())
            .output()
            .map_err(|error| BenchError::SoftHsm { reason: error.to_string() })?;
        let reason = || String::from_utf8_lossy(&made.stderr).into_owned();
        if made.status.success() { Ok(()) } else { Err(BenchError::SoftHsm { reason: reason() }) }
    }
}

/// The crypto user's PIN.
pub const PIN: &str = "kmsuser123";
const PLACES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
];
