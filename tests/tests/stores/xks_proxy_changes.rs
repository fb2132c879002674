//! What the operator of our proxy changes while it is used.

use crate::held::{Held, KEYS, data_key_request, id_of};
use crate::load;
use crate::store::until;
use faulty_proxy::Leaf;
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn a_credential_is_replaced_under_load_and_no_request_fails() {
    let held = Held::in_a_file();
    let server = held.start();
    let store = held.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let second = held.proxy.must(&["credential", "new"]);
    let new = held.as_kms_takes(&id_of(&second));
    let came = load::during(&server, &key, 2, |load| {
        load.pass(20);
        held.configure(&second);
        until("the proxy knows the new one", || {
            store.update(json!({"XksProxyAuthenticationCredential": new})).status == 200
        });
        load.pass(20);
        held.configure_with("", &held.store_with(&second));
        until("the proxy knows the old one no more", || {
            let health = json!({"requestMetadata": {"kmsRequestId": "1", "kmsOperation": "KmsHealthCheck"}});
            held.ask_directly(&mut held.connect(), "health", &health).status == 401
        });
        load.pass(20);
    });
    came.nothing_failed();
    let mut used: Vec<_> = held.proxy.journal().iter().map(|record| record["accessKeyId"].clone()).collect();
    used.retain(|id| id.is_string());
    assert_eq!(used.last().unwrap(), &id_of(&second));
    assert_eq!(used.iter().map(ToString::to_string).collect::<BTreeSet<_>>().len(), 2);
}

#[test]
fn a_certificate_and_limits_are_replaced_under_load_and_no_connection_is_lost() {
    let held = Held::in_a_file();
    let server = held.start();
    let store = held.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let long = data_key_request(&[7; 4900]);
    let encrypt = format!("keys/{}/encrypt", KEYS[1]);
    let mut open = held.connect();
    let refused = held.ask_directly(&mut open, &encrypt, &long);
    assert!(refused.text().contains("UnsupportedOperationException"), "{}", refused.text());
    let old = open.certificate();
    let came = load::during(&server, &key, 2, |load| {
        load.pass(20);
        held.show(&held.authority.issue(&Leaf::server()).unwrap());
        until("another certificate is shown", || {
            let mut connection = held.connect();
            let _ = held.ask_directly(&mut connection, &encrypt, &long);
            connection.certificate() != old
        });
        load.pass(20);
        held.configure_with("[limits]\nplaintext_bytes = 5000\n", &held.store_with(&held.credential));
        until("more is taken", || held.ask_directly(&mut open, &encrypt, &long).status == 200);
        load.pass(20);
    });
    came.nothing_failed();
    assert_eq!(open.certificate(), old, "the connection is the one from the beginning");
}

#[test]
fn a_configuration_with_a_mistake_is_kept_out_under_load_and_no_request_fails() {
    let held = Held::in_a_file();
    let server = held.start();
    let store = held.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let came = load::during(&server, &key, 2, |load| {
        load.pass(20);
        held.configure_with("[limits]\nplaintext_byts = 5000\n", &held.store_with(&held.credential));
        until("it is refused", || held.proxy.log().contains("plaintext_byts"));
        load.pass(20);
    });
    came.nothing_failed();
    assert!(held.proxy.log().contains("the new configuration is not taken, the one before stays"));
}
