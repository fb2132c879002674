//! The stories of custom key stores, told with the unmodified aws command line as somebody new to them would type it.

use blackbox::{SoftHsm, program, stand_in};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[test]
fn the_story_of_an_external_key_store_is_told_to_its_end() {
    let said = tell("xks_store.sh", &stand_in("faulty-xks-proxy"));
    assert!(said.contains("aws kms re-encrypt") && said.contains("# The end"), "{said}");
}

#[test]
fn the_story_of_keys_that_are_held_by_their_owner_is_told_to_its_end() {
    let said = tell("xks_proxy.sh", &program("cardea-xks-proxy"));
    assert!(said.contains("cardea-xks-proxy reconcile") && said.contains("# The end"), "{said}");
}

#[test]
fn the_story_of_a_key_store_on_hsms_is_told_to_its_end() {
    let said = tell("hsm_store.sh", &SoftHsm::library());
    assert!(said.contains("aws kms generate-random") && said.contains("# The end"), "{said}");
}

/// Runs a story in a directory of its own, with nothing in the environment but what it says that it takes.
#[track_caller]
fn tell(story: &str, other: &Path) -> String {
    let directory = tempfile::Builder::new().prefix("story-").tempdir().unwrap();
    let places = [program("cardea"), other.to_owned(), environment().join("bin/aws")];
    let places = places.iter().map(|place| place.parent().unwrap().to_owned());
    let path = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(places.chain(std::env::split_paths(&path))).unwrap();
    let mut shell = Command::new("sh");
    shell.arg(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/story")).join(story));
    shell.env_clear().env("PATH", path).env("HOME", directory.path()).env("LIBRARY", SoftHsm::library());
    let told = shell.current_dir(directory.path()).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&told.stdout).into_owned();
    let errors = String::from_utf8_lossy(&told.stderr);
    let log = std::fs::read_to_string(directory.path().join("service.log")).unwrap_or_default();
    assert!(told.status.success(), "{}\n{said}\n{errors}\n{log}", told.status);
    said
}

/// Where the aws command line is, in the target directory that this test is in too.
pub fn environment() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let mut places = test.ancestors().map(|place| place.join("venv-cli"));
    let made = places.find(|place| place.join("bin/aws").exists());
    made.unwrap_or_else(|| panic!("there is no venv-cli: run `cargo xtask test --prepare` first"))
}
