//! What a collector reads.

use crate::client::{Ask, Connection, Credential, encrypt, health};
use crate::setup::Setup;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// The address is told in the log alone: it is not for clients.
pub fn collected(setup: &Setup) -> String {
    let log = setup.log();
    let address = log.split_once("metrics=").unwrap().1.split_whitespace().next().unwrap();
    let mut stream = TcpStream::connect(address.trim_matches('"')).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn calls_refusals_and_how_everything_is_are_measured() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    for _ in 0..3 {
        connection.ask(&encrypt("/a", "one", "AAAA"));
    }
    connection.ask(&encrypt("/a", "gone", "AAAA"));
    connection.ask(&Ask { credential: Credential::ALL[1], ..health("/a") });
    setup.write("proxy.toml", "nonsense");
    proxy.signal("HUP");
    setup.wait_for_log("is not taken");
    let text = collected(&setup);
    for line in [
        r#"cardea_xks_proxy_requests_total{store="/a",operation="Encrypt",outcome="Success"} 3"#,
        r#"cardea_xks_proxy_requests_total{store="/a",operation="Encrypt",outcome="KeyNotFoundException"} 1"#,
        r#"cardea_xks_proxy_request_duration_seconds_count{store="/a",operation="Encrypt"} 4"#,
        r#"cardea_xks_proxy_key_manager_duration_seconds_count{key_manager="soft",operation="Encrypt"} 4"#,
        r#"cardea_xks_proxy_refused_unauthenticated_total{store="/a",reason="access_key_id"} 1"#,
        r#"cardea_xks_proxy_reloads_total{outcome="refused"} 1"#,
        "cardea_xks_proxy_connections 1",
        "cardea_xks_proxy_requests_in_flight 0",
        "cardea_xks_proxy_journal_healthy 1",
        "cardea_xks_proxy_unrecorded_total 0",
        r#"cardea_xks_proxy_credential_age_seconds{store="/a",access_key_id="AAAAAAAAAAAAAAAAAAAA"} "#,
        "cardea_xks_proxy_certificate_expiry_seconds ",
        r#"status="ACTIVE"} 1"#,
    ] {
        assert!(text.contains(line), "`{line}` is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}
