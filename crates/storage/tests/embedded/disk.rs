//! Disks that are full or fail.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::child;

#[test]
fn a_full_disk_refuses_commits_whole_and_room_brings_them_back() {
    let directory = tempfile::tempdir().unwrap();
    let small = "mount -t tmpfs -o size=18m tmpfs \"$STORAGE_TEST_DIRECTORY\" && exec \"$0\" \"$@\"";
    let Some(namespace) = namespace() else {
        assert!(env::var_os("CI").is_none(), "no mount namespace, so no small disk can be made");
        return eprintln!("skipped: no mount namespace, so no small disk can be made");
    };
    let wrapper = [namespace, &["sh", "-c", small]].concat();
    let ended = child::command("overflow", directory.path(), &wrapper).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "it was not on the small disk");
}

#[test]
fn after_a_failed_write_the_store_knows_what_it_has_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let limited = "trap '' XFSZ; ulimit -S -f 8192; exec \"$0\" \"$@\"";
    let mut child = child::start("surpass", directory.path(), &["sh", "-c", limited]);
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(output.any(|line| line.unwrap().ends_with("failed")), "it ended before the limit");
    let mut lift = Command::new("prlimit");
    lift.arg("--fsize=unlimited").args(["--pid", &child.id().to_string()]);
    assert!(lift.status().unwrap().success());
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let rest: Vec<String> = output.map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success(), "{}", rest.join("\n"));
}

/// How to start a program that may mount: as whoever we are, or as root if we are.
fn namespace() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["unshare", "--map-root-user", "--mount"], &["unshare", "--mount"]];
    ways.into_iter().find(|way| {
        let mut probe = Command::new(way[0]);
        probe.args(&way[1..]).args(["sh", "-c", "mount -t tmpfs tmpfs /tmp"]);
        probe.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    })
}
