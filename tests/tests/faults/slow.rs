//! Clients that are slow, huge, half gone or many. They are cut off in bounded time, and nobody else notices them.

use blackbox::Server;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

#[test]
fn two_thousand_idle_connections_hinder_nobody_and_are_closed() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let server = patient_server();
    let key = server.create_key();
    let idle: Vec<TcpStream> = (0..1000)
        .flat_map(|_| [https(&server), server.http()])
        .map(|address| TcpStream::connect(address).unwrap())
        .collect();
    assert_eq!(idle.len(), 2000);
    serves_others(&server, &key);
    let begun = Instant::now();
    for mut stream in idle {
        ends(&mut stream);
    }
    assert!(begun.elapsed() < CUT_OFF_WITHIN, "they stay open for {:?}", begun.elapsed());
    serves_others(&server, &key);
}

#[test]
fn half_a_handshake_is_cut_off() {
    let server = patient_server();
    let key = server.create_key();
    let mut hello = TcpStream::connect(https(&server)).unwrap();
    // A TLS record that promises 512 bytes of a ClientHello, of which four come.
    hello.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]).unwrap();
    serves_others(&server, &key);
    is_cut_off(&mut hello);
    let mut nonsense = TcpStream::connect(https(&server)).unwrap();
    nonsense.write_all(b"POST / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    is_cut_off(&mut nonsense);
    serves_others(&server, &key);
}

#[test]
fn a_header_that_drips_is_cut_off() {
    let server = patient_server();
    let key = server.create_key();
    let mut stream = TcpStream::connect(server.http()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nx-drip: ").unwrap();
    let begun = Instant::now();
    // Every byte is one more sign of life; the header as a whole is late all the same.
    while stream.write_all(b"a").is_ok() && !has_ended(&mut stream) {
        assert!(begun.elapsed() < CUT_OFF_WITHIN, "it may drip for {:?}", begun.elapsed());
    }
    serves_others(&server, &key);
}

#[test]
fn a_body_that_does_not_come_is_answered_408_and_leaves_no_trace() {
    let server = patient_server();
    let key = server.create_key();
    let request = server.request("DisableKey", json!({"KeyId": key}).to_string()).signed(server.root());
    let mut bytes = request.bytes();
    bytes.truncate(bytes.len() - 1);
    let mut connection = server.connect().unwrap();
    connection.send(&bytes).unwrap();
    serves_others(&server, &key);
    let begun = Instant::now();
    assert_eq!(connection.receive().unwrap().status, 408);
    assert!(begun.elapsed() < CUT_OFF_WITHIN);
    assert_eq!(
        server.call("DescribeKey", &json!({"KeyId": key})).output()["KeyMetadata"]["KeyState"],
        "Enabled"
    );
}

#[test]
fn a_client_that_goes_away_in_the_middle_of_its_request_leaves_no_trace() {
    let server = patient_server();
    let key = server.create_key();
    let request =
        server.request("DisableKey", json!({"KeyId": key}).to_string()).signed(server.root()).bytes();
    for length in [1, 20, request.len() / 2, request.len() - 1] {
        let mut stream = TcpStream::connect(server.http()).unwrap();
        stream.write_all(&request[..length]).unwrap();
    }
    serves_others(&server, &key);
    assert_eq!(
        server.call("DescribeKey", &json!({"KeyId": key})).output()["KeyMetadata"]["KeyState"],
        "Enabled"
    );
}

#[test]
fn huge_headers_and_huge_bodies_are_refused_at_once() {
    let server = patient_server();
    let key = server.create_key();
    for (name, value) in [("x-huge", "a".repeat(40_000)), ("cookie", "b=c; ".repeat(10_000))] {
        let mut connection = server.connect().unwrap();
        // The answer may come, and the connection go, before all of it is sent.
        let _ = connection.send(&server.request("ListKeys", "{}").with(name, &value).bytes());
        assert_eq!(connection.receive().unwrap().status, 431, "{name}");
    }
    let mut connection = server.connect().unwrap();
    let _ = connection.send(&server.request("ListKeys", vec![b' '; 2 << 20]).bytes());
    assert_eq!(connection.receive().unwrap().status, 413);
    serves_others(&server, &key);
}

fn patient_server() -> Server {
    let limits = "[limits]\nhandshake_timeout = \"2s\"\nheader_timeout = \"2s\"\nbody_timeout = \"2s\"\nidle_timeout = \"3s\"\n";
    Server::builder().config(limits).start()
}

/// Others are answered, and soon.
fn serves_others(server: &Server, key: &str) {
    let begun = Instant::now();
    for _ in 0..20 {
        let answer = server.call("Encrypt", &json!({"KeyId": key, "Plaintext": "YQ=="}));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert!(begun.elapsed() < SOON, "20 calls took {:?}", begun.elapsed());
}

fn is_cut_off(stream: &mut TcpStream) {
    let begun = Instant::now();
    ends(stream);
    assert!(begun.elapsed() < CUT_OFF_WITHIN, "it stays open for {:?}", begun.elapsed());
}

/// Waits until the service closes the connection, whatever it says before.
fn ends(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(CUT_OFF_WITHIN)).unwrap();
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "it stays open"),
    }
}

/// Whether the service has closed the connection by now.
fn has_ended(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 1024]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

fn https(server: &Server) -> SocketAddr {
    server.https().strip_prefix("https://").unwrap().parse().unwrap()
}

const SOON: Duration = Duration::from_secs(5);
const CUT_OFF_WITHIN: Duration = Duration::from_secs(10);
