//! How much memory clients can make the proxy use.

use crate::client::{Ask, Connection, Credential, encrypt, health, raw};
use crate::setup::Setup;

#[test]
fn two_thousand_connections_and_hundreds_of_unfinished_bodies_take_less_than_64_megabytes() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start();
    let config = proxy.trust.config();
    let connections = (0..2000).map(|_| {
        let mut connection = Connection::with(&proxy, config.clone());
        assert_eq!(connection.ask(&encrypt("/a", "one", "AAAA")).status, 200);
        connection
    });
    let mut connections: Vec<_> = connections.collect();
    let is_little = |when: &str| {
        let kilobytes = proxy.anonymous_kilobytes();
        assert!(kilobytes < 64 << 10, "{kilobytes} KiB with {when}");
    };
    is_little("2,000 connections");
    let unknown = Credential { access_key_id: "ZZZZZZZZZZZZZZZZZZZZ", ..Credential::ALL[0] };
    for (number, connection) in connections.iter_mut().take(300).enumerate() {
        let credential = if number % 2 == 0 { unknown } else { Credential::ALL[0] };
        let head = String::from_utf8(raw(&Ask { credential, ..health("/a") }.head(), b"")).unwrap();
        let whole =
            [head.replace("content-length: 0", "content-length: 60000").as_bytes(), &[b'x'; 50_000]].concat();
        // The proxy may have ended it.
        let _ = connection.send(&whole);
    }
    is_little("unfinished bodies");
}
