//! How a service ends: nothing that was accepted is lost, and nobody can hold it open.

use crate::service::{exchange_once, http2, http2_request, limits, open, post, post_and_stay};
use http_body_util::BodyExt;
use http_server::Limits;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_door_closes() {
    let door = open(limits()).await;
    let mut connection = door.connect().await;
    connection.write_all(post_and_stay("x").replace("POST /", "POST /wait").as_bytes()).await.unwrap();
    door.echo.begun.notified().await;
    let go = Arc::clone(&door.echo);
    let closing = tokio::spawn(door.door.close());
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!closing.is_finished(), "the door closed over a request");
    go.go.notify_one();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer}");
    closing.await.unwrap();
}

#[tokio::test]
async fn a_request_in_flight_on_http2_is_answered_before_the_door_closes() {
    let door = open(limits()).await;
    let mut sender = http2(door.connect_tls(&[b"h2"]).await).await;
    let answer = tokio::spawn(sender.send_request(http2_request("/wait", "x")));
    door.echo.begun.notified().await;
    let echo = Arc::clone(&door.echo);
    let closing = tokio::spawn(door.door.close());
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(
        sender.send_request(http2_request("/", "late")).await.is_err(),
        "a request was let in after the end"
    );
    echo.go.notify_one();
    let body = answer.await.unwrap().unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "x");
    closing.await.unwrap();
}

#[tokio::test]
async fn idle_connections_do_not_hold_the_door_open() {
    let door = open(limits()).await;
    let mut plain = door.connect().await;
    exchange_once(&mut plain, &post_and_stay("x")).await;
    let mut sender = http2(door.connect_tls(&[b"h2"]).await).await;
    sender.send_request(http2_request("/", "x")).await.unwrap();
    let half_open = TcpStream::connect(door.https).await.unwrap();
    let begun = Instant::now();
    door.door.close().await;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    drop((plain, sender, half_open));
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off_at_the_drain_timeout() {
    let door = open(Limits { drain_timeout: Duration::from_millis(700), ..limits() }).await;
    let mut connection = door.connect().await;
    connection.write_all(post("x").replace("POST /", "POST /wait").as_bytes()).await.unwrap();
    door.echo.begun.notified().await;
    let begun = Instant::now();
    door.door.close().await;
    assert!(begun.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn under_load_every_request_that_was_accepted_is_answered() {
    let door = open(limits()).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..8).map(|_| tokio::spawn(load(door.http, Arc::clone(&answered)))).collect();
    while answered.load(Ordering::Relaxed) < 200 {
        tokio::task::yield_now().await;
    }
    door.door.close().await;
    for client in clients {
        client.await.unwrap();
    }
}

/// Sends one request after the other until it is told that an answer was the last, then until nobody listens.
async fn load(address: SocketAddr, answered: Arc<AtomicUsize>) {
    while let Ok(mut connection) = TcpStream::connect(address).await {
        loop {
            let answer = exchange_once(&mut connection, &post_and_stay("hello")).await;
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("hello"), "{answer}");
            answered.fetch_add(1, Ordering::Relaxed);
            if answer.contains("connection: close") {
                break;
            }
        }
    }
}
