//! The metrics endpoint: who reads it needs no credentials, and gets nothing but metrics.

use blackbox::{Answer, Connection, Request, Server};
use serde_json::json;
use std::io::Read;
use std::net::TcpStream;

#[test]
fn metrics_are_openmetrics_text_and_end_as_such() {
    let server = Server::builder().metrics().start();
    let answer = exchange(&server, &get(&server, "/metrics"));
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type").unwrap();
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(answer.text().ends_with("# EOF\n"), "{}", answer.text());
}

#[test]
fn a_head_of_metrics_has_the_length_and_no_body() {
    let server = Server::builder().metrics().start();
    let length = exchange(&server, &get(&server, "/metrics")).body.len().to_string();
    let mut stream = TcpStream::connect(server.metrics()).unwrap();
    std::io::Write::write_all(&mut stream, b"HEAD /metrics HTTP/1.1\r\nhost: metrics\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 ") && body.is_empty(), "{text}");
    assert!(head.to_ascii_lowercase().contains(&format!("\r\ncontent-length: {length}")), "{text}");
}

#[test]
fn any_other_path_is_not_found_and_any_other_method_is_not_allowed() {
    let server = Server::builder().metrics().start();
    for path in ["/", "/metrics/", "/healthz", "/metric"] {
        assert_eq!(exchange(&server, &get(&server, path)).status, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let refused = exchange(&server, &Request { method: method.to_owned(), ..get(&server, "/metrics") });
        assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    let call = server.request("ListKeys", "{}").signed(server.root());
    assert_eq!(exchange(&server, &call).status, 404, "an operation is answered where metrics are");
}

#[test]
fn metrics_are_nowhere_but_on_their_own_address() {
    let server = Server::builder().metrics().start();
    assert_eq!(server.send(&get(&server, "/metrics")).status, 404);
}

#[test]
fn metrics_are_collected_while_requests_run() {
    let server = Server::builder().metrics().start();
    let key = server.create_key();
    let encrypt = || server.call("Encrypt", &json!({"KeyId": key, "Plaintext": "YQ=="})).status;
    std::thread::scope(|scope| {
        let calls = scope.spawn(|| (0..200).all(|_| encrypt() == 200));
        let mut collected = 0;
        while !calls.is_finished() || collected == 0 {
            assert!(server.collect_metrics().ends_with("# EOF\n"));
            collected += 1;
        }
        assert!(calls.join().unwrap());
    });
}

#[test]
fn collectors_that_say_nothing_keep_the_others_out_no_longer_than_a_header_may_take() {
    let server = Server::builder().metrics().config("[limits]\nheader_timeout = \"500ms\"\n").start();
    let silent: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(server.metrics()).unwrap()).collect();
    assert!(server.collect_metrics().ends_with("# EOF\n"));
    drop(silent);
}

fn get(server: &Server, path: &str) -> Request {
    Request::get(&server.metrics().to_string(), path)
}

#[track_caller]
fn exchange(server: &Server, request: &Request) -> Answer {
    Connection::open(server.metrics()).and_then(|mut connection| connection.exchange(request)).unwrap()
}
