//! The programs that the tests run: built when they are missing or older than what they are made from.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// Where that program or library is: `cardea-pkcs11` or `libfaulty_pkcs11.so`. `CARDEA_PROGRAMS` names a directory of other builds.
pub fn program(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(directory).join(name)
}

fn directory() -> PathBuf {
    if let Some(directory) = std::env::var_os("CARDEA_PROGRAMS") {
        return directory.into();
    }
    let test = std::env::current_exe().unwrap();
    let directory = test.parent().and_then(Path::parent).unwrap().to_owned();
    let stamp = directory.join("programs-of-key-manager-pkcs11-are-built");
    let is_there = PROGRAMS.iter().all(|name| directory.join(name).exists());
    let newest = SOURCES.iter().map(|source| newest_source(&workspace().join(source))).max().unwrap();
    if !is_there || changed(&stamp).is_none_or(|built| newest > built) {
        let begun = SystemTime::now();
        build(&directory);
        std::fs::File::create(stamp).unwrap().set_modified(begun).unwrap();
    }
    directory
}

fn build(directory: &Path) {
    let profile = match directory.file_name().and_then(|name| name.to_str()).unwrap() {
        "debug" => "dev",
        other => other,
    };
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--profile", profile, "--package", "pkcs11", "--package", "faulty-pkcs11"])
        .arg("--target-dir")
        .arg(directory.parent().unwrap())
        .current_dir(workspace())
        .status();
    assert!(status.unwrap().success(), "the programs that the tests run could not be built");
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
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

const PROGRAMS: [&str; 2] = ["cardea-pkcs11", "libfaulty_pkcs11.so"];
const SOURCES: [&str; 5] =
    ["crates/frames", "crates/pkcs11", "crates/pkcs11-api", "crates/sidecar-process", "tests/faulty-pkcs11"];
