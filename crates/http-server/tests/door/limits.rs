//! What clients must not be able to exhaust, and what is changed of it while the service runs.

use crate::service::{
    assert_closed_between, exchange_once, limits, open, open_with, post, post_and_stay, read_answer,
};
use http_server::Limits;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_huge_header_and_too_many_headers_are_answered_431() {
    let door = open(limits()).await;
    let huge = post("").replace("Host: a", &format!("Host: a\r\nX-A: {}", "x".repeat(70_000)));
    assert!(door.exchange(&huge).await.starts_with("HTTP/1.1 431 "));
    let many = post("").replace("Host: a", &format!("Host: a{}", "\r\nX-A: x".repeat(70)));
    assert!(door.exchange(&many).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn a_header_that_arrives_byte_by_byte_does_not_hold_the_connection() {
    let door = open(Limits { header_timeout: Duration::from_secs(1), ..limits() }).await;
    let mut connection = door.connect().await;
    let begun = Instant::now();
    let request = post("");
    for byte in request.as_bytes() {
        if connection.write_all(&[*byte]).await.is_err() || begun.elapsed() > Duration::from_secs(12) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_connection_that_sends_nothing_is_closed() {
    let door = open(Limits { header_timeout: Duration::from_millis(500), ..limits() }).await;
    assert_closed_between(door.connect().await, 0, 8_000).await;
}

#[tokio::test]
async fn an_idle_connection_outlives_the_header_timeout_and_ends_at_the_idle_timeout() {
    let door = open(Limits {
        header_timeout: Duration::from_millis(500),
        idle_timeout: Duration::from_secs(2),
        ..limits()
    })
    .await;
    let mut connection = door.connect().await;
    exchange_once(&mut connection, &post_and_stay("x")).await;
    assert_closed_between(connection, 1_400, 20_000).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_cut_off() {
    let door = open(Limits { idle_timeout: Duration::from_secs(1), ..limits() }).await;
    let mut connection = door.connect().await;
    let request = post_and_stay(&"x".repeat(100_000));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        let write = tokio::time::timeout(Duration::from_secs(8), connection.write_all(request.as_bytes()));
        if write.await.unwrap().is_err() {
            return;
        }
    }
    panic!("the connection is still open");
}

#[tokio::test]
async fn a_handshake_that_does_not_go_on_is_ended() {
    let door = open(Limits { handshake_timeout: Duration::from_millis(300), ..limits() }).await;
    let mut connection = TcpStream::connect(door.https).await.unwrap();
    connection.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    assert_closed_between(connection, 200, 8_000).await;
}

#[tokio::test]
async fn connections_over_the_limit_wait_until_one_closes() {
    let door = open(Limits { connections: 2, ..limits() }).await;
    let mut first = door.connect().await;
    let mut second = door.connect().await;
    exchange_once(&mut first, &post_and_stay("x")).await;
    exchange_once(&mut second, &post_and_stay("x")).await;
    let mut third = door.connect().await;
    third.write_all(post("x").as_bytes()).await.unwrap();
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(300), third.read(&mut byte)).await;
    assert!(early.is_err(), "the third connection is served beside two others");
    drop(first);
    assert_eq!(third.read(&mut byte).await.unwrap(), 1);
    exchange_once(&mut second, &post_and_stay("x")).await;
}

#[tokio::test]
async fn a_half_open_http2_connection_ends_at_the_idle_timeout() {
    let door = open(Limits { idle_timeout: Duration::from_secs(1), ..limits() }).await;
    let mut stream = door.connect_tls(&[b"h2"]).await;
    stream.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    let begun = Instant::now();
    let mut all = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut all)).await;
    assert!(closed.is_ok() && begun.elapsed() > Duration::from_millis(500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn connections_are_shared_evenly_among_the_workers() {
    let door = open_with(limits(), 2).await;
    let mut connections = Vec::new();
    let mut threads = Vec::new();
    for _ in 0..6 {
        let mut connection = door.connect().await;
        let request = post_and_stay("").replace("POST /", "POST /thread");
        let answer = exchange_once(&mut connection, &request).await;
        threads.push(answer.rsplit("\r\n").next().unwrap().to_owned());
        connections.push(connection);
    }
    let first = threads.iter().filter(|thread| *thread == "worker-0").count();
    assert_eq!(first, 3, "{threads:?}");
}

#[tokio::test]
async fn new_limits_of_bodies_hold_for_connections_that_are_open() {
    let door = open(limits()).await;
    let mut connection = door.connect().await;
    let request = post_and_stay(&"x".repeat(2_000));
    assert!(exchange_once(&mut connection, &request).await.starts_with("HTTP/1.1 200 "));
    door.limits.replace(Limits { body_bytes: 1_000, ..limits() });
    let begun = Instant::now();
    while !exchange_once(&mut connection, &request).await.starts_with("HTTP/1.1 413 ") {
        assert!(begun.elapsed() < Duration::from_secs(20), "the old limit still holds");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn new_timeouts_hold_for_connections_that_are_open() {
    let door = open(limits()).await;
    let mut connection = door.connect().await;
    exchange_once(&mut connection, &post_and_stay("x")).await;
    door.limits.replace(Limits { idle_timeout: Duration::from_secs(1), ..limits() });
    assert_closed_between(connection, 0, 20_000).await;
}

#[tokio::test]
async fn more_connections_are_let_in_as_soon_as_the_limits_say_so() {
    let door = open(Limits { connections: 1, ..limits() }).await;
    let mut first = door.connect().await;
    exchange_once(&mut first, &post_and_stay("x")).await;
    let mut second = door.connect().await;
    second.write_all(post_and_stay("x").as_bytes()).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), second.readable()).await;
    assert!(early.is_err(), "the second connection is served beside the first");
    door.limits.replace(Limits { connections: 2, ..limits() });
    assert!(read_answer(&mut second).await.starts_with("HTTP/1.1 200 "));
    exchange_once(&mut first, &post_and_stay("x")).await;
}

#[tokio::test]
async fn fewer_connections_cut_nobody_off() {
    let door = open(Limits { connections: 2, ..limits() }).await;
    let (mut first, mut second) = (door.connect().await, door.connect().await);
    exchange_once(&mut first, &post_and_stay("x")).await;
    exchange_once(&mut second, &post_and_stay("x")).await;
    door.limits.replace(Limits { connections: 1, ..limits() });
    let mut third = door.connect().await;
    third.write_all(post_and_stay("x").as_bytes()).await.unwrap();
    exchange_once(&mut first, &post_and_stay("x")).await;
    drop(first);
    let early = tokio::time::timeout(Duration::from_millis(300), third.readable()).await;
    assert!(early.is_err(), "the third connection is served beside the second");
    exchange_once(&mut second, &post_and_stay("x")).await;
    drop(second);
    assert!(read_answer(&mut third).await.starts_with("HTTP/1.1 200 "));
}
