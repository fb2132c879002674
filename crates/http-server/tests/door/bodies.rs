//! Bodies: within their limits, and left unread.

use crate::service::{exchange_once, http2, http2_request, limits, open, post, post_and_stay, read_answer};
use http_body_util::BodyExt;
use http_server::Limits;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_body_as_long_as_allowed_is_read_and_one_byte_more_is_not() {
    let door = open(limits()).await;
    assert!(door.exchange(&post(&"x".repeat(100_000))).await.starts_with("HTTP/1.1 200 "));
    assert!(door.exchange(&post(&"x".repeat(100_001))).await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn chunks_without_end_are_refused() {
    let door = open(limits()).await;
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    let head = post("").replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let answer = door.exchange(&format!("{head}{}0\r\n\r\n", chunk.repeat(64))).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_service_sees_in_the_head_that_a_body_is_too_long() {
    let door = open(limits()).await;
    let request = post(&"x".repeat(100_001)).replace("POST /", "POST /checked");
    let answer = door.exchange(&request).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.ends_with("refused by its head"), "{answer}");
}

#[tokio::test]
async fn a_body_that_arrives_too_slowly_is_not_waited_for() {
    let door = open(Limits { body_timeout: Duration::from_millis(300), ..limits() }).await;
    let answer = door.exchange(&post("").replace("Content-Length: 0", "Content-Length: 10")).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_body_that_breaks_off_ends_the_connection_without_an_answer() {
    let door = open(limits()).await;
    let mut connection = door.connect().await;
    let request = post("").replace("Content-Length: 0", "Content-Length: 10");
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
}

#[tokio::test]
async fn no_answer_ends_the_connection() {
    let door = open(limits()).await;
    let answer = door.exchange(&post_and_stay("x").replace("POST /", "POST /no-answer")).await;
    assert!(answer.is_empty(), "{answer}");
}

#[tokio::test]
async fn bodies_that_would_fill_the_memory_are_refused_until_others_have_arrived() {
    let door = open(Limits { buffered_body_bytes: 100_000, ..limits() }).await;
    let mut first = door.connect().await;
    let head = post_and_stay("").replace("Content-Length: 0", "Content-Length: 100000");
    first.write_all(format!("{head}{}", "x".repeat(70_000)).as_bytes()).await.unwrap();
    let mut second = door.connect().await;
    second.write_all(format!("{head}{}", "x".repeat(60_000)).as_bytes()).await.unwrap();
    let refused = read_answer(&mut second).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    first.write_all("x".repeat(30_000).as_bytes()).await.unwrap();
    assert!(read_answer(&mut first).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_request_refused_by_its_head_is_answered_before_its_body_arrives_and_its_connection_goes_on() {
    let door = open(limits()).await;
    let mut connection = door.connect().await;
    let head = post_and_stay("").replace("POST /", "POST /refused").replace("h: 0", "h: 3000000");
    let refused = exchange_once(&mut connection, &head).await;
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    connection.write_all("x".repeat(3_000_000).as_bytes()).await.unwrap();
    assert!(exchange_once(&mut connection, &post_and_stay("next")).await.ends_with("\r\n\r\nnext"));
}

#[tokio::test]
async fn a_client_that_sends_a_refused_body_before_it_reads_sees_its_answer() {
    let door = open(limits()).await;
    let mut connection = door.connect().await;
    let request = post(&"x".repeat(8_000_000)).replace("POST /", "POST /refused");
    connection.write_all(request.as_bytes()).await.unwrap();
    assert!(read_answer(&mut connection).await.starts_with("HTTP/1.1 403 "));
}

#[tokio::test]
async fn a_refused_body_that_never_comes_does_not_hold_the_connection() {
    let door = open(Limits { header_timeout: Duration::from_secs(60), ..limits() }).await;
    let mut connection = door.connect().await;
    let head = post_and_stay("").replace("POST /", "POST /refused").replace("h: 0", "h: 3000000");
    exchange_once(&mut connection, &head).await;
    let begun = Instant::now();
    let mut rest = Vec::new();
    let _ = connection.read_to_end(&mut rest).await;
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_refused_and_told_to_send_nothing() {
    let door = open(limits()).await;
    let head = post_and_stay("").replace("POST /", "POST /refused");
    let answer =
        door.exchange(&head.replace("Content-Length: 0", "Expect: 100-continue\r\nContent-Length: 9")).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn on_http2_a_refused_body_costs_its_stream_only() {
    let door = open(limits()).await;
    let mut sender = http2(door.connect_tls(&[b"h2"]).await).await;
    let refused = sender.send_request(http2_request("/refused", &"x".repeat(3_000_000))).await.unwrap();
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.into_body().collect().await.unwrap().to_bytes(), "refused");
    let answer = sender.send_request(http2_request("/", "next")).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "next");
}
