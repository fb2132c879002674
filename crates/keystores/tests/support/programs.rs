//! The programs that the tests run: built when they are missing or older than what they are made from.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// Where that program or library is: `cardea-module`, `cardea-pkcs11` or `libfaulty_pkcs11.so`. `CARDEA_PROGRAMS` names a directory
/// of other builds.
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
    let stamp = directory.join("programs-of-keystores-are-built");
    let built = PROGRAMS.iter().map(|name| changed(&directory.join(name))).min().unwrap();
    let current = built.map(|built| built.max(changed(&stamp).unwrap_or(built)));
    let newest = SOURCES.iter().map(|source| newest_source(&workspace().join(source))).max().unwrap();
    if current.is_none_or(|current| newest > current) {
        let begun = SystemTime::now();
        build(&directory);
        // A source that no program is made from must not have every test of a run build again.
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
        .args(["build", "--quiet", "--profile", profile, "--package", "module", "--package", "pkcs11"])
        .args(["--package", "faulty-pkcs11", "--target-dir"])
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

const PROGRAMS: [&str; 3] = ["cardea-module", "cardea-pkcs11", "libfaulty_pkcs11.so"];
const SOURCES: [&str; 8] = [
    "crates/frames",
    "crates/keys",
    "crates/module",
    "crates/module-api",
    "crates/pkcs11",
    "crates/pkcs11-api",
    "crates/sidecar-process",
    "tests/faulty-pkcs11",
];
