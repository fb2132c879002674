//! Handshakes: what they say of a connection, who is let in, and what is replaced while connections are open.

use crate::service::{Identity, Open, exchange_once, http2, http2_request, limits, open, post_and_stay};
use http_body_util::BodyExt;
use http_server::tls::{Handshakes, TlsVersion, provider};
use http_server::{Current, Limits};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ClientConfig, version};
use std::sync::Arc;
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn http2_is_spoken_where_the_client_offers_it_and_the_service_knows_its_peer() {
    let door = open(limits()).await;
    let stream = door.connect_tls(&[b"h2", b"http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let answer = http2(stream).await.send_request(http2_request("/peer", "")).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "127.0.0.1 TLSv1_3");
}

#[tokio::test]
async fn http2_is_offered_to_so_many_only_and_again_when_one_of_them_has_gone() {
    let door = open(Limits { http2_connections: 1, ..limits() }).await;
    let offered = [&b"h2"[..], b"http/1.1"];
    let first = door.connect_tls(&offered).await;
    let second = door.connect_tls(&offered).await;
    let spoken = [&first, &second].map(|stream| stream.get_ref().1.alpn_protocol());
    assert_eq!(spoken, [Some(&b"h2"[..]), Some(b"http/1.1")]);
    drop((first, second));
    while door.connect_tls(&offered).await.get_ref().1.alpn_protocol() != Some(b"h2") {}
}

#[tokio::test]
async fn http1_is_spoken_otherwise_and_plain_http_has_no_handshake() {
    let door = open(limits()).await;
    let request = post_and_stay("").replace("POST /", "POST /peer");
    let mut secure = door.connect_tls(&[]).await;
    assert!(exchange_once(&mut secure, &request).await.ends_with("127.0.0.1 TLSv1_3"));
    assert!(exchange_once(&mut door.connect().await, &request).await.ends_with("127.0.0.1 plain"));
}

#[tokio::test]
async fn an_older_version_than_asked_for_is_refused() {
    let door = open(limits()).await;
    assert!(door.connect_as(only_tls12(&door)).await.is_ok());
    let stricter = Handshakes { minimum_version: TlsVersion::Tls13, ..door.identity.handshakes() };
    door.tls.replace(stricter.server_config().unwrap());
    assert!(door.connect_as(only_tls12(&door)).await.is_err());
    assert!(door.connect_as(door.client(&[])).await.is_ok());
}

#[tokio::test]
async fn new_handshakes_show_a_new_certificate_and_open_connections_go_on() {
    let door = open(limits()).await;
    let mut before = door.connect_tls(&[b"http/1.1"]).await;
    let other = Identity::of("localhost");
    door.tls.replace(other.handshakes().server_config().unwrap());
    assert!(door.connect_as(door.client(&[])).await.is_err(), "the old certificate is still shown");
    let mut trusting = door.client(&[]);
    trusting = ClientConfig::builder_with_provider(Arc::clone(trusting.crypto_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(other.roots())
        .with_no_client_auth();
    assert!(door.connect_as(trusting).await.is_ok());
    assert!(exchange_once(&mut before, &post_and_stay("still here")).await.ends_with("still here"));
}

#[tokio::test]
async fn a_certificate_is_replaced_without_the_rest() {
    let door = open(limits()).await;
    let certificate = Current::new(door.identity.certified());
    let shared: Arc<Current<_>> = Arc::clone(&certificate);
    let handshakes = Handshakes { certificate: shared, ..door.identity.handshakes() };
    door.tls.replace(handshakes.server_config().unwrap());
    assert!(door.connect_as(door.client(&[])).await.is_ok());
    certificate.replace(Identity::of("localhost").certified());
    assert!(door.connect_as(door.client(&[])).await.is_err());
}

#[tokio::test]
async fn only_clients_with_a_certificate_of_the_authority_are_let_in() {
    let door = open(limits()).await;
    let (known, stranger) = (Identity::of("known"), Identity::of("stranger"));
    ask_for_certificates_of(&door, &known);
    assert!(is_served(&door, Some(&known)).await);
    assert!(!is_served(&door, Some(&stranger)).await);
    assert!(!is_served(&door, None).await);
}

#[tokio::test]
async fn a_client_that_is_refused_learns_why_though_it_is_already_sending() {
    let door = open(limits()).await;
    ask_for_certificates_of(&door, &Identity::of("known"));
    let mut stream = door.connect_as(client_with(&door, Some(&Identity::of("stranger")))).await.unwrap();
    stream.get_ref().0.readable().await.unwrap();
    // On a connection that was reset, one of these fails, and the client gives up before it reads.
    for _ in 0..50 {
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"POST / HTTP/1.1\r\n").await.unwrap();
        tokio::io::AsyncWriteExt::flush(&mut stream).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let refused = stream.read_u8().await.unwrap_err();
    let reason = refused.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    assert!(matches!(reason, Some(rustls::Error::AlertReceived(_))), "{refused:?}");
}

#[tokio::test]
async fn a_session_begun_under_other_rules_is_not_resumed() {
    let door = open(limits()).await;
    let client = door.client(&[]);
    assert!(!serves_and_resumes(&door, client.clone()).await.unwrap());
    assert!(serves_and_resumes(&door, client.clone()).await.unwrap());
    ask_for_certificates_of(&door, &Identity::of("known"));
    assert_eq!(serves_and_resumes(&door, client).await, None);
}

fn ask_for_certificates_of(door: &Open, authority: &Identity) {
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(authority.roots()), provider());
    let clients: Arc<dyn ClientCertVerifier> = builder.build().unwrap();
    let handshakes = Handshakes { clients: Some(clients), ..door.identity.handshakes() };
    door.tls.replace(handshakes.server_config().unwrap());
}

async fn is_served(door: &Open, identity: Option<&Identity>) -> bool {
    serves_and_resumes(door, client_with(door, identity)).await.is_some()
}

fn client_with(door: &Open, identity: Option<&Identity>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(door.identity.roots());
    match identity {
        None => builder.with_no_client_auth(),
        Some(Identity { certificate, key }) => {
            builder.with_client_auth_cert(vec![certificate.clone()], key.clone_key()).unwrap()
        }
    }
}

/// Whether the connection resumed a session; `None` if the client was not served. With TLS 1.3 it learns so only when it reads.
async fn serves_and_resumes(door: &Open, client: ClientConfig) -> Option<bool> {
    let mut stream = door.connect_as(client).await.ok()?;
    let request = post_and_stay("x");
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.ok()?;
    let read = stream.read_u8().await;
    read.ok().map(|_| stream.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed))
}

fn only_tls12(door: &Open) -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&version::TLS12])
        .unwrap()
        .with_root_certificates(door.identity.roots())
        .with_no_client_auth()
}
