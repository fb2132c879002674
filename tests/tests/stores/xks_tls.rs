//! Whom the service takes for a proxy, and who it is to a proxy that asks.

use crate::metrics::metric;
use crate::proxied::{KEYS, OTHER_PATH, PATH, Proxied, input};
use crate::store::{Store, until};
use crate::words;
use blackbox::Server;
use faulty_proxy::{Authority, ClientAuth, Identity, Leaf, OldTlsServer, Protocol, TLS12, TLS13, Tls};
use serde_json::json;
use std::time::Duration;

#[test]
fn a_certificate_that_is_expired_of_another_name_or_of_an_unknown_authority_is_not_trusted() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    let spare = Store::create(&server, &proxied.input("spare", OTHER_PATH));
    let issued = |leaf: &Leaf| proxied.authority.issue(leaf).unwrap();
    let show = |identity: Identity| {
        proxied.proxy.change_tls(&Tls::new(identity)).unwrap();
        proxied.proxy.close_connections();
    };
    let stranger = Authority::new().unwrap();
    for (identity, what) in [
        (issued(&Leaf::server().expired()), "expired"),
        (issued(&Leaf::named("other.example.com")), "another name"),
        (stranger.issue(&Leaf::server()).unwrap(), "an unknown authority"),
    ] {
        show(identity);
        assert_eq!(store.decrypt(&blob).fault(), fault("KMSInvalidStateException"), "{what}");
        let mut wanted = proxied.input("another", "/third/kms/xks/v1");
        wanted["XksProxyUriEndpoint"] = proxied.proxy.endpoint().into();
        let made = server.call("CreateCustomKeyStore", &wanted);
        assert_eq!(made.fault(), fault("XksProxyInvalidConfigurationException"), "{what}");
        let made = store.try_create_key_of(KEYS[1]);
        assert_eq!(made.fault(), fault("CustomKeyStoreInvalidStateException"), "{what}");
        assert_eq!(spare.try_connect(), Err("XKS_PROXY_INVALID_TLS_CONFIGURATION".to_owned()), "{what}");
        spare.disconnect();
        show(issued(&Leaf::server()));
        until("the certificate is right again", || store.decrypt(&blob).status == 200);
    }
    store.opens(&blob);
}

#[test]
fn a_proxy_that_speaks_tls_1_1_only_is_not_spoken_to() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let old = OldTlsServer::start(&proxied.authority.issue(&Leaf::server()).unwrap()).unwrap();
    let endpoint = format!("https://localhost:{}", old.address().port());
    let made = server.call("CreateCustomKeyStore", &input("old", &endpoint, PATH));
    assert_eq!(made.fault(), fault("XksProxyInvalidConfigurationException"));
}

#[test]
fn tls_1_2_and_1_3_with_and_without_http_2_and_keys_of_both_kinds_are_spoken() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    for leaf in [Leaf::server(), Leaf::server().with_rsa()] {
        for (version, more) in [(&TLS12, &[][..]), (&TLS13, &[]), (&TLS13, &[Protocol::Http2])] {
            let mut tls = Tls::new(proxied.authority.issue(&leaf).unwrap());
            (tls.versions, tls.protocols) = (vec![version], [more, &[Protocol::Http11]].concat());
            proxied.proxy.change_tls(&tls).unwrap();
            proxied.proxy.close_connections();
            store.opens(&store.sealed(&key));
        }
    }
}

#[test]
fn the_days_until_a_certificate_expires_are_measured() {
    let proxied = Proxied::new();
    let leaf = Leaf::server().expiring_in(Duration::from_secs(5 * 86_400 + 3600));
    proxied.proxy.change_tls(&Tls::new(proxied.authority.issue(&leaf).unwrap())).unwrap();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let labels = [("CustomKeyStoreId", store.id.as_str()), ("CertificateName", "xks.example.com")];
    assert_eq!(metric(&server, "XksProxyCertificateDaysToExpire", &labels), Some(5.0));
    let key = store.create_key_of(KEYS[0]);
    proxied.proxy.change_tls(&Tls::new(proxied.authority.issue(&Leaf::server()).unwrap())).unwrap();
    proxied.proxy.close_connections();
    store.opens(&store.sealed(&key));
    until("the new certificate is known", || {
        metric(&server, "XksProxyCertificateDaysToExpire", &labels).is_some_and(|days| days > 300.0)
    });
}

#[test]
fn a_proxy_that_asks_who_we_are_is_shown_the_configured_certificate() {
    let (clients, strangers) = (Authority::new().unwrap(), Authority::new().unwrap());
    let name = "cks.kms.us-east-1.amazonaws.com";
    let proxied = Proxied::with(|setup| {
        setup.tls.client_auth =
            Some(ClientAuth { authority_pem: clients.pem().to_owned(), common_name: name.to_owned() });
    });
    let shows = |identity: &Identity| -> Server {
        std::fs::write(proxied.file("client.pem"), identity.certificate_pem()).unwrap();
        std::fs::write(proxied.file("client.key"), identity.key_pem()).unwrap();
        let (certificate, key) = (proxied.file("client.pem"), proxied.file("client.key"));
        proxied.server_with(&format!("client_certificate = {certificate:?}\nclient_key = {key:?}\n"))
    };
    let server = shows(&clients.issue(&Leaf::client(name)).unwrap());
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    store.opens(&store.sealed(&key));
    let refused = |server: &Server, what: &str| {
        let made = server.call("CreateCustomKeyStore", &proxied.input("first", PATH));
        assert_eq!(made.fault(), fault("XksProxyInvalidConfigurationException"), "{what}");
    };
    refused(&proxied.server(), "no certificate");
    refused(&shows(&clients.issue(&Leaf::client("somebody.else")).unwrap()), "another name");
    refused(&shows(&strangers.issue(&Leaf::client(name)).unwrap()), "another authority");
}

#[test]
fn authorities_come_from_the_configuration_and_from_the_command_line() {
    let (proxied, other) = (Proxied::new(), Proxied::new());
    let argument = other.file("ca.pem");
    let server = proxied.builder("").argument("--xks-ca").argument(argument.to_str().unwrap()).start();
    let _ = Store::create(&server, &proxied.input("first", PATH));
    let _ = Store::create(&server, &other.input("second", PATH));
    let third = Proxied::new();
    let made = server.call("CreateCustomKeyStore", &third.input("third", PATH));
    assert_eq!(made.fault(), fault("XksProxyInvalidConfigurationException"));
    let stores = server.call("DescribeCustomKeyStores", &json!({})).output();
    assert_eq!(stores["CustomKeyStores"].as_array().unwrap().len(), 2);
}

fn fault(error: &str) -> (String, Option<String>) {
    (error.to_owned(), Some(words::NO_TLS.to_owned()))
}
