//! Connections of HTTP/1.1 whose buffers were given back while nothing came: nobody notices.

use crate::service::{exchange_once, limits, open, post, post_and_stay, read_answer};
use http_server::Limits;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_connection_that_slept_is_answered_again() {
    let door = open(limits()).await;
    let (mut plain, mut secure) = (door.connect().await, door.connect_tls(&[b"http/1.1"]).await);
    for body in ["first", "second", "third"] {
        assert!(exchange_once(&mut plain, &post_and_stay(body)).await.ends_with(body));
        assert!(exchange_once(&mut secure, &post_and_stay(body)).await.ends_with(body));
        tokio::time::sleep(LONG_ENOUGH).await;
    }
    let last = post("last");
    assert!(exchange_once(&mut plain, &last).await.contains("connection: close"));
    assert!(exchange_once(&mut secure, &last).await.contains("connection: close"));
    assert_eq!(secure.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn half_a_request_that_came_early_is_not_lost() {
    let door = open(limits()).await;
    let mut connection = door.connect().await;
    let (first, second) = (post_and_stay("first"), post_and_stay("second"));
    let (begun, rest) = second.split_at(30);
    assert!(exchange_once(&mut connection, &format!("{first}{begun}")).await.ends_with("first"));
    tokio::time::sleep(LONG_ENOUGH).await;
    assert!(exchange_once(&mut connection, rest).await.ends_with("second"));
}

#[tokio::test]
async fn an_answer_that_is_read_late_is_whole() {
    let door = open(Limits { body_bytes: 16 << 20, ..limits() }).await;
    let (mut read, mut write) = door.connect().await.into_split();
    let body = "x".repeat(12 << 20);
    write.write_all(post_and_stay(&body).as_bytes()).await.unwrap();
    tokio::time::sleep(LONG_ENOUGH).await;
    assert!(read_answer(&mut read).await.ends_with(&body));
    tokio::time::sleep(LONG_ENOUGH).await;
    write.write_all(post_and_stay("next").as_bytes()).await.unwrap();
    assert!(read_answer(&mut read).await.ends_with("next"));
}

#[tokio::test]
async fn a_refused_body_that_comes_late_is_not_taken_for_a_request() {
    let door = open(limits()).await;
    let mut connection = door.connect().await;
    let head = post_and_stay("").replace("POST /", "POST /refused").replace("h: 0", "h: 5000");
    assert!(exchange_once(&mut connection, &head).await.starts_with("HTTP/1.1 403 "));
    tokio::time::sleep(LONG_ENOUGH).await;
    connection
        .write_all(post_and_stay("smuggled").repeat(100).get(..5000).unwrap().as_bytes())
        .await
        .unwrap();
    let answer = exchange_once(&mut connection, &post_and_stay("asked")).await;
    assert!(answer.ends_with("\r\n\r\nasked"), "{answer}");
}

#[tokio::test]
async fn a_client_that_closes_while_its_connection_sleeps_is_told_goodbye() {
    let door = open(limits()).await;
    let mut secure = door.connect_tls(&[b"http/1.1"]).await;
    exchange_once(&mut secure, &post_and_stay("x")).await;
    tokio::time::sleep(LONG_ENOUGH).await;
    secure.shutdown().await.unwrap();
    // An end without TLS's own goodbye would be an error.
    assert_eq!(secure.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_sleeping_connection_is_told_goodbye_when_the_door_closes() {
    let door = open(limits()).await;
    let mut secure = door.connect_tls(&[b"http/1.1"]).await;
    exchange_once(&mut secure, &post_and_stay("x")).await;
    tokio::time::sleep(LONG_ENOUGH).await;
    door.door.close().await;
    assert_eq!(secure.read(&mut [0]).await.unwrap(), 0);
}

/// Longer than a connection of HTTP/1.1 keeps its buffers, and than the sweep takes to see it.
const LONG_ENOUGH: Duration = Duration::from_millis(2_500);
