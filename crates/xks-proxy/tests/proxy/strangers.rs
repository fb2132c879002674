//! Requests that nobody stands behind: refused by their head, counted, and never a burden.

use crate::client::{Ask, Connection, Credential, encrypt, health, raw};
use crate::setup::{Proxy, Setup};
use http::HeaderValue;
use http::request::Parts;
use jiff::SignedDuration;
use std::time::{Duration, Instant};

fn setup() -> Setup {
    let setup = Setup::new();
    setup.configure("regions = ['eu-central-1']", "", &crate::setup::two_stores(""));
    setup
}

/// What a signed head comes to when it is changed.
fn changed(connection: &mut Connection, change: impl FnOnce(&mut Parts)) -> (u16, String) {
    let ask = encrypt("/a", "one", "AAAA");
    let mut head = ask.head();
    change(&mut head);
    connection.send(&raw(&head, &ask.body)).unwrap();
    connection.answer().unwrap().outcome()
}

fn unauthenticated() -> (u16, String) {
    (401, "AuthenticationFailedException".to_owned())
}

fn rewritten(head: &mut Parts, rewrite: impl FnOnce(String) -> String) {
    let authorization = head.headers["authorization"].to_str().unwrap().to_owned();
    head.headers.insert("authorization", HeaderValue::try_from(rewrite(authorization)).unwrap());
}

#[test]
fn a_head_that_proves_nothing_is_refused() {
    let setup = setup();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let mut is_refused = |what: &str, change: &dyn Fn(&mut Parts)| {
        assert_eq!(changed(&mut connection, change), unauthenticated(), "{what}");
    };
    is_refused("no signature", &|head| drop(head.headers.remove("authorization")));
    is_refused("two signatures", &|head| {
        let authorization = head.headers["authorization"].clone();
        head.headers.append("authorization", authorization);
    });
    is_refused("another scheme", &|head| {
        drop(head.headers.insert("authorization", HeaderValue::from_static("Basic YTpi")));
    });
    is_refused("no date", &|head| drop(head.headers.remove("x-amz-date")));
    is_refused("host not signed", &|head| rewritten(head, |text| text.replace("host;", "")));
    is_refused("date not signed", &|head| rewritten(head, |text| text.replace(";x-amz-date", "")));
    is_refused("another host", &|head| drop(head.headers.insert("host", HeaderValue::from_static("other"))));
    is_refused("another path", &|head| head.uri = "/a/kms/xks/v1/keys/two/encrypt".parse().unwrap());
    is_refused("a query", &|head| head.uri = format!("{}?a=b", head.uri).parse().unwrap());
    is_refused("temporary credentials", &|head| {
        drop(head.headers.insert("x-amz-security-token", HeaderValue::from_static("token")));
    });
    is_refused("a signature in upper case", &|head| {
        rewritten(head, |text| {
            let (before, signature) = text.split_once("Signature=").unwrap();
            format!("{before}Signature={}", signature.to_uppercase())
        });
    });
    assert_eq!(changed(&mut connection, |_| ()).0, 200, "the signature is good if nothing is changed");
}

#[test]
fn what_is_signed_with_something_else_is_refused() {
    let setup = setup();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let good = || health("/a");
    let other_secret = Credential { secret: Credential::ALL[1].secret, ..Credential::ALL[0] };
    let unknown = Credential { access_key_id: "ZZZZZZZZZZZZZZZZZZZZ", ..Credential::ALL[0] };
    for ask in [
        Ask { credential: other_secret, ..good() },
        Ask { credential: unknown, ..good() },
        Ask { region: "us-east-1", ..good() },
        Ask { service: "kms", ..good() },
        Ask { ahead: SignedDuration::from_mins(6), ..good() },
        Ask { ahead: SignedDuration::from_mins(-6), ..good() },
    ] {
        assert_eq!(connection.ask(&ask).outcome(), unauthenticated());
    }
    for minutes in [4, -4] {
        let ask = Ask { ahead: SignedDuration::from_mins(minutes), ..good() };
        assert_eq!(connection.ask(&ask).status, 200, "{minutes} minutes");
    }
    let mut ask = good();
    let head = ask.head();
    ask.body.push(b' ');
    connection.send(&raw(&head, &ask.body)).unwrap();
    assert_eq!(connection.answer().unwrap().outcome(), unauthenticated(), "another body");
}

/// Sends a head that says that a long body follows, and nothing of it.
fn head_alone(proxy: &Proxy, length: usize, change: impl FnOnce(&mut Parts)) -> (u16, String) {
    let mut head = health("/a").head();
    change(&mut head);
    let text = String::from_utf8(raw(&head, b"")).unwrap();
    let mut connection = Connection::open(proxy);
    let text = text.replace("content-length: 0", &format!("content-length: {length}"));
    connection.send(text.as_bytes()).unwrap();
    connection.answer().unwrap().outcome()
}

#[test]
fn a_stranger_is_refused_and_a_body_too_long_is_too_before_a_byte_of_it_came() {
    let setup = setup();
    let proxy = setup.start();
    let unknown = Ask {
        credential: Credential { access_key_id: "ZZZZZZZZZZZZZZZZZZZZ", ..Credential::ALL[0] },
        ..health("/a")
    };
    assert_eq!(head_alone(&proxy, 1000, |head| *head = unknown.head()), unauthenticated());
    let too_long = (501, "UnsupportedOperationException".to_owned());
    assert_eq!(head_alone(&proxy, 200 << 20, |_| ()), too_long);
    let nowhere = (404, "InvalidUriPathException".to_owned());
    assert_eq!(head_alone(&proxy, 1000, |head| head.uri = "/z/kms/xks/v1/health".parse().unwrap()), nowhere);
}

#[test]
fn a_body_that_never_ends_is_not_kept() {
    let setup = setup();
    let proxy = setup.start();
    let before = proxy.anonymous_kilobytes();
    let head = String::from_utf8(raw(&health("/a").head(), b"")).unwrap();
    let mut connection = Connection::open(&proxy);
    connection.send(head.replace("content-length: 0", "transfer-encoding: chunked").as_bytes()).unwrap();
    let chunk = [b"10000\r\n".as_slice(), &vec![b'x'; 65536], b"\r\n"].concat();
    // The proxy may end the connection in the middle of it.
    let sent = (0..1000).take_while(|_| connection.send(&chunk).is_ok()).count();
    if let Ok(answer) = connection.answer() {
        assert_eq!(answer.outcome(), (501, "UnsupportedOperationException".to_owned()));
    }
    assert!(sent < 1000 || proxy.anonymous_kilobytes() < before + 20_000, "{sent}");
    assert!(proxy.anonymous_kilobytes() < before + 20_000);
}

#[test]
fn only_post_calls_and_only_a_store_s_paths_are_there() {
    let setup = setup();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    for path in ["keys/one/encrypt", "keys/one/decrypt", "keys/one/metadata", "health"] {
        for method in ["GET", "PUT", "DELETE"] {
            let signed = Ask { method, path: format!("/a/kms/xks/v1/{path}"), ..health("/a") };
            let answer = connection.ask(&signed);
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(answer.head.contains("\r\nallow: post\r\n"), "{}", answer.head);
            let unsigned = format!("{method} /a/kms/xks/v1/{path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            connection.send(unsigned.as_bytes()).unwrap();
            assert_eq!(connection.answer().unwrap().status, 405, "{method} {path}, unsigned");
        }
    }
    for path in [
        "/kms/xks/v1/health",
        "/c/kms/xks/v1/health",
        "/a/kms/xks/v2/health",
        "/a/kms/xks/v1/keys//encrypt",
        "/",
    ] {
        let ask = Ask { path: path.to_owned(), ..health("/a") };
        assert_eq!(connection.ask(&ask).outcome(), (404, "InvalidUriPathException".to_owned()), "{path}");
    }
}

#[test]
fn a_load_balancer_learns_that_the_proxy_is_there() {
    let setup = setup();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    connection.send(b"GET /ping HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    assert_eq!(connection.answer().unwrap().status, 200);
}

#[test]
fn strangers_are_counted_in_the_journal_and_have_no_record_each() {
    let setup = setup();
    let mut proxy = setup.start();
    let unknown = Credential { access_key_id: "ZZZZZZZZZZZZZZZZZZZZ", ..Credential::ALL[0] };
    for _ in 0..10 {
        let mut connection = Connection::open(&proxy);
        for _ in 0..20 {
            connection.ask(&Ask { credential: unknown, ..health("/a") });
        }
    }
    assert!(proxy.stop().success());
    let records = setup.records();
    assert!(records.len() < 50, "{}", records.len());
    let counted = records.iter().map(|record| {
        assert_eq!(
            (&record["eventName"], &record["store"]),
            (&"RefusedUnauthenticated".into(), &"/a".into())
        );
        record["refused"]["access_key_id"].as_u64().unwrap()
    });
    assert_eq!(counted.sum::<u64>(), 200);
}

#[test]
fn a_connection_of_strangers_has_to_wait_and_one_of_callers_who_are_known_does_not() {
    let setup = setup();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let unknown = Credential { access_key_id: "ZZZZZZZZZZZZZZZZZZZZ", ..Credential::ALL[0] };
    for _ in 0..32 {
        connection.ask(&Ask { credential: unknown, ..health("/a") });
    }
    let begun = Instant::now();
    connection.ask(&Ask { credential: unknown, ..health("/a") });
    connection.ask(&Ask { credential: unknown, ..health("/a") });
    assert!(begun.elapsed() > Duration::from_millis(200), "{:?}", begun.elapsed());
    let begun = Instant::now();
    for _ in 0..60 {
        assert_eq!(connection.ask(&health("/a")).status, 200);
    }
    // Half a minute, if they had to wait.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
