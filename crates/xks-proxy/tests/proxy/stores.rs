//! Stores see nothing of each other.

use crate::client::{Ask, Connection, Credential, decrypt, encrypt};
use crate::setup::Setup;

#[test]
fn what_one_store_has_is_nothing_to_the_other() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let [a, b, _] = Credential::ALL;
    let mut outcome = |credential, store: &str, key: &str| {
        connection.ask(&Ask { credential, ..encrypt(store, key, "AAAA") }).outcome()
    };
    assert_eq!(outcome(a, "/a", "one").0, 200);
    assert_eq!(outcome(b, "/b", "two").0, 200);
    for (credential, store, key) in [(a, "/b", "two"), (b, "/a", "one"), (b, "/a", "two")] {
        assert_eq!(outcome(credential, store, key), (401, "AuthenticationFailedException".to_owned()));
    }
    for (credential, store, key) in [(a, "/a", "two"), (b, "/b", "one")] {
        assert_eq!(outcome(credential, store, key), (404, "KeyNotFoundException".to_owned()));
    }
}

#[test]
fn a_ciphertext_of_one_key_is_nothing_to_another() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let made = connection.ask(&encrypt("/a", "one", "AAAA")).json();
    let other = Ask { credential: Credential::ALL[1], ..decrypt("/b", "two", &made) };
    assert_eq!(connection.ask(&other).outcome(), (400, "InvalidCiphertextException".to_owned()));
}
