//! Which servers are believed to be the issuer: by a root, or by a registered thumbprint and nothing less.

use aws_lc_rs::digest;
use oidc::{CertificateDer, Issuers, Rejection, Settings};

use crate::servers::{Authority, Chain, Server, issuers, provider, verify};
use crate::signer::{Signer, claims, jwks, now};

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_not_believed() {
    let (theirs, ours, signer) = (Authority::new("CA"), Authority::new("CA"), Signer::p256());
    let server = Server::start(&theirs, &signer).await;
    not_believed(verify(&issuers(&ours), &server, &signer, "one").await.map(drop));
    verify(&issuers(&theirs), &server, &signer, "one").await.unwrap();
}

#[tokio::test]
async fn a_certificate_of_another_name_or_another_time_is_not_believed() {
    let (authority, signer) = (Authority::new("CA"), Signer::p256());
    for chain in [authority.leaf("issuer.example"), authority.expired_leaf("127.0.0.1")] {
        let server = start(chain, &signer).await;
        not_believed(verify(&issuers(&authority), &server, &signer, "one").await.map(drop));
    }
}

#[tokio::test]
async fn a_registered_thumbprint_takes_the_place_of_a_root() {
    let (authority, signer) = (Authority::new("CA"), Signer::p256());
    let server = start(authority.leaf("127.0.0.1").and(&authority), &signer).await;
    let (right, other) = (thumbprint(&authority.certificate), thumbprint(&Authority::new("CA").certificate));
    for thumbprints in [vec![right.clone()], vec![right.to_uppercase()], vec![other.clone(), right.clone()]] {
        verify_by(&thumbprints, &server, &signer).await.unwrap();
    }
    for thumbprints in
        [vec![], vec![other], vec![right[1..].to_owned()], vec![String::new()], vec!["é".repeat(20)]]
    {
        not_believed(verify_by(&thumbprints, &server, &signer).await);
    }
}

#[tokio::test]
async fn a_thumbprint_vouches_for_no_other_name_and_no_other_time() {
    let (authority, signer) = (Authority::new("CA"), Signer::p256());
    let thumbprints = [thumbprint(&authority.certificate)];
    for chain in [authority.leaf("issuer.example"), authority.expired_leaf("127.0.0.1")] {
        let server = start(chain.and(&authority), &signer).await;
        not_believed(verify_by(&thumbprints, &server, &signer).await);
    }
}

#[tokio::test]
async fn a_registered_certificate_that_is_only_shown_vouches_for_nothing() {
    let (registered, thief, signer) = (Authority::new("CA"), Authority::new("Thief"), Signer::p256());
    let thumbprints = [thumbprint(&registered.certificate)];
    let same_name = Authority::new("CA");
    for chain in [
        thief.leaf("127.0.0.1").and(&registered),
        thief.leaf("127.0.0.1").and(&thief).and(&registered),
        same_name.leaf("127.0.0.1").and(&registered),
    ] {
        let server = start(chain, &signer).await;
        not_believed(verify_by(&thumbprints, &server, &signer).await);
    }
}

#[tokio::test]
async fn a_registered_certificate_must_be_shown_to_vouch() {
    let (authority, signer) = (Authority::new("CA"), Signer::p256());
    let server = start(authority.leaf("127.0.0.1"), &signer).await;
    not_believed(verify_by(&[thumbprint(&authority.certificate)], &server, &signer).await);
}

#[tokio::test]
async fn what_one_providers_record_trusts_is_nothing_to_anothers() {
    let (authority, signer) = (Authority::new("CA"), Signer::p256());
    let server = start(authority.leaf("127.0.0.1").and(&authority), &signer).await;
    let issuers = Issuers::new(Settings::default()).unwrap();
    let thumbprints = [thumbprint(&authority.certificate)];
    let token = signer.token("ES256", "one", &claims(&server.issuer()));
    issuers.verify(&provider(&server, &thumbprints), &token, now()).await.unwrap();
    not_believed(issuers.verify(&provider(&server, &[]), &token, now()).await.map(drop));
    issuers.verify(&provider(&server, &thumbprints), &token, now()).await.unwrap();
}

async fn start(chain: Chain, signer: &Signer) -> std::sync::Arc<Server> {
    Server::start_with(chain, "", &jwks(&[signer.jwk("one")])).await
}

/// With no root but the machine's.
async fn verify_by(thumbprints: &[String], server: &Server, signer: &Signer) -> Result<(), Rejection> {
    let token = signer.token("ES256", "one", &claims(&server.issuer()));
    let issuers = Issuers::new(Settings::default()).unwrap();
    issuers.verify(&provider(server, thumbprints), &token, now()).await.map(drop)
}

fn not_believed(refused: Result<(), Rejection>) {
    let why = match &refused {
        Err(Rejection::IssuerUnreachable(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(why.contains("certificate"), "{why}");
}

fn thumbprint(certificate: &CertificateDer<'_>) -> String {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
