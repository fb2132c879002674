//! Where a proxy is, and what changes while it is used (K25).

use std::time::Duration;

use crate::rig::{Rig, client, failure, record, routed, seal, service_record, trusting};
use faulty_proxy::{Credential, Proxy, Setup};
use https::{Route, Routes};
use keys::Moment;
use keystores::xks::{Settings, Shared};
use keystores::{StoreError, XksFailure};
use tokio::net::{TcpStream, UnixListener};
use zeroize::Zeroizing;

#[tokio::test]
async fn a_route_changes_where_a_connection_goes_and_not_whom_it_is_with() {
    let proxy = Proxy::start(Setup::new().unwrap()).unwrap();
    let route = Route::Tcp("127.0.0.1".to_owned(), proxy.address().port());
    let settings =
        Settings { tls: trusting(&proxy.ca_pem(), None), routes: routed("xks.example.com", route) };
    let rig = Rig::over(proxy, &settings, Some(record("https://xks.example.com")), 1800);
    let blob = rig.seal().await.unwrap();
    rig.open(&blob).await.unwrap();
    assert_eq!(rig.proxy.requests()[0].headers["host"], "xks.example.com");
}

#[tokio::test]
async fn a_route_may_lead_to_a_unix_socket() {
    let proxy = Proxy::start(Setup::new().unwrap()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("proxy.sock");
    tokio::spawn(relay(UnixListener::bind(&path).unwrap(), proxy.address()));
    let settings = Settings {
        tls: trusting(&proxy.ca_pem(), None),
        routes: routed("xks.example.com", Route::Unix(path)),
    };
    let rig = Rig::over(proxy, &settings, Some(record("https://xks.example.com")), 1800);
    assert!(rig.seal().await.is_ok());
}

async fn relay(listener: UnixListener, to: std::net::SocketAddr) {
    while let Ok((mut near, _)) = listener.accept().await {
        let mut far = TcpStream::connect(to).await.unwrap();
        tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
    }
}

#[tokio::test]
async fn a_vpc_endpoint_service_is_where_its_name_leads() {
    let proxy = Proxy::start(Setup::new().unwrap()).unwrap();
    let route = Route::Tcp("127.0.0.1".to_owned(), proxy.address().port());
    let settings = Settings { tls: trusting(&proxy.ca_pem(), None), routes: routed(SERVICE, route) };
    let record = service_record("https://xks.example.com", SERVICE);
    let rig = Rig::over(proxy, &settings, Some(record), 1800);
    assert!(rig.seal().await.is_ok());
}

#[tokio::test]
async fn a_vpc_endpoint_service_without_a_route_is_not_found_and_its_host_not_looked_up() {
    let proxy = Proxy::start(Setup::new().unwrap()).unwrap();
    let route = Route::Tcp("127.0.0.1".to_owned(), proxy.address().port());
    let settings =
        Settings { tls: trusting(&proxy.ca_pem(), None), routes: routed("xks.example.com", route) };
    let record = service_record("https://xks.example.com", SERVICE);
    let outcome = client(&settings, &record, &Shared::of_proposal());
    let expected = StoreError::Xks(XksFailure::VpcEndpointServiceNotFound);
    assert_eq!(outcome.map(|_| ()), Err(expected));
}

#[tokio::test]
async fn a_new_credential_goes_over_the_connections_that_are_there() {
    let rig = Rig::new();
    rig.seal().await.unwrap();
    rig.proxy.add_credential(Credential::new(SECOND_ID, SECOND_SECRET));
    let mut changed = record(&rig.proxy.endpoint());
    changed.access_key_id = SECOND_ID.to_owned();
    changed.credential_since = Moment::from_millis(1_790_000_000_000);
    let secret = || Zeroizing::new(SECOND_SECRET.to_owned());
    let second = rig.client.with_credential(&changed, secret()).unwrap();
    assert!(seal(&second, b"inner").await.is_ok());
    assert!(rig.seal().await.is_ok(), "what is under way with the first is not cut off");
    rig.proxy.remove_credential(Credential::EXAMPLE_ID);
    assert!(seal(&second, b"inner").await.is_ok());
    assert_eq!(failure(rig.seal().await), XksFailure::AuthenticationFailed);
    assert_eq!(rig.proxy.counters().connections, 1);
    let ids: Vec<_> = rig.proxy.requests().iter().map(|request| request.signature.clone()).collect();
    assert_eq!(ids[1].as_deref(), Ok(SECOND_ID));
    assert!(rig.client.with_credential(&record("https://other.example.com"), secret()).is_none());
    assert!(rig.client.with_credential(&service_record(&changed.uri_endpoint, SERVICE), secret()).is_none());
}

#[tokio::test]
async fn credentials_that_change_all_the_time_fail_no_call() {
    let rig = Rig::new();
    rig.proxy.add_credential(Credential::new(SECOND_ID, SECOND_SECRET));
    let first = record(&rig.proxy.endpoint());
    let second = keys::XksProxy { access_key_id: SECOND_ID.to_owned(), ..first.clone() };
    let mut client = rig.client.clone();
    for round in 0..30 {
        let (record, secret) =
            if round % 2 == 0 { (&second, SECOND_SECRET) } else { (&first, Credential::EXAMPLE_SECRET) };
        client = client.with_credential(record, Zeroizing::new(secret.to_owned())).unwrap();
        let (a, b) = tokio::join!(seal(&client, b"inner"), rig.seal());
        assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
    }
    assert!(rig.proxy.counters().connections <= 4, "{:?}", rig.proxy.counters());
}

#[tokio::test]
async fn a_wrong_secret_is_a_failed_authentication() {
    let rig = Rig::new();
    let record = record(&rig.proxy.endpoint());
    let wrong = rig.client.with_credential(&record, Zeroizing::new(SECOND_SECRET.to_owned())).unwrap();
    assert_eq!(failure(seal(&wrong, b"inner").await), XksFailure::AuthenticationFailed);
}

#[tokio::test]
async fn connections_that_the_proxy_closes_fail_no_call() {
    let rig = Rig::new();
    for _ in 0..30 {
        rig.seal().await.unwrap();
        rig.proxy.close_connections();
    }
    rig.proxy.restart().unwrap();
    rig.seal().await.unwrap();
}

#[tokio::test]
async fn another_path_is_the_same_proxy_and_an_unknown_one_is_told() {
    let setup = Setup { uri_prefixes: vec![String::new(), "/tenant".to_owned()], ..Setup::new().unwrap() };
    let rig = Rig::with(setup, 1800);
    for (path, expected) in
        [("/tenant/kms/xks/v1", None), ("/nobody/kms/xks/v1", Some(XksFailure::InvalidUriPath))]
    {
        let mut record = record(&rig.proxy.endpoint());
        record.uri_path = path.to_owned();
        let secret = Zeroizing::new(Credential::EXAMPLE_SECRET.to_owned());
        let client = rig.client.with_credential(&record, secret).unwrap();
        let outcome = seal(&client, b"inner").await;
        assert_eq!(outcome.err(), expected.map(StoreError::Xks));
    }
}

#[tokio::test]
async fn nothing_that_is_printed_of_a_client_holds_a_secret() {
    let rig = Rig::new();
    rig.seal().await.unwrap();
    let printed = format!("{:?}", rig.client);
    assert!(printed.contains(Credential::EXAMPLE_ID));
    assert!(!printed.contains(Credential::EXAMPLE_SECRET), "{printed}");
}

#[tokio::test]
async fn who_asks_a_dead_proxy_until_it_answers_stops_when_its_last_client_is_gone() {
    let rig = Rig::new();
    rig.proxy.stop();
    for _ in 0..6 {
        assert_eq!(failure(rig.seal().await), XksFailure::Unreachable);
    }
    let shared = std::sync::Arc::downgrade(&rig.shared);
    let Rig { proxy, client, shared: held, .. } = rig;
    drop((client, held));
    let began = std::time::Instant::now();
    while shared.upgrade().is_some() {
        assert!(began.elapsed() < Duration::from_secs(3), "it asks for ever");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(proxy);
}

#[tokio::test]
async fn settings_without_routes_look_names_up() {
    let rig = Rig::new();
    assert!(rig.proxy.endpoint().starts_with("https://localhost:"));
    let settings = Settings { tls: trusting(&rig.proxy.ca_pem(), None), routes: Routes::default() };
    let client = client(&settings, &record(&rig.proxy.endpoint()), &Shared::of_proposal()).unwrap();
    assert!(client.health("CreateCustomKeyStore", "1").await.is_ok());
}

const SERVICE: &str = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0";
const SECOND_ID: &str = "SECONDCREDENTIAL234567AB";
const SECOND_SECRET: &str = "another/secret+of/the/proxy/with/more/than/43/characters/0123";
