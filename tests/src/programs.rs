//! Finding the programs under test: beside the test's own executable, and no older than what they are made from.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::SystemTime;

/// Where the program of that name is: `cardea`, `cardea-module` or `cardea-pkcs11`.
///
/// `cargo xtask test` builds them before the tests run. A test that finds one missing or out of date builds them all itself,
/// so that `cargo nextest run` never tests yesterday's program. `CARDEA_PROGRAMS` names a directory of other builds.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(directory).join(name)
}

/// Runs `cardea` with those arguments to its end.
#[must_use]
pub fn run(arguments: &[&str]) -> Output {
    Command::new(program("cardea")).args(arguments).output().expect("cardea can be run")
}

fn directory() -> PathBuf {
    if let Some(directory) = std::env::var_os("CARDEA_PROGRAMS") {
        return directory.into();
    }
    let test = std::env::current_exe().unwrap();
    let directory = test.parent().and_then(Path::parent).unwrap().to_owned();
    let stamp = directory.join("programs-are-built");
    let built = PROGRAMS.iter().map(|name| changed(&directory.join(name))).min().unwrap();
    let current = built.map(|built| built.max(changed(&stamp).unwrap_or(built)));
    if current.is_none_or(|current| newest_source(&workspace().join("crates")) > current) {
        let begun = SystemTime::now();
        build(&directory);
        // A source that no program is made from must not have every test of a run build again.
        File::create(stamp).unwrap().set_modified(begun).unwrap();
    }
    directory
}

/// The programs into the directory that the test was built into.
fn build(directory: &Path) {
    let profile = match directory.file_name().and_then(|name| name.to_str()).unwrap() {
        "debug" => "dev",
        other => other,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--package",
            "cli",
            "--package",
            "module",
            "--package",
            "pkcs11",
            "--profile",
            profile,
            "--target-dir",
        ])
        .arg(directory.parent().unwrap())
        .current_dir(workspace())
        .status();
    assert!(status.unwrap().success(), "the programs under test could not be built");
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

const PROGRAMS: [&str; 3] = ["cardea", "cardea-module", "cardea-pkcs11"];
