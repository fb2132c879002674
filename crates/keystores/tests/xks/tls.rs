//! Whom we trust, and who we are (K22).

use std::time::Duration;

use crate::rig::{Rig, failure, record, routed, trusting};
use faulty_proxy::{
    Authority, CipherSuite, ClientAuth, ConnectionFault, Identity, Leaf, Often, OldTlsServer, Protocol,
    Proxy, Setup, TLS12, TLS13, Tls,
};
use https::{ClientCertificate, Roots, Route, Routes};
use keystores::XksFailure;
use keystores::xks::Settings;

fn rig(tls: Tls) -> Rig {
    Rig::with(Setup::with_tls(tls), 1800)
}

fn issued(leaf: &Leaf) -> Identity {
    Authority::new().unwrap().issue(leaf).unwrap()
}

#[tokio::test]
async fn a_private_authority_is_trusted_if_it_is_configured_and_else_not() {
    let rig = Rig::new();
    assert!(rig.seal().await.is_ok());
    let another = Authority::new().unwrap();
    for tls in [trusting(another.pem(), None), https::Tls::new(Roots::system(), None).unwrap()] {
        let settings = Settings { tls, routes: Routes::default() };
        let rig = Rig::over(Proxy::start(Setup::new().unwrap()).unwrap(), &settings, None, 1800);
        assert_eq!(failure(rig.seal().await), XksFailure::Tls);
        assert_eq!(rig.proxy.counters().requests, 0);
    }
}

#[tokio::test]
async fn an_expired_certificate_or_one_of_another_name_is_not_taken() {
    for leaf in [Leaf::server().expired(), Leaf::named("other.example.com")] {
        let rig = rig(Tls::new(issued(&leaf)));
        assert_eq!(failure(rig.seal().await), XksFailure::Tls, "{leaf:?}");
        assert_eq!(rig.proxy.counters().requests, 0);
    }
}

#[tokio::test]
async fn each_suite_of_the_specification_is_spoken() {
    for (suite, leaf, version) in [
        (CipherSuite::TLS13_AES_256_GCM_SHA384, Leaf::server(), &TLS13),
        (CipherSuite::TLS13_CHACHA20_POLY1305_SHA256, Leaf::server(), &TLS13),
        (CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, Leaf::server(), &TLS12),
        (CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, Leaf::server().with_rsa(), &TLS12),
    ] {
        let tls = Tls { suite: Some(suite), versions: vec![version], ..Tls::new(issued(&leaf)) };
        assert!(rig(tls).seal().await.is_ok(), "{suite:?}");
    }
}

#[tokio::test]
async fn tls_1_1_is_not_spoken() {
    let identity = issued(&Leaf::server());
    let old = OldTlsServer::start(&identity).unwrap();
    let route = Route::Tcp("127.0.0.1".to_owned(), old.address().port());
    let settings =
        Settings { tls: trusting(identity.authority_pem(), None), routes: routed("xks.example.com", route) };
    let proxy = Proxy::start(Setup::new().unwrap()).unwrap();
    let rig = Rig::over(proxy, &settings, Some(record("https://xks.example.com")), 1800);
    assert_eq!(failure(rig.seal().await), XksFailure::Tls);
}

#[tokio::test]
async fn a_proxy_that_would_rather_speak_http_2_is_spoken_to_in_http_1_1() {
    for protocols in [vec![Protocol::Http2, Protocol::Http11], vec![Protocol::Http11], vec![]] {
        let rig = rig(Tls { protocols, ..Tls::new(issued(&Leaf::server())) });
        assert!(rig.seal().await.is_ok());
        assert_eq!(rig.proxy.requests()[0].version, http::Version::HTTP_11);
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_before_any_tls_is_a_proxy_that_cannot_be_reached() {
    for fault in
        [ConnectionFault::CloseOnAccept, ConnectionFault::ResetOnAccept, ConnectionFault::CloseAfterHandshake]
    {
        let rig = Rig::new();
        rig.proxy.inject_connection_fault(fault, Often::Always);
        assert_eq!(failure(rig.seal().await), XksFailure::Unreachable, "{fault:?}");
        rig.proxy.clear_faults();
        assert!(rig.seal().await.is_ok());
    }
}

/// A proxy that lets only KMS in, and a client that shows that certificate.
fn mutual(certificate: Option<&Identity>, authority: &Authority) -> Rig {
    let client_auth =
        Some(ClientAuth { authority_pem: authority.pem().to_owned(), common_name: KMS.to_owned() });
    let tls = Tls { client_auth, ..Tls::new(issued(&Leaf::server())) };
    let proxy = Proxy::start(Setup::with_tls(tls)).unwrap();
    let certificate = certificate.map(|identity| {
        let (chain, key) = (identity.certificate_pem(), identity.key_pem());
        ClientCertificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap()
    });
    let settings = Settings { tls: trusting(&proxy.ca_pem(), certificate), routes: Routes::default() };
    Rig::over(proxy, &settings, None, 1800)
}

#[tokio::test]
async fn a_proxy_that_asks_who_we_are_is_shown_our_certificate() {
    let authority = Authority::new().unwrap();
    let ours = authority.issue(&Leaf::client(KMS)).unwrap();
    let rig = mutual(Some(&ours), &authority);
    assert!(rig.seal().await.is_ok());
}

#[tokio::test]
async fn a_proxy_that_does_not_take_our_certificate_is_a_tls_failure() {
    let authority = Authority::new().unwrap();
    let stranger = authority.issue(&Leaf::client("cks.kms.eu-west-1.example.com")).unwrap();
    let of_another = issued(&Leaf::client(KMS));
    for certificate in [None, Some(&stranger), Some(&of_another)] {
        for _ in 0..5 {
            let rig = mutual(certificate, &authority);
            assert_eq!(failure(rig.seal().await), XksFailure::Tls);
            assert_eq!(rig.proxy.counters().requests, 0);
        }
    }
}

#[tokio::test]
async fn a_proxy_that_is_repaired_is_trusted_from_the_next_call_on() {
    let authority = Authority::new().unwrap();
    let rig = rig(Tls::new(authority.issue(&Leaf::server().expired()).unwrap()));
    assert_eq!(failure(rig.seal().await), XksFailure::Tls);
    let good = authority.issue(&Leaf::server().expiring_in(Duration::from_secs(3600))).unwrap();
    rig.proxy.change_tls(&Tls::new(good)).unwrap();
    assert!(rig.seal().await.is_ok());
}

const KMS: &str = "cks.kms.us-east-1.amazonaws.com";
