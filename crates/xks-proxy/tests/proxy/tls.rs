//! Whom the handshake lets in.

use crate::client::{Connection, Trust, health};
use crate::setup::{Authority, Proxy, Setup, two_stores};
use rustls::{HandshakeKind, ProtocolVersion};

const SUBJECT: &str = "cks.kms.eu-central-1.amazonaws.com";

/// Whether who shows that certificate gets an answer.
fn is_let_in(proxy: &Proxy, client: Option<(String, String)>) -> Result<u16, String> {
    let trust = Trust { client, ..proxy.trust.clone() };
    let mut connection = Connection::with(proxy, trust.config());
    let ask = health("/a");
    let sent = connection.send(&crate::client::raw(&ask.head(), &ask.body));
    sent.and_then(|()| connection.answer()).map(|answer| answer.status).map_err(|error| error.to_string())
}

#[test]
fn only_the_right_subject_of_the_right_authority_is_let_in() {
    let setup = Setup::new();
    let (clients, others) = (Authority::new("clients"), Authority::new("others"));
    setup.write("clients.pem", &clients.certificate);
    let tls = format!("client_ca_files = ['clients.pem']\nclient_subjects = ['{SUBJECT}']");
    setup.configure("", &tls, &two_stores(""));
    let mut proxy = setup.start();
    assert_eq!(
        is_let_in(&proxy, Some(clients.certificate(&[], Some(SUBJECT)))),
        Ok(200),
        "no alternative name"
    );
    assert_eq!(is_let_in(&proxy, Some(clients.certificate(&["other"], Some(SUBJECT)))), Ok(200));
    let refused = "HandshakeFailure";
    for (why, client) in [
        ("another subject", clients.certificate(&[], Some("somebody.else"))),
        ("the alternative name is no subject", clients.certificate(&[SUBJECT], Some("somebody.else"))),
        ("no subject", clients.certificate(&[SUBJECT], None)),
        ("another authority", others.certificate(&[], Some(SUBJECT))),
    ] {
        let error = is_let_in(&proxy, Some(client)).unwrap_err();
        assert!(error.contains(refused), "{why}: {error}");
    }
    assert!(is_let_in(&proxy, None).is_err(), "no certificate");
    assert!(proxy.stop().success());
    let records = setup.records();
    assert!(records.iter().all(|record| record["clientCertificateSubject"] == SUBJECT), "{records:?}");
}

/// A session that is resumed would outlive the certificate.
#[test]
fn who_has_to_show_a_certificate_shows_it_in_every_handshake() {
    let setup = Setup::new();
    let clients = Authority::new("clients");
    setup.write("clients.pem", &clients.certificate);
    let mutual = format!("client_ca_files = ['clients.pem']\nclient_subjects = ['{SUBJECT}']");
    for (tls, kind) in [("", HandshakeKind::Resumed), (&*mutual, HandshakeKind::Full)] {
        setup.configure("", tls, &two_stores(""));
        let proxy = setup.start();
        let trust = Trust { client: Some(clients.certificate(&[], Some(SUBJECT))), ..proxy.trust.clone() };
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let config = trust.config_of(&[version]);
            assert_eq!(Connection::with(&proxy, config.clone()).ask(&health("/a")).status, 200);
            let mut again = Connection::with(&proxy, config);
            assert_eq!(again.ask(&health("/a")).status, 200);
            assert_eq!(again.handshake_kind(), Some(kind), "{version:?}");
        }
    }
}

#[test]
fn both_protocols_and_both_versions_are_spoken_as_the_client_wants() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start();
    for (offered, chosen) in
        [(vec!["h2", "http/1.1"], Some("h2")), (vec!["http/1.1"], Some("http/1.1")), (vec![], None)]
    {
        let mut config = proxy.trust.config();
        config.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
        let mut connection = Connection::with(&proxy, config);
        connection.send(b"").unwrap();
        assert_eq!(connection.protocol().as_deref(), chosen.map(str::as_bytes), "{offered:?}");
    }
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut connection = Connection::with(&proxy, proxy.trust.config_of(&[version]));
        assert_eq!(connection.ask(&health("/a")).status, 200);
        assert_eq!(connection.version(), Some(version.version));
    }
}

#[test]
fn tls_1_2_is_refused_where_1_3_is_the_least() {
    let setup = Setup::new();
    setup.configure("", "minimum_version = '1.3'", &two_stores(""));
    let proxy = setup.start();
    let mut old = Connection::with(&proxy, proxy.trust.config_of(&[&rustls::version::TLS12]));
    assert!(old.send(b"GET /ping HTTP/1.1\r\n").is_err());
    let mut new = Connection::with(&proxy, proxy.trust.config_of(&[&rustls::version::TLS13]));
    assert_eq!(new.ask(&health("/a")).status, 200);
    assert_eq!(new.version(), Some(ProtocolVersion::TLSv1_3));
}
