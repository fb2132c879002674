//! The process: how it starts, why it does not, and how it ends.

use crate::client::{Connection, encrypt};
use crate::setup::Setup;
use std::time::Duration;

#[test]
fn a_configuration_that_is_wrong_keeps_it_from_starting_and_is_told_with_its_place() {
    let setup = Setup::new();
    setup.configure("listn = 1", "", "");
    let output = setup.command(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("proxy.toml:") && said.contains("listn"), "{said}");
}

#[test]
fn two_proxies_never_work_on_one_journal() {
    let setup = Setup::new();
    setup.two_stores();
    let _proxy = setup.start();
    let output = setup.command(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("is in use by another process"), "{said}");
}

#[test]
fn what_is_in_flight_is_answered_before_it_ends() {
    let setup = Setup::new();
    setup.two_stores();
    let mut proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    assert_eq!(connection.ask(&encrypt("/a", "one", "AAAA")).status, 200);
    let ask = encrypt("/a", "one", "AAAA");
    let whole = crate::client::raw(&ask.head(), &ask.body);
    let (before, after) = whole.split_at(whole.len() - 10);
    connection.send(before).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    proxy.signal("TERM");
    setup.wait_for_log("stopping");
    connection.send(after).unwrap();
    let answer = connection.answer().unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
    assert!(proxy.wait().success());
}

#[test]
fn nobody_but_root_may_look_into_it() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", proxy.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
}
