//! Finding the programs under test: beside the test's own executable, and no older than what they are made from.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::SystemTime;

/// Where the program of that name is: `cardea`, `cardea-module`, `cardea-pkcs11` or `cardea-xks-proxy`.
///
/// `cargo xtask test` builds them before the tests run. A test that finds one missing or out of date builds them all itself,
/// so that `cargo nextest run` never tests yesterday's program. `CARDEA_PROGRAMS` names a directory of other builds.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let named = || std::env::var_os("CARDEA_PROGRAMS").map(PathBuf::from);
    DIRECTORY.get_or_init(|| named().unwrap_or_else(|| PROGRAMS.directory())).join(name)
}

/// Where that stand-in for something outside the service is, which misbehaves as told: `faulty-xks-proxy`, `libfaulty_pkcs11.so` or
/// `stand-in-transit`. It is built when it is missing or out of date.
#[must_use]
pub fn stand_in(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| STAND_INS.directory()).join(name)
}

/// Runs `cardea` with those arguments to its end.
#[must_use]
pub fn run(arguments: &[&str]) -> Output {
    Command::new(program("cardea")).args(arguments).output().expect("cardea can be run")
}

/// Files that are built together.
struct Built {
    names: &'static [&'static str],
    packages: &'static [&'static str],
    /// Where that which they are made from is.
    sources: &'static [&'static str],
    stamp: &'static str,
}

impl Built {
    /// Where they are: beside the test, and up to date.
    fn directory(&self) -> PathBuf {
        let test = std::env::current_exe().unwrap();
        let directory = test.parent().and_then(Path::parent).unwrap().to_owned();
        let stamp = directory.join(self.stamp);
        let built = self.names.iter().map(|name| changed(&directory.join(name))).min().unwrap();
        let current = built.map(|built| built.max(changed(&stamp).unwrap_or(built)));
        let newest =
            self.sources.iter().map(|source| newest_source(&workspace().join(source))).max().unwrap();
        if current.is_none_or(|current| newest > current) {
            let begun = SystemTime::now();
            self.build(&directory);
            // A source that nothing of this is made from must not have every test of a run build again.
            File::create(stamp).unwrap().set_modified(begun).unwrap();
        }
        directory
    }

    /// Into the directory that the test was built into.
    fn build(&self, directory: &Path) {
        let profile = match directory.file_name().and_then(|name| name.to_str()).unwrap() {
            "debug" => "dev",
            other => other,
        };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--quiet", "--profile", profile, "--target-dir"]);
        command.arg(directory.parent().unwrap()).current_dir(workspace());
        command.args(self.packages.iter().flat_map(|package| ["--package", package]));
        assert!(command.status().unwrap().success(), "{:?} could not be built", self.names);
    }
}

fn newest_source(directory: &Path) -> SystemTime {
    let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    let of_entry = |entry: std::fs::DirEntry| match entry.file_name().to_str() {
        Some("tests") => SystemTime::UNIX_EPOCH,
        _ if entry.file_type().unwrap().is_dir() => newest_source(&entry.path()),
        _ => changed(&entry.path()).unwrap_or(SystemTime::UNIX_EPOCH),
    };
    entries.map(of_entry).max().unwrap_or(SystemTime::UNIX_EPOCH)
}

fn changed(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|metadata| metadata.modified()).ok()
}

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

const PROGRAMS: Built = Built {
    names: &["cardea", "cardea-module", "cardea-pkcs11", "cardea-xks-proxy"],
    packages: &["cli", "module", "pkcs11", "xks-proxy"],
    sources: &["crates"],
    stamp: "programs-are-built",
};
const STAND_INS: Built = Built {
    names: &["faulty-xks-proxy", "libfaulty_pkcs11.so", "stand-in-transit"],
    packages: &["faulty-pkcs11", "faulty-proxy", "stand-in-transit"],
    sources: &["tests/faulty-pkcs11", "tests/faulty-proxy", "tests/stand-in-transit"],
    stamp: "stand-ins-are-built",
};
