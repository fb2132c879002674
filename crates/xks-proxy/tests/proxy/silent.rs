//! Before a key manager that never says anything.

use crate::client::{Connection, encrypt, health, raw};
use crate::metrics::collected;
use crate::setup::{Proxy, Setup, credential, store};
use std::net::TcpListener;

/// With the store `/a` before a key manager that takes connections and never says anything.
fn before_a_silent_key_manager(setup: &Setup) -> (Proxy, TcpListener) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    setup.write("token", "hvs.token");
    setup.write("authority.pem", &setup.authority.certificate);
    let port = silent.local_addr().unwrap().port();
    let key_manager = format!(
        "[[key_manager]]\nname = 'silent'\nkind = 'vault'\naddresses = ['https://localhost:{port}']\n\
         token_file = 'token'\nca_files = ['authority.pem']\ntest_key = 'test'\ntry_timeout = '4s'\ntimeout = '4s'\n"
    );
    let of_store = store("/a", "").replace("'soft'", "'silent'");
    let credential = credential(&crate::client::Credential::ALL[0]);
    let limits = "[limits]\nkey_manager_timeout = '5s'\n";
    setup.configure("", "", &format!("{limits}{key_manager}{of_store}{credential}"));
    (setup.start(), silent)
}

#[test]
fn a_call_whose_caller_hangs_up_is_recorded_with_what_became_of_it() {
    let setup = Setup::new();
    let (mut proxy, _silent) = before_a_silent_key_manager(&setup);
    let mut connection = Connection::open(&proxy);
    // What is unread when a connection is closed would reset it, and the request be lost with it.
    assert_eq!(connection.ask(&health("/a")).status, 200);
    let ask = encrypt("/a", "one", "AAAA");
    connection.send(&raw(&ask.head(), &ask.body)).unwrap();
    while !collected(&setup).contains("cardea_xks_proxy_requests_in_flight 1") {}
    drop(connection);
    setup.wait_for_log("a call failed");
    assert!(proxy.stop().success());
    let records = setup.records();
    let [_, record] = &*records else { panic!("not two records: {records:?}") };
    assert_eq!(record["kmsRequestId"], "4112f4d6-db54-4af4-ae30-c55a22a8dfae");
    assert_eq!(record["errorName"], "DependencyTimeoutException");
}

#[test]
fn the_test_key_is_no_customers_where_a_store_shows_all_keys() {
    let setup = Setup::new();
    let (proxy, _silent) = before_a_silent_key_manager(&setup);
    let refused = proxy.ask(&encrypt("/a", "test", "AAAA"));
    assert_eq!(refused.outcome(), (404, "KeyNotFoundException".to_owned()));
}
