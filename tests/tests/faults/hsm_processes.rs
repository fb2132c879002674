//! The processes that have loaded an HSM's library: one a member, gone with the service however it ends.

use blackbox::{Server, SoftHsm};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn each_member_has_a_process_and_none_is_left_when_the_service_stops() {
    let cluster = SoftHsm::two_tokens();
    let server = Server::builder().hsm_cluster(&cluster).start();
    let processes = processes(&server, 2);
    assert!(server.terminate().success());
    let left = processes.iter().filter(|pid| is_there(**pid)).count();
    assert_eq!(left, 0, "the service has stopped before them\n{}", server.log());
}

#[test]
fn no_process_is_left_when_the_service_is_killed() {
    let cluster = SoftHsm::two_tokens();
    let server = Server::builder().hsm_cluster(&cluster).start();
    let processes = processes(&server, 2);
    server.kill();
    until("they are gone", || !processes.iter().any(|pid| is_there(*pid)));
}

#[test]
fn a_process_that_never_says_a_word_keeps_the_service_neither_from_serving_nor_from_stopping() {
    let outside = tempfile::tempdir().unwrap();
    let silence = outside.path().join("silence");
    assert!(Command::new("mkfifo").arg(&silence).status().unwrap().success());
    let program = script(outside.path(), &format!("read word < {}", silence.display()));
    let cluster = SoftHsm::two_tokens();
    let server = Server::builder().hsm_cluster(&cluster).more_config(&program).start();
    let processes = processes(&server, 2);
    let _ = server.create_key();
    assert!(server.terminate().success());
    assert!(!processes.iter().any(|pid| is_there(*pid)), "{}", server.log());
}

#[test]
fn an_administrator_s_errand_without_a_service_leaves_the_hsms_alone() {
    let outside = tempfile::tempdir().unwrap();
    let started = outside.path().join("started");
    let program = script(outside.path(), &format!("touch {}", started.display()));
    let cluster = SoftHsm::two_tokens();
    let server = Server::builder().hsm_cluster(&cluster).more_config(&program).start();
    until("the service has started the program", || started.exists());
    assert!(server.terminate().success(), "{}", server.log());
    fs::remove_file(&started).unwrap();
    let config = server.scratch().join("cardea.toml");
    let made = server.cardea(&["admin", "account", "create", "--config", config.to_str().unwrap()]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(!started.exists());
}

#[test]
fn a_library_that_is_not_there_is_no_reason_not_to_serve() {
    let cluster = SoftHsm::two_tokens().behind(Path::new("/nowhere/libpkcs11.so"));
    let server = Server::builder().hsm_cluster(&cluster).start();
    let _ = server.create_key();
    assert!(server.terminate().success(), "{}", server.log());
}

/// The setting that puts a script in the place of the program that loads libraries.
fn script(directory: &Path, line: &str) -> String {
    let program = directory.join("cardea-pkcs11");
    fs::write(&program, format!("#!/bin/sh\n{line}\n")).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    format!("[pkcs11]\nprogram = {program:?}\n")
}

/// The processes of the members, once there are so many.
fn processes(server: &Server, count: usize) -> Vec<u32> {
    until("each member has a process", || server.pkcs11_pids().len() == count);
    server.pkcs11_pids()
}

fn is_there(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < BOUND, "waited in vain until {what}");
        std::thread::sleep(POLL);
    }
}

const BOUND: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);
