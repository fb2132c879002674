//! A new configuration, while requests come.

use crate::client::{Ask, Connection, Credential, encrypt, health};
use crate::setup::{Authority, Proxy, Setup, credential, store};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn one_store(setup: &Setup, credentials: &[Credential]) {
    let credentials: String = credentials.iter().map(credential).collect();
    setup.configure("", "", &format!("{}{credentials}", store("/a", "keys = ['one']\n")));
}

/// Tells the proxy, and waits until a caller with that credential is answered so.
fn reload_until(proxy: &Proxy, credential: Credential, status: u16) {
    proxy.signal("HUP");
    let deadline = Instant::now() + Duration::from_secs(30);
    while proxy.ask(&Ask { credential, ..health("/a") }).status != status {
        assert!(Instant::now() < deadline, "the configuration is never taken");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn credentials_are_rotated_under_load_without_a_failed_request_or_a_dropped_connection() {
    let setup = Setup::new();
    let [old, _, new] = Credential::ALL;
    one_store(&setup, &[old]);
    let proxy = setup.start();
    let (switched, done, answered) = (AtomicBool::new(false), AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut connection = Connection::open(&proxy);
                let mut last_round = false;
                while !last_round {
                    last_round = done.load(Ordering::SeqCst);
                    let credential = if switched.load(Ordering::SeqCst) { new } else { old };
                    let answer = connection.ask(&Ask { credential, ..encrypt("/a", "one", "AAAA") });
                    assert_eq!(answer.status, 200, "{answer:?}");
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let rounds = |number: usize| {
            let enough = answered.load(Ordering::SeqCst) + number;
            let deadline = Instant::now() + Duration::from_secs(60);
            while answered.load(Ordering::SeqCst) < enough && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        rounds(100);
        one_store(&setup, &[old, new]);
        reload_until(&proxy, new, 200);
        rounds(100);
        switched.store(true, Ordering::SeqCst);
        // Whoever read the old one before has been answered when as many more have been.
        rounds(100);
        one_store(&setup, &[new]);
        reload_until(&proxy, old, 401);
        rounds(100);
        done.store(true, Ordering::SeqCst);
    });
    assert!(answered.into_inner() >= 400);
}

#[test]
fn a_broken_configuration_is_kept_out_and_told() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    setup.configure("listn = 1", "", "");
    proxy.signal("HUP");
    setup.wait_for_log("listn");
    assert_eq!(connection.ask(&encrypt("/a", "one", "AAAA")).status, 200);
    // What cannot be changed while it runs is said to be that.
    setup.configure("", "", &format!("[audit]\nsegment_bytes = 65536\n{}", crate::setup::two_stores("")));
    proxy.signal("HUP");
    setup.wait_for_log("restart it");
    assert_eq!(connection.ask(&encrypt("/a", "one", "AAAA")).status, 200);
}

#[test]
fn a_changed_file_is_noticed_without_a_signal_and_new_connections_see_the_new_certificate() {
    let setup = Setup::new();
    setup.two_stores();
    let mut proxy = setup.start();
    let mut before = Connection::open(&proxy);
    assert_eq!(before.ask(&health("/a")).status, 200);
    let other = Authority::new("another authority");
    let (certificate, key) = other.certificate(&["localhost"], Some("localhost"));
    setup.write("tls.pem", &certificate);
    setup.write("tls-key.pem", &key);
    setup.wait_for_log("a new configuration is at work");
    proxy.trust.authority = other.certificate;
    assert_eq!(proxy.ask(&health("/a")).status, 200);
    assert_eq!(before.ask(&health("/a")).status, 200, "a connection was dropped");
}
