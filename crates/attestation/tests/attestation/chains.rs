//! From a document's certificate to a root.

use crate::cbor::Cbor;
use crate::maker::{Chain, Link, NOW, links};
use attestation::AttestationError::{self, Malformed, Untrusted};
use rcgen::{
    BasicConstraints, DnType, ExtendedKeyUsagePurpose, IsCa, PKCS_ECDSA_P256_SHA256, PKCS_ED25519,
    date_time_ymd,
};

/// What comes of a good document under a chain that is changed so.
fn with(change: impl FnOnce(&mut Vec<Link>)) -> Result<(), AttestationError> {
    let mut links = links();
    change(&mut links);
    let chain = Chain::of(links);
    chain.roots().verify(&chain.signed(&chain.document()), NOW).map(drop)
}

#[test]
fn a_chain_of_any_usual_length_is_followed() {
    assert_eq!(with(|_| ()), Ok(()));
    assert_eq!(with(|links| drop(links.drain(1..3))), Ok(()));
    let longer = with(|links| {
        let more =
            (0..3).map(|number| Link::authority(&format!("more {number}"), BasicConstraints::Unconstrained));
        links.splice(1..1, more);
    });
    assert_eq!(longer, Ok(()));
}

#[test]
fn the_bundle_may_begin_below_the_root() {
    let chain = Chain::new();
    let bundle = chain.certificates[1..3].iter().map(|one| Cbor::Bytes(one.clone())).collect();
    let document = chain.document_with("cabundle", Cbor::List(bundle));
    assert!(chain.roots().verify(&document, NOW).is_ok());
}

#[test]
fn a_document_under_another_root_is_refused_though_that_has_the_same_name() {
    let (chain, other) = (Chain::new(), Chain::new());
    assert_eq!(other.roots().verify(&chain.signed(&chain.document()), NOW), Err(Untrusted));
    let mut chains = [chain.root_pem.clone(), other.root_pem];
    for _ in 0..2 {
        let roots = attestation::Roots::from_pem(chains.concat().as_bytes()).unwrap();
        assert!(roots.verify(&chain.signed(&chain.document()), NOW).is_ok());
        chains.reverse();
    }
}

#[test]
fn a_certificate_that_is_over_or_not_yet_valid_is_refused() {
    for at in 1..=3 {
        let over = with(|links| links[at].params.not_after = date_time_ymd(2026, 6, 14));
        assert_eq!(over, Err(Untrusted), "link {at}");
        let early = with(|links| links[at].params.not_before = date_time_ymd(2026, 6, 16));
        assert_eq!(early, Err(Untrusted), "link {at}");
    }
}

#[test]
fn who_is_no_authority_certifies_nobody() {
    for at in 1..=2 {
        assert_eq!(with(|links| links[at].params.is_ca = IsCa::ExplicitNoCa), Err(Untrusted));
        assert_eq!(with(|links| links[at].params.is_ca = IsCa::NoCa), Err(Untrusted));
    }
    let authority = with(|links| links[3].params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(authority, Err(Untrusted));
}

#[test]
fn no_authority_certifies_deeper_than_it_may() {
    let shallow = with(|links| links[1].params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    assert_eq!(shallow, Err(Untrusted));
}

#[test]
fn keys_and_signatures_of_other_kinds_are_refused() {
    for at in 0..=2 {
        for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519] {
            assert_eq!(with(|links| links[at].algorithm = algorithm), Err(Untrusted), "link {at}");
        }
    }
}

#[test]
fn a_certificate_for_another_purpose_is_refused() {
    for at in 1..=3 {
        let purpose = with(|links| {
            links[at].params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        });
        assert_eq!(purpose, Err(Untrusted), "link {at}");
    }
}

#[test]
fn the_bundle_is_in_the_order_of_the_chain_and_has_nobody_twice() {
    let chain = Chain::new();
    let with = |order: &[usize]| {
        let bundle = order.iter().map(|at| Cbor::Bytes(chain.certificates[*at].clone())).collect();
        chain.roots().verify(&chain.document_with("cabundle", Cbor::List(bundle)), NOW).map(drop)
    };
    assert_eq!(with(&[0, 1, 2]), Ok(()));
    for order in [&[2, 1, 0][..], &[0, 2, 1], &[0, 1], &[0, 2], &[0, 0, 1, 2], &[1, 0, 1, 2], &[0, 1, 2, 3]] {
        assert_eq!(with(order), Err(Untrusted), "{order:?}");
    }
    assert_eq!(with(&[0; 8]), Err(Malformed("cabundle")));
    let namesakes = self::with(|links| {
        let name = links[1].params.distinguished_name.clone();
        links[2].params.distinguished_name = name;
    });
    assert_eq!(namesakes, Err(Untrusted));
}

#[test]
fn what_is_no_certificate_is_refused() {
    let chain = Chain::new();
    let junk = Cbor::Bytes(vec![0x30; 100]);
    let refused = |document: Vec<u8>| chain.roots().verify(&document, NOW);
    assert_eq!(refused(chain.document_with("certificate", junk.clone())), Err(Untrusted));
    assert_eq!(refused(chain.document_with("cabundle", Cbor::List(vec![junk]))), Err(Untrusted));
    let other = Chain::new().certificates[3].clone();
    assert_eq!(refused(chain.document_with("certificate", Cbor::Bytes(other))), Err(Untrusted));
}

#[test]
fn a_name_alone_makes_no_root() {
    let stranger = Chain::of(vec![Link::leaf("root"), Link::leaf("enclave")]);
    let known = Chain::new();
    let mut named = links();
    named[0].params.distinguished_name.push(DnType::OrganizationName, "AWS");
    assert_eq!(known.roots().verify(&stranger.signed(&stranger.document()), NOW), Err(Untrusted));
    let named = Chain::of(named);
    assert_eq!(known.roots().verify(&named.signed(&named.document()), NOW), Err(Untrusted));
}
