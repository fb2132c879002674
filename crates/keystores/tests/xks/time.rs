//! How long a call may take, and a proxy that does not answer (K11, K27).

use std::time::{Duration, Instant};

use crate::rig::{Rig, failure, record, routed, seal, trusting};
use faulty_proxy::{Api, BlackHole, ConnectionFault, ErrorName, Fault, Often, Proxy, Scope, Setup};
use https::{Route, Routes};
use keystores::xks::Settings;
use keystores::{StoreError, XksFailure};

const LATE: Fault = Fault::Late(Duration::from_millis(400));

/// What 500 milliseconds may be on a machine that does other things too.
const BOUND: Duration = Duration::from_millis(600);

#[tokio::test]
async fn an_answer_that_is_late_once_is_asked_for_again() {
    let rig = Rig::new();
    rig.seal().await.unwrap();
    rig.proxy.inject(LATE, Scope::NEXT);
    let began = Instant::now();
    assert!(rig.seal().await.is_ok());
    assert!((Duration::from_millis(250)..Duration::from_millis(450)).contains(&began.elapsed()));
    assert_eq!(rig.proxy.counters().requests, 3);
}

#[tokio::test]
async fn a_proxy_that_never_answers_is_asked_twice_and_given_up_after_half_a_second() {
    let rig = Rig::new();
    rig.proxy.inject(Fault::NeverAnswer, Scope::EVERYTHING);
    let began = Instant::now();
    assert_eq!(failure(rig.seal().await), XksFailure::TimedOut);
    assert!((Duration::from_millis(500)..BOUND).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(rig.proxy.counters().requests, 2);
}

#[tokio::test]
async fn a_health_check_has_no_more_time_than_any_other_call() {
    let rig = Rig::new();
    rig.proxy.inject(Fault::NeverAnswer, Scope::always(Api::Health));
    let began = Instant::now();
    assert_eq!(failure(rig.client.health("ConnectCustomKeyStore", "1").await), XksFailure::TimedOut);
    assert!((Duration::from_millis(500)..BOUND).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_handshake_that_is_not_answered_takes_its_time_from_the_call() {
    let rig = Rig::new();
    rig.proxy.inject_connection_fault(ConnectionFault::SilentOnAccept, Often::Always);
    let began = Instant::now();
    assert_eq!(failure(rig.seal().await), XksFailure::TimedOut);
    assert!((Duration::from_millis(500)..BOUND).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_address_where_nothing_answers_at_all_takes_its_time_from_the_call() {
    let hole = BlackHole::open().unwrap();
    let proxy = Proxy::start(Setup::new().unwrap()).unwrap();
    let route = Route::Tcp("127.0.0.1".to_owned(), hole.address().port());
    let settings =
        Settings { tls: trusting(&proxy.ca_pem(), None), routes: routed("xks.example.com", route) };
    let rig = Rig::over(proxy, &settings, Some(record("https://xks.example.com")), 1800);
    let began = Instant::now();
    assert_eq!(failure(rig.seal().await), XksFailure::TimedOut);
    assert!((Duration::from_millis(500)..BOUND).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_refused_connection_is_told_at_once() {
    let rig = Rig::new();
    rig.proxy.stop();
    let began = Instant::now();
    assert_eq!(failure(rig.seal().await), XksFailure::Unreachable);
    assert!(began.elapsed() < Duration::from_millis(200));
}

#[tokio::test]
async fn a_name_that_is_nobodys_is_a_proxy_that_cannot_be_reached() {
    let proxy = Proxy::start(Setup::new().unwrap()).unwrap();
    let settings = Settings { tls: trusting(&proxy.ca_pem(), None), routes: Routes::default() };
    let rig = Rig::over(proxy, &settings, Some(record("https://nobody.invalid")), 1800);
    assert!(matches!(failure(rig.seal().await), XksFailure::Unreachable | XksFailure::TimedOut));
}

#[tokio::test]
async fn a_connection_that_came_too_late_serves_the_next_call() {
    let rig = Rig::new();
    rig.proxy.pause_accepting();
    assert_eq!(failure(rig.seal().await), XksFailure::TimedOut);
    rig.proxy.resume_accepting();
    while rig.proxy.counters().handshakes < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    rig.seal().await.unwrap();
    assert_eq!(rig.proxy.counters().connections, 2);
}

#[tokio::test]
async fn calls_share_connections_that_are_kept() {
    let rig = Rig::new();
    for _ in 0..50 {
        rig.seal().await.unwrap();
    }
    assert_eq!(rig.proxy.counters().connections, 1);
}

#[tokio::test]
async fn one_slow_call_does_not_open_the_circuit() {
    let rig = Rig::new();
    rig.proxy.inject(Fault::NeverAnswer, Scope::next(Api::Encrypt, 2));
    assert_eq!(failure(rig.seal().await), XksFailure::TimedOut);
    assert!(rig.seal().await.is_ok());
}

#[tokio::test]
async fn answers_do_not_open_the_circuit_whatever_they_say() {
    let rig = Rig::new();
    rig.proxy.inject(Fault::error(ErrorName::Internal), Scope::next(Api::Encrypt, 20));
    rig.proxy.inject(Fault::NotJson, Scope::next(Api::Encrypt, 20));
    for _ in 0..40 {
        assert!(matches!(failure(rig.seal().await), XksFailure::Internal | XksFailure::InvalidResponse));
    }
    assert!(rig.seal().await.is_ok());
}

#[tokio::test]
async fn calls_to_a_dead_proxy_fail_at_once_until_it_answers_again() {
    let rig = Rig::new();
    rig.seal().await.unwrap();
    rig.proxy.inject(Fault::NeverAnswer, Scope::EVERYTHING);
    for _ in 0..3 {
        assert_eq!(failure(rig.seal().await), XksFailure::TimedOut);
    }
    let asked = rig.proxy.requests().iter().filter(|request| request.path.ends_with("/encrypt")).count();
    let mut times = Vec::new();
    for _ in 0..99 {
        let began = Instant::now();
        assert_eq!(failure(rig.seal().await), XksFailure::TimedOut);
        times.push(began.elapsed());
    }
    times.sort();
    assert!(times[49] < Duration::from_millis(1) && times[90] < Duration::from_millis(5), "{times:?}");
    let asked_then = rig.proxy.requests().iter().filter(|request| request.path.ends_with("/encrypt")).count();
    assert_eq!(asked, asked_then, "a call reached the dead proxy");
    rig.proxy.clear_faults();
    let repaired = Instant::now();
    while rig.seal().await.is_err() {
        assert!(repaired.elapsed() < Duration::from_secs(3), "it never recovers");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(rig.proxy.requests().iter().any(|request| request.path.ends_with("/health")));
}

#[tokio::test]
async fn a_proxy_that_is_gone_and_comes_back_is_used_again() {
    let rig = Rig::new();
    rig.seal().await.unwrap();
    rig.proxy.stop();
    for _ in 0..6 {
        assert_eq!(failure(rig.seal().await), XksFailure::Unreachable);
    }
    rig.proxy.restart().unwrap();
    let restarted = Instant::now();
    while rig.seal().await.is_err() {
        assert!(restarted.elapsed() < Duration::from_secs(3), "it never recovers");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn who_connects_a_store_asks_the_proxy_itself_though_the_circuit_is_open() {
    let rig = Rig::new();
    rig.proxy.stop();
    for _ in 0..6 {
        assert_eq!(failure(rig.seal().await), XksFailure::Unreachable);
    }
    rig.proxy.restart().unwrap();
    assert!(rig.client.health("ConnectCustomKeyStore", "1").await.is_ok());
    assert!(rig.seal().await.is_ok());
}

#[tokio::test]
async fn a_dead_store_delays_no_other() {
    let (dead, alive) = (Rig::new(), Rig::new());
    alive.seal().await.unwrap();
    dead.proxy.inject(Fault::NeverAnswer, Scope::EVERYTHING);
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let client = dead.client.clone();
            tokio::spawn(async move { seal(&client, b"inner").await })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for _ in 0..50 {
        let began = Instant::now();
        alive.seal().await.unwrap();
        slowest = slowest.max(began.elapsed());
    }
    assert!(slowest < Duration::from_millis(250), "{slowest:?}");
    for call in calls {
        assert_eq!(failure(call.await.unwrap()), XksFailure::TimedOut);
    }
}

#[tokio::test]
async fn no_more_calls_are_under_way_than_there_are_places_and_waiting_is_bounded_too() {
    let rig = Rig::with(Setup { remembered: 0, ..Setup::new().unwrap() }, 100_000);
    rig.proxy.inject(Fault::NeverAnswer, Scope::EVERYTHING);
    let began = Instant::now();
    let calls: Vec<_> = (0..1000)
        .map(|_| {
            let client = rig.client.clone();
            tokio::spawn(async move { seal(&client, b"inner").await })
        })
        .collect();
    for call in calls {
        assert_eq!(failure(call.await.unwrap()), XksFailure::TimedOut);
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!((1..=256).contains(&rig.proxy.counters().most_in_flight), "{:?}", rig.proxy.counters());
}

#[tokio::test]
async fn more_calls_a_second_than_a_store_may_have_are_not_sent() {
    let rig = Rig::with(Setup::new().unwrap(), 3);
    for _ in 0..3 {
        rig.seal().await.unwrap();
    }
    assert_eq!(rig.seal().await.unwrap_err(), StoreError::Throttled);
    assert_eq!(rig.proxy.counters().requests, 3);
    assert!(rig.client.health("KmsHealthCheck", "1").await.is_ok(), "health is not of the quota");
    assert!(rig.scraped().contains("ExternalKeyStoreThrottle_total{"));
}
