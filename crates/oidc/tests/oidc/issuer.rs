//! Issuers that are asked over HTTPS: how often, what happens when they fail, and that one never stands in another's way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oidc::{Issuers, Rejection, Settings};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::servers::{
    Answer, Authority, Server, discovery, impatient, issuers, issuers_with, provider, verify,
};
use crate::signer::{NOW, Signer, claims, hs256, jwks, now, with};

#[tokio::test]
async fn a_token_of_a_real_issuer_is_verified_and_the_issuer_asked_once() {
    let (authority, signer, server) = issuer().await;
    let issuers = issuers(&authority);
    for _ in 0..20 {
        let verified = verify(&issuers, &server, &signer, "one").await.unwrap();
        assert_eq!(verified.issuer, server.issuer());
        assert_eq!(verified.audience, "sts.amazonaws.com");
    }
    assert_eq!(server.asked(), (1, 1));
}

#[tokio::test]
async fn who_waits_at_once_asks_once() {
    let (authority, signer, server) = issuer().await;
    let permits = hold(&server, &signer);
    let (issuers, signer) = (Arc::new(issuers(&authority)), Arc::new(signer));
    let waiting: Vec<_> = (0..50).map(|_| spawn_verify(&issuers, &server, &signer)).collect();
    server.jwks_asked(1).await;
    permits.add_permits(100);
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    assert_eq!(server.asked(), (1, 1));
}

#[tokio::test]
async fn who_leaves_while_the_issuer_is_asked_makes_nobody_ask_again() {
    let (authority, signer, server) = issuer().await;
    let permits = hold(&server, &signer);
    let (issuers, signer) = (Arc::new(issuers(&authority)), Arc::new(signer));
    let leaver = spawn_verify(&issuers, &server, &signer);
    server.jwks_asked(1).await;
    leaver.abort();
    assert!(leaver.await.unwrap_err().is_cancelled());
    let stayer = spawn_verify(&issuers, &server, &signer);
    permits.add_permits(100);
    stayer.await.unwrap().unwrap();
    assert_eq!(server.asked(), (1, 1));
}

#[test]
fn keys_serve_every_worker_and_outlive_the_one_that_fetched_them() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let home = runtime();
    let (authority, signer, server) = home.block_on(issuer());
    let issuers = Arc::new(issuers(&authority));
    let signer = Arc::new(signer);
    let serving = std::thread::spawn({
        let server = Arc::clone(&server);
        move || home.block_on(server.jwks_asked(usize::MAX))
    });
    for _ in 0..3 {
        let (issuers, server, signer) = (Arc::clone(&issuers), Arc::clone(&server), Arc::clone(&signer));
        let worker = move || runtime().block_on(verify(&issuers, &server, &signer, "one")).map(drop);
        std::thread::spawn(worker).join().unwrap().unwrap();
    }
    assert_eq!(server.asked(), (1, 1));
    assert!(!serving.is_finished());
}

#[tokio::test]
async fn keys_are_asked_for_again_when_they_are_old() {
    let (authority, signer, server) = issuer().await;
    let issuers = issuers(&authority);
    verify(&issuers, &server, &signer, "one").await.unwrap();
    pass(Duration::from_secs(60 * 60 - 60)).await;
    verify(&issuers, &server, &signer, "one").await.unwrap();
    assert_eq!(server.asked(), (1, 1));
    pass(Duration::from_secs(61)).await;
    verify(&issuers, &server, &signer, "one").await.unwrap();
    assert_eq!(server.asked(), (2, 2));
}

#[tokio::test]
async fn a_key_that_the_issuer_withdrew_is_refused_once_the_keys_are_old() {
    let (authority, signer, server) = issuer().await;
    let issuers = issuers(&authority);
    verify(&issuers, &server, &signer, "one").await.unwrap();
    server.answer_jwks(Answer::Document(jwks(&[])));
    pass(Duration::from_secs(60 * 60)).await;
    let refused = verify(&issuers, &server, &signer, "one").await;
    assert_eq!(refused, Err(Rejection::UnknownKey { key_id: Some("one".to_owned()) }));
}

#[tokio::test]
async fn a_rotated_key_is_found_by_asking_again() {
    let (authority, signer, server) = issuer().await;
    let (issuers, next) = (issuers(&authority), Signer::p256());
    verify(&issuers, &server, &signer, "one").await.unwrap();
    server.answer_jwks(Answer::Document(jwks(&[next.jwk("two")])));
    pass(Duration::from_secs(31)).await;
    verify(&issuers, &server, &next, "two").await.unwrap();
    assert_eq!(server.asked(), (2, 2));
    let withdrawn = verify(&issuers, &server, &signer, "one").await;
    assert_eq!(withdrawn, Err(Rejection::UnknownKey { key_id: Some("one".to_owned()) }));
}

#[tokio::test]
async fn a_rotated_key_without_an_id_is_found_by_asking_again() {
    let (authority, signer, server) = issuer().await;
    let (issuers, next) = (issuers(&authority), Signer::p256());
    let token = |signer: &Signer| signer.sign(&json!({"alg": "ES256"}), &claims(&server.issuer()));
    issuers.verify(&provider(&server, &[]), &token(&signer), now()).await.unwrap();
    server.answer_jwks(Answer::Document(jwks(&[with(next.jwk(""), json!({"kid": null}))])));
    pass(Duration::from_secs(31)).await;
    issuers.verify(&provider(&server, &[]), &token(&next), now()).await.unwrap();
    let withdrawn = issuers.verify(&provider(&server, &[]), &token(&signer), now()).await;
    assert_eq!(withdrawn, Err(Rejection::BadSignature));
    assert_eq!(server.asked(), (2, 2));
}

#[tokio::test]
async fn unknown_keys_make_nobody_ask_more_than_once_in_a_while() {
    let (authority, signer, server) = issuer().await;
    let issuers = issuers(&authority);
    for round in 1..=3 {
        for guess in 0..30 {
            let key_id = format!("guess-{guess}");
            let refused = verify(&issuers, &server, &signer, &key_id).await;
            assert_eq!(refused, Err(Rejection::UnknownKey { key_id: Some(key_id) }));
        }
        assert_eq!(server.asked(), (round, round));
        pass(Duration::from_secs(31)).await;
    }
}

#[tokio::test]
async fn a_false_signature_under_a_known_key_makes_nobody_ask() {
    let (authority, signer, server) = issuer().await;
    let issuers = issuers(&authority);
    verify(&issuers, &server, &signer, "one").await.unwrap();
    pass(Duration::from_secs(31)).await;
    assert_eq!(verify(&issuers, &server, &Signer::p256(), "one").await, Err(Rejection::BadSignature));
    assert_eq!(server.asked(), (1, 1));
}

#[tokio::test]
async fn a_token_that_cannot_be_accepted_makes_nobody_ask() {
    let (authority, signer, server) = issuer().await;
    let issuers = issuers(&authority);
    let good = claims(&server.issuer());
    let of = |changes| signer.token("ES256", "one", &with(good.clone(), changes));
    for token in [
        "no token".to_owned(),
        hs256(b"secret", "one", &good),
        of(json!({"exp": NOW - 3600})),
        of(json!({"nbf": NOW + 3600})),
        of(json!({"aud": "other"})),
        of(json!({"iss": "https://other.example"})),
        of(json!({"sub": null})),
    ] {
        assert!(issuers.verify(&provider(&server, &[]), &token, now()).await.is_err());
    }
    assert_eq!(server.asked(), (0, 0));
}

#[tokio::test]
async fn old_keys_serve_while_the_issuer_fails_and_not_for_ever() {
    let (authority, signer, server) = issuer().await;
    let issuers = issuers(&authority);
    verify(&issuers, &server, &signer, "one").await.unwrap();
    server.answer_jwks(Answer::Status(503));
    pass(Duration::from_secs(60 * 60)).await;
    verify(&issuers, &server, &signer, "one").await.unwrap();
    assert_eq!(server.asked(), (2, 2));
    verify(&issuers, &server, &signer, "one").await.unwrap();
    assert_eq!(server.asked(), (2, 2), "asked again at once");
    pass(Duration::from_secs(5 * 60 * 60)).await;
    unreachable_because(verify(&issuers, &server, &signer, "one").await.map(drop), "503");
    server.answer_jwks(Answer::Document(jwks(&[signer.jwk("one")])));
    pass(Duration::from_secs(31)).await;
    verify(&issuers, &server, &signer, "one").await.unwrap();
}

#[tokio::test]
async fn an_unknown_key_of_an_issuer_that_fails_is_the_issuers_failure() {
    let (authority, signer, server) = issuer().await;
    let issuers = issuers(&authority);
    verify(&issuers, &server, &signer, "one").await.unwrap();
    server.answer_discovery(Answer::Status(500));
    pass(Duration::from_secs(31)).await;
    unreachable_because(verify(&issuers, &server, &signer, "two").await.map(drop), "500");
    unreachable_because(verify(&issuers, &server, &signer, "two").await.map(drop), "500");
    verify(&issuers, &server, &signer, "one").await.unwrap();
    assert_eq!(server.asked(), (2, 1));
}

#[tokio::test]
async fn an_issuer_that_is_down_is_unreachable_until_it_is_back() {
    let (authority, signer, server) = issuer().await;
    let issuers = issuers(&authority);
    let nobody = closed_port().await;
    let moved = discovery(&server.url, &format!("https://{nobody}/jwks"));
    let right = server.discovery.lock().unwrap().clone();
    server.answer_discovery(Answer::Document(moved));
    for _ in 0..5 {
        unreachable_because(verify(&issuers, &server, &signer, "one").await.map(drop), "refused");
    }
    assert_eq!(server.asked(), (1, 0));
    server.answer_discovery(right);
    pass(Duration::from_secs(31)).await;
    verify(&issuers, &server, &signer, "one").await.unwrap();
    let unknown = verify(&issuers, &server, &signer, "two").await;
    assert_eq!(unknown, Err(Rejection::UnknownKey { key_id: Some("two".to_owned()) }), "the failure is past");
}

#[tokio::test]
async fn a_name_that_nobody_has_is_unreachable() {
    let issuers = issuers(&Authority::new("CA"));
    let token = Signer::p256().token("ES256", "one", &claims("https://issuer.invalid"));
    let nobody =
        oidc::Provider { url: "issuer.invalid", client_ids: crate::servers::client_ids(), thumbprints: &[] };
    unreachable_because(issuers.verify(&nobody, &token, now()).await.map(drop), "");
}

#[tokio::test]
async fn an_issuer_that_never_answers_is_given_up_and_holds_up_no_other() {
    let (authority, signer, slow) = issuer().await;
    let quick = Server::start(&authority, &signer).await;
    slow.answer_jwks(Answer::Never);
    let (issuers, signer) = (Arc::new(issuers_with(&authority, impatient())), Arc::new(signer));
    let begun = Instant::now();
    let waiting: Vec<_> = (0..10).map(|_| spawn_verify(&issuers, &slow, &signer)).collect();
    slow.jwks_asked(1).await;
    verify(&issuers, &quick, &signer, "one").await.unwrap();
    assert!(
        waiting.iter().all(|one| !one.is_finished()),
        "the slow issuer was given up before the quick one answered"
    );
    for one in waiting {
        unreachable_because(one.await.unwrap(), "does not answer within 1s");
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "who waited was given up one after the other");
    assert_eq!(slow.asked(), (1, 1));
}

#[tokio::test]
async fn a_server_that_only_accepts_is_given_up() {
    let authority = Authority::new("CA");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = listener.local_addr().unwrap().to_string();
    let token = Signer::p256().token("ES256", "one", &claims(&format!("https://{url}")));
    let provider = oidc::Provider { url: &url, client_ids: crate::servers::client_ids(), thumbprints: &[] };
    let refused = issuers_with(&authority, impatient()).verify(&provider, &token, now()).await;
    unreachable_because(refused.map(drop), "does not answer within 1s");
}

#[tokio::test]
async fn an_answer_that_is_too_long_cannot_be_used() {
    let (authority, signer, server) = issuer().await;
    let filled = |document: &str, length: usize| {
        let (start, end) = document.split_at(document.len() - 1);
        format!(r#"{start},"pad":"{}"{end}"#, "x".repeat(length - document.len() - 9))
    };
    let right = discovery(&server.url, &format!("{}/jwks", server.issuer()));
    let keys = jwks(&[signer.jwk("one")]);
    for (discovery, jwks, limit) in [(65_537, 1000, "65536"), (1000, 262_145, "262144")] {
        server.answer_discovery(Answer::Document(filled(&right, discovery)));
        server.answer_jwks(Answer::Document(filled(&keys, jwks)));
        unusable_because(verify(&issuers(&authority), &server, &signer, "one").await.map(drop), limit);
    }
    server.answer_discovery(Answer::Document(filled(&right, 65_536)));
    server.answer_jwks(Answer::Document(filled(&keys, 262_144)));
    verify(&issuers(&authority), &server, &signer, "one").await.unwrap();
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (authority, signer, server) = issuer().await;
    let elsewhere = Server::start(&authority, &signer).await;
    server.answer_jwks(Answer::Redirect(format!("{}/jwks", elsewhere.issuer())));
    unusable_because(verify(&issuers(&authority), &server, &signer, "one").await.map(drop), "not followed");
    let to = format!("{}/.well-known/openid-configuration", elsewhere.issuer());
    server.answer_discovery(Answer::Redirect(to));
    unusable_because(verify(&issuers(&authority), &server, &signer, "one").await.map(drop), "not followed");
    assert_eq!(elsewhere.asked(), (0, 0));
}

#[tokio::test]
async fn answers_of_no_use_are_told_from_an_issuer_that_is_away() {
    let (authority, signer, server) = issuer().await;
    let url = server.url.clone();
    for (answer, why) in [
        (Answer::Status(404), "404"),
        (Answer::Status(204), "204"),
        (Answer::Document("<html>".to_owned()), "discovery document is none"),
        (Answer::Document("{}".to_owned()), "discovery document is none"),
        (Answer::Document(discovery("other.example", &format!("https://{url}/jwks"))), "of another issuer"),
        (
            Answer::Document(discovery(&format!("{url}/"), &format!("https://{url}/jwks"))),
            "of another issuer",
        ),
        (Answer::Document(discovery(&url, &format!("http://{url}/jwks"))), "no https address"),
        (Answer::Document(discovery(&url, "file:///etc/passwd")), "no https address"),
        (Answer::Document(discovery(&url, &format!("https://user:word@{url}/jwks"))), "no https address"),
        (Answer::Document(discovery(&url, "/jwks")), "no https address"),
    ] {
        server.answer_discovery(answer);
        unusable_because(verify(&issuers(&authority), &server, &signer, "one").await.map(drop), why);
    }
    for status in [429, 500, 503] {
        server.answer_discovery(Answer::Status(status));
        let refused = verify(&issuers(&authority), &server, &signer, "one").await.map(drop);
        unreachable_because(refused, &status.to_string());
    }
    server.answer_discovery(Answer::Document(discovery(&url, &format!("https://{url}/jwks"))));
    server.answer_jwks(Answer::Document("not JSON".to_owned()));
    unusable_because(verify(&issuers(&authority), &server, &signer, "one").await.map(drop), "not a JWKS");
}

#[tokio::test]
async fn the_path_of_an_issuer_is_part_of_where_it_is_asked() {
    let (authority, signer) = (Authority::new("CA"), Signer::p256());
    for (path, asked) in [
        ("/realms/x", "/realms/x/.well-known/openid-configuration"),
        ("/", "/.well-known/openid-configuration"),
        ("/a/", "/a/.well-known/openid-configuration"),
    ] {
        let server = Server::start_with(authority.leaf("127.0.0.1"), path, &jwks(&[signer.jwk("one")])).await;
        verify(&issuers(&authority), &server, &signer, "one").await.unwrap();
        assert_eq!(server.paths.lock().unwrap()[0], asked);
    }
}

#[tokio::test]
async fn keys_may_be_on_another_host_than_the_issuer() {
    let (authority, signer, server) = issuer().await;
    let keys = Server::start(&authority, &signer).await;
    server.answer_discovery(Answer::Document(discovery(&server.url, &format!("{}/jwks?a=b", keys.issuer()))));
    verify(&issuers(&authority), &server, &signer, "one").await.unwrap();
    assert_eq!((server.asked(), keys.asked()), ((1, 0), (0, 1)));
}

#[test]
fn what_is_no_certificate_is_not_trusted() {
    let (good, bad) = (Authority::new("CA").certificate, oidc::CertificateDer::from(vec![1, 2, 3]));
    let refused = Issuers::new(Settings { extra_roots: vec![good, bad], ..Settings::default() });
    assert!(refused.unwrap_err().to_string().starts_with("extra certificate authority 2 "));
}

async fn issuer() -> (Authority, Signer, Arc<Server>) {
    let (authority, signer) = (Authority::new("CA"), Signer::p256());
    let server = Server::start(&authority, &signer).await;
    (authority, signer, server)
}

fn hold(server: &Server, signer: &Signer) -> Arc<Semaphore> {
    let permits = Arc::new(Semaphore::new(0));
    server.answer_jwks(Answer::Held(Arc::clone(&permits), jwks(&[signer.jwk("one")])));
    permits
}

fn spawn_verify(
    issuers: &Arc<Issuers>,
    server: &Arc<Server>,
    signer: &Arc<Signer>,
) -> tokio::task::JoinHandle<Result<(), Rejection>> {
    let (issuers, server, signer) = (Arc::clone(issuers), Arc::clone(server), Arc::clone(signer));
    tokio::spawn(async move { verify(&issuers, &server, &signer, "one").await.map(drop) })
}

/// Lets time pass for the cache, not for the sockets.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

async fn closed_port() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

fn unreachable_because(refused: Result<(), Rejection>, why: &str) {
    assert!(
        matches!(&refused, Err(Rejection::IssuerUnreachable(reason)) if reason.contains(why)),
        "{why}: {refused:?}"
    );
}

fn unusable_because(refused: Result<(), Rejection>, why: &str) {
    assert!(
        matches!(&refused, Err(Rejection::IssuerUnusable(reason)) if reason.contains(why)),
        "{why}: {refused:?}"
    );
}
