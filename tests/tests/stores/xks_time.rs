//! Proxies that are late, silent or gone: what a call costs then, that other keys notice nothing, and that all is as before once the proxy
//! is back. And a credential that is replaced while requests are under way.

use crate::load;
use crate::metrics::metric;
use crate::proxied::{KEYS, OTHER_CREDENTIAL, PATH, Proxied, credential, input};
use crate::store::{Store, timed, until};
use crate::words;
use faulty_proxy::{Api, BlackHole, ConnectionFault, Credential, Fault, Often, Scope};
use serde_json::json;
use std::time::Duration;

#[test]
fn one_late_answer_is_asked_for_again_and_two_end_the_call_in_time() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    for (api, call) in [(Api::Encrypt, &|| store.encrypt(&key)), (Api::Decrypt, &|| store.decrypt(&blob))]
        as [(Api, &dyn Fn() -> _); 2]
    {
        proxied.proxy.inject(Fault::Late(LATE), Scope::next(api, 1));
        let (answer, took) = timed(call);
        let _ = answer.output();
        assert!(took >= TRY && took < WHOLE, "{took:?}");
        let twice = || {
            proxied.proxy.inject(Fault::Late(LATE), Scope::next(api, 2));
            let (answer, took) = timed(call);
            answer.refuses("KMSInvalidStateException", words::TIMED_OUT);
            let _ = call().output();
            took
        };
        // A busy machine is late itself, but not always.
        let took = first_within(WHOLE, twice);
        assert!(took >= 2 * TRY, "{took:?}");
    }
    let labels = [
        ("KmsOperation", "Encrypt"),
        ("ErrorType", "Retryable errors"),
        ("ExceptionName", "XksProxyTimedOutException"),
    ];
    let late = metric(&server, "XksProxyErrors_total", &labels).unwrap();
    assert!(late >= 3.0, "each try counts: {late}");
    proxied.proxy.inject(Fault::Late(LATE), Scope::next(Api::Metadata, 2));
    store.try_create_key_of(KEYS[1]).refuses("CustomKeyStoreInvalidStateException", words::TIMED_OUT);
    proxied.proxy.inject(Fault::Late(LATE), Scope::next(Api::Health, 2));
    store
        .update(json!({"XksProxyUriPath": "/other/kms/xks/v1"}))
        .refuses("XksProxyUriUnreachableException", words::TIMED_OUT);
    store.disconnect();
    proxied.proxy.inject(Fault::Late(LATE), Scope::next(Api::Health, 2));
    assert_eq!(store.try_connect(), Err("XKS_PROXY_TIMED_OUT".to_owned()));
}

#[test]
fn a_proxy_that_never_answers_delays_nobody_else_and_soon_nobody_at_all() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let (key, native) = (store.create_key_of(KEYS[0]), server.create_key());
    let blob = store.sealed(&key);
    proxied.proxy.inject(Fault::NeverAnswer, Scope::EVERYTHING);
    let came = load::during(&server, &native, 2, |load| {
        std::thread::scope(|scope| {
            (0..8).for_each(|_| {
                drop(scope.spawn(|| {
                    let (answer, took) = timed(|| store.encrypt(&key));
                    answer.refuses("KMSInvalidStateException", words::TIMED_OUT);
                    assert!(took < WHOLE + SLACK, "{took:?}");
                }))
            });
            load.pass(20);
        });
        first_within(AT_ONCE, || {
            let (answer, took) = timed(|| store.decrypt(&blob));
            answer.refuses("KMSInvalidStateException", words::TIMED_OUT);
            took
        });
        assert!(server.record_of(&store.encrypt(&key))["additionalEventData"]["xksKeyId"] == KEYS[0]);
    });
    assert_eq!(came.failures, []);
    assert!(came.slowest < 2 * WHOLE, "a call with a native key took {:?}", came.slowest);
    proxied.proxy.clear_faults();
    until("the proxy is asked again", || store.encrypt(&key).status == 200);
    store.opens(&blob);
    assert_eq!(store.state(), "CONNECTED", "what happens to the backend does not change that");
}

#[test]
fn a_proxy_that_is_gone_cannot_be_communicated_with_until_it_is_back_and_nothing_is_lost() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let (key, native) = (store.create_key_of(KEYS[0]), server.create_key());
    let blobs: Vec<_> = (0..3).map(|_| store.sealed(&key)).collect();
    proxied.proxy.stop();
    for _ in 0..10 {
        store.decrypt(&blobs[0]).refuses("KMSInvalidStateException", words::CANNOT_COMMUNICATE);
        store.opens(&store.sealed(&native));
    }
    store
        .try_create_key_of(KEYS[1])
        .refuses("CustomKeyStoreInvalidStateException", words::CANNOT_COMMUNICATE);
    let update = store.update(json!({"XksProxyUriPath": "/other/kms/xks/v1"}));
    update.refuses("XksProxyUriUnreachableException", words::CANNOT_COMMUNICATE);
    server.restart();
    assert_eq!(store.state(), "CONNECTED");
    store.decrypt(&blobs[0]).refuses("KMSInvalidStateException", words::CANNOT_COMMUNICATE);
    proxied.proxy.restart().unwrap();
    until("the proxy is found again", || store.decrypt(&blobs[0]).status == 200);
    blobs.iter().for_each(|blob| store.opens(blob));
    proxied.proxy.stop();
    store.disconnect();
    assert_eq!(store.try_connect(), Err("XKS_PROXY_NOT_REACHABLE".to_owned()));
    store.disconnect();
    proxied.proxy.restart().unwrap();
    store.connect();
    blobs.iter().for_each(|blob| store.opens(blob));
}

#[test]
fn a_handshake_that_is_not_answered_is_late_too() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    proxied.proxy.inject_connection_fault(ConnectionFault::SilentOnAccept, Often::Next(2));
    proxied.proxy.close_connections();
    let (answer, took) = timed(|| store.decrypt(&blob));
    answer.refuses("KMSInvalidStateException", words::TIMED_OUT);
    assert!(took < WHOLE + SLACK, "{took:?}");
    until("it is answered again", || store.decrypt(&blob).status == 200);
    for fault in [ConnectionFault::ResetOnAccept, ConnectionFault::CloseOnAccept] {
        proxied.proxy.inject_connection_fault(fault, Often::Next(1));
        proxied.proxy.close_connections();
        let answer = store.decrypt(&blob);
        assert!(answer.status == 200 || answer.error() == "KMSInvalidStateException", "{}", answer.text());
        until("it is answered again", || store.decrypt(&blob).status == 200);
    }
}

#[test]
fn an_address_where_nobody_is_ends_a_connection_attempt_in_time() {
    let hole = BlackHole::open().unwrap();
    let proxied = Proxied::new();
    let service = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0";
    let server = proxied.server_with(&format!("connect_to = {{ {service:?} = \"{}\" }}\n", hole.address()));
    let mut wanted = input("private", "https://xks.example.com", PATH);
    wanted["XksProxyConnectivity"] = "VPC_ENDPOINT_SERVICE".into();
    wanted["XksProxyVpcEndpointServiceName"] = service.into();
    let store = Store::create(&server, &wanted);
    assert_eq!(store.try_connect(), Err("XKS_PROXY_TIMED_OUT".to_owned()));
}

#[test]
fn a_credential_is_replaced_under_load_without_a_failed_request() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let example = || Credential::new(Credential::EXAMPLE_ID, Credential::EXAMPLE_SECRET);
    let other = || Credential::new(OTHER_CREDENTIAL.0, OTHER_CREDENTIAL.1);
    let came = load::during(&server, &key, 6, |load| {
        for round in 0..4 {
            let (new, old) = if round % 2 == 0 { (other(), example()) } else { (example(), other()) };
            let (id, secret) = if round % 2 == 0 {
                OTHER_CREDENTIAL
            } else {
                (Credential::EXAMPLE_ID, Credential::EXAMPLE_SECRET)
            };
            load.pass(20);
            proxied.proxy.add_credential(new);
            let _ =
                store.update(json!({"XksProxyAuthenticationCredential": credential(id, secret)})).output();
            // What was signed with the old one before the answer is on its way.
            load.pass(20);
            assert!(proxied.proxy.remove_credential(&id_of(&old)));
            assert_eq!(store.describe()["XksProxyConfiguration"]["AccessKeyId"], id);
        }
        load.pass(20);
    });
    assert_eq!(came.failures, []);
    assert!(came.pairs >= 180, "{}", came.pairs);
}

#[test]
fn a_credential_that_the_proxy_does_not_know_any_more_is_told_and_a_new_one_is_enough() {
    let proxied = Proxied::new();
    let server = proxied.server();
    let store = proxied.connected(&server);
    let key = store.create_key_of(KEYS[0]);
    let blob = store.sealed(&key);
    proxied.proxy.remove_credential(Credential::EXAMPLE_ID);
    store.decrypt(&blob).refuses("KMSInvalidStateException", words::NOT_AUTHENTICATED);
    proxied.proxy.add_credential(Credential::new(OTHER_CREDENTIAL.0, OTHER_CREDENTIAL.1));
    let new = credential(OTHER_CREDENTIAL.0, OTHER_CREDENTIAL.1);
    let _ = store.update(json!({"XksProxyAuthenticationCredential": new})).output();
    store.opens(&blob);
    server.restart();
    store.opens(&blob);
    for place in [server.log(), format!("{:?}", server.journal())] {
        assert!(!place.contains(OTHER_CREDENTIAL.1) && !place.contains(Credential::EXAMPLE_SECRET));
    }
}

/// The first of many that takes no longer than that: a busy machine is late itself, but not always.
#[track_caller]
fn first_within(bound: Duration, call: impl FnMut() -> Duration) -> Duration {
    let mut took = Vec::new();
    for one in std::iter::repeat_with(call).take(50) {
        took.push(one);
        if one <= bound {
            return one;
        }
    }
    panic!("{took:?}")
}

/// `AccessKeyId` of a credential, which tells nothing else.
fn id_of(credential: &Credential) -> String {
    let shown = format!("{credential:?}");
    shown.split('"').nth(1).unwrap().to_owned()
}

/// A try.
const TRY: Duration = Duration::from_millis(250);
const LATE: Duration = Duration::from_millis(260);
/// All of a call.
const WHOLE: Duration = Duration::from_millis(520);
/// What a busy machine may add.
const SLACK: Duration = Duration::from_millis(400);
/// A call to a proxy that is known not to answer.
const AT_ONCE: Duration = Duration::from_millis(5);
