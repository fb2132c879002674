//! Misbehaviour on purpose.

use crate::client::{Connection, decrypt, encrypt, health};
use crate::setup::Setup;

#[test]
fn what_is_asked_for_goes_wrong_and_nothing_else() {
    let setup = Setup::new();
    setup.two_stores();
    let mut proxy =
        setup.start_with(&["--inject", "wrong-tag=1/1,operation=Encrypt,seed=1,latency=fixed:20ms"]);
    let mut connection = Connection::open(&proxy);
    let made = connection.ask(&encrypt("/a", "one", "AAAA"));
    assert_eq!(made.status, 200);
    assert!(made.head.contains("x-cardea-injected: wrong-tag latency=20000us"), "{}", made.head);
    let opened = connection.ask(&decrypt("/a", "one", &made.json()));
    assert_eq!(opened.outcome(), (400, "InvalidCiphertextException".to_owned()));
    let well = connection.ask(&health("/a"));
    assert!(well.status == 200 && !well.head.contains("x-cardea-injected"), "{well:?}");
    assert!(proxy.stop().success());
    let log = setup.log();
    for said in ["MISBEHAVES ON PURPOSE", "would KMS have failed you?", "100.0000 %"] {
        assert!(log.contains(said), "the log does not say `{said}`:\n{log}");
    }
}

#[test]
fn an_error_a_reset_and_nonsense_are_what_the_caller_gets() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start_with(&["--inject", "error=ThrottlingException:1/1"]);
    let throttled = proxy.ask(&encrypt("/a", "one", "AAAA"));
    assert_eq!(throttled.outcome(), (429, "ThrottlingException".to_owned()));
    drop(proxy);
    let proxy = setup.start_with(&["--inject", "reset=1/1"]);
    let mut connection = Connection::open(&proxy);
    let ask = encrypt("/a", "one", "AAAA");
    connection.send(&crate::client::raw(&ask.head(), &ask.body)).unwrap();
    assert!(connection.answer().is_err());
    drop(proxy);
    let proxy = setup.start_with(&["--inject", "truncated=1/1"]);
    let cut = proxy.ask(&encrypt("/a", "one", "AAAA"));
    assert!(serde_json::from_slice::<serde_json::Value>(&cut.body).is_err() && !cut.body.is_empty());
}

#[test]
fn a_specification_that_cannot_be_read_keeps_the_proxy_from_starting() {
    let setup = Setup::new();
    setup.two_stores();
    let output = setup.command(&["--inject", "explode=1/1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("explode=1/1"));
}
