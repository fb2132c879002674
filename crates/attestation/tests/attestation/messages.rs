//! The message around a document, and what CBOR allows besides.

use crate::cbor::{Cbor, head};
use crate::maker::{Chain, NOW};
use attestation::AttestationError::{self, Malformed, TooLong, WrongAlgorithm, WrongSignature};
use attestation::Attested;
use proptest::prelude::*;

fn verified(chain: &Chain, document: &[u8]) -> Result<Attested, AttestationError> {
    chain.roots().verify(document, NOW)
}

#[test]
fn a_message_may_be_tagged_as_cose_sign1_and_as_nothing_else() {
    let chain = Chain::new();
    let tagged = |tag| {
        let message = chain.message(&chain.document().payload());
        verified(&chain, &maker_message(message, tag)).map(drop)
    };
    assert_eq!(tagged(Some(18)), Ok(()));
    assert_eq!(tagged(None), Ok(()));
    assert_eq!(tagged(Some(17)), Err(Malformed("COSE_Sign1")));
    assert_eq!(tagged(Some(98)), Err(Malformed("COSE_Sign1")));
    let twice = [head(6, 18), chain.signed(&chain.document())].concat();
    assert_eq!(verified(&chain, &twice), Err(Malformed("COSE_Sign1")));
}

fn maker_message(mut message: crate::maker::Message, tag: Option<u64>) -> Vec<u8> {
    message.tag = tag;
    message.encoded()
}

#[test]
fn a_header_that_says_another_algorithm_or_more_is_refused() {
    let chain = Chain::new();
    let payload = chain.document().payload();
    let header = |pairs: &[(i64, i64)]| {
        Cbor::Map(pairs.iter().map(|(name, value)| (Cbor::Number(*name), Cbor::Number(*value))).collect())
    };
    for pairs in [
        &[(1, -7)][..],
        &[(1, -36)],
        &[(1, 35)],
        &[(2, -35)],
        &[],
        &[(1, -35), (3, 0)],
        &[(1, -35), (1, -35)],
    ] {
        let message = chain.message_under(&header(pairs), &payload);
        assert_eq!(verified(&chain, &message.encoded()), Err(WrongAlgorithm), "{pairs:?}");
    }
    let longer = Cbor::Raw([header(&[(1, -35)]).encoded(), vec![0]].concat());
    assert_eq!(verified(&chain, &chain.message_under(&longer, &payload).encoded()), Err(WrongAlgorithm));
    let none = chain.message_under(&Cbor::Raw(vec![]), &payload);
    assert_eq!(verified(&chain, &none.encoded()), Err(WrongAlgorithm));
    let unprotected = chain.message(&payload).with_part(1, header(&[(1, -35)]));
    assert_eq!(verified(&chain, &unprotected.encoded()), Err(Malformed("unprotected header")));
}

#[test]
fn a_signature_of_another_key_over_something_else_or_of_another_length_is_refused() {
    let (chain, other) = (Chain::new(), Chain::new());
    let payload = chain.document().payload();
    assert_eq!(verified(&chain, &other.message(&payload).encoded()), Err(WrongSignature));
    let elsewhere = chain.message(&chain.document().without("nonce").payload()).parts.remove(3);
    let swapped = chain.message(&payload).with_part(3, elsewhere);
    assert_eq!(verified(&chain, &swapped.encoded()), Err(WrongSignature));
    for (length, expected) in [
        (0, Malformed("signature")),
        (95, Malformed("signature")),
        (96, WrongSignature),
        (97, Malformed("signature")),
    ] {
        let zeros = chain.message(&payload).with_part(3, Cbor::Bytes(vec![0; length]));
        assert_eq!(verified(&chain, &zeros.encoded()), Err(expected));
    }
}

#[test]
fn lists_and_maps_may_be_of_indefinite_length_as_those_of_aws_are() {
    let chain = Chain::new();
    let document = chain.document();
    for (name, value) in chain.document().members {
        if let Cbor::List(_) | Cbor::Map(_) = value {
            assert!(verified(&chain, &chain.document_with(name, value.indefinite())).is_ok(), "{name}");
        }
    }
    let payload = document.map().indefinite().encoded();
    let message = chain.message(&payload).encoded();
    assert!(verified(&chain, &message).is_ok());
    let unprotected = chain.message(&payload).with_part(1, Cbor::Map(vec![]).indefinite());
    assert!(verified(&chain, &unprotected.encoded()).is_ok());
    for length in 1..payload.len() {
        let refused = verified(&chain, &chain.message(&payload[..length]).encoded());
        assert!(matches!(refused, Err(Malformed(_))), "{length} bytes");
    }
}

#[test]
fn indefinite_lengths_are_within_the_same_limits() {
    let chain = Chain::new();
    let with = |name, value: Cbor| verified(&chain, &chain.document_with(name, value.indefinite())).map(drop);
    let registers = |count| {
        Cbor::Map((0..count).map(|number| (Cbor::Number(number), Cbor::Bytes(vec![1; 48]))).collect())
    };
    assert_eq!(with("pcrs", registers(32)), Ok(()));
    assert_eq!(with("pcrs", registers(33)), Err(Malformed("pcrs")));
    assert_eq!(with("pcrs", registers(0)), Err(Malformed("pcrs")));
    assert_eq!(with("cabundle", Cbor::List(vec![])), Err(Malformed("cabundle")));
    assert_eq!(with("cabundle", Cbor::List(vec![Cbor::Bytes(vec![0; 10]); 8])), Err(Malformed("cabundle")));
    let more = chain.document().and("1", Cbor::Null).and("2", Cbor::Null).map().indefinite();
    assert!(verified(&chain, &chain.message(&more.encoded()).encoded()).is_err());
    let half_a_pair = Cbor::Raw(vec![0xbf, 0x00, 0xff]);
    assert_eq!(with("pcrs", half_a_pair), Err(Malformed("pcrs")));
}

#[test]
fn bytes_and_texts_in_pieces_and_messages_of_indefinite_length_are_refused() {
    let chain = Chain::new();
    let document = chain.document();
    for (name, value) in chain.document().members {
        if let Cbor::Bytes(_) | Cbor::Text(_) = value {
            let refused = verified(&chain, &chain.document_with(name, value.indefinite()));
            assert_eq!(refused, Err(Malformed(name)));
        }
    }
    let parts = chain.message(&document.payload()).parts;
    for at in [0, 2, 3] {
        let message = chain.message(&document.payload()).with_part(at, parts[at].indefinite());
        assert!(matches!(verified(&chain, &message.encoded()), Err(Malformed(_))), "part {at}");
    }
    let all = Cbor::List(parts).indefinite().encoded();
    assert_eq!(verified(&chain, &all), Err(Malformed("COSE_Sign1")));
}

#[test]
fn a_document_cut_off_anywhere_or_with_more_after_it_is_refused() {
    let chain = Chain::new();
    let document = chain.signed(&chain.document());
    let roots = chain.roots();
    for length in 0..document.len() {
        assert!(matches!(roots.verify(&document[..length], NOW), Err(Malformed(_))), "{length} bytes");
    }
    assert_eq!(roots.verify(&[&document[..], &[0]].concat(), NOW), Err(Malformed("COSE_Sign1")));
    let payload = [chain.document().payload(), vec![0xf6]].concat();
    assert_eq!(verified(&chain, &chain.message(&payload).encoded()), Err(Malformed("payload")));
    for parts in [3, 5] {
        let mut message = chain.message(&chain.document().payload());
        message.parts.resize(parts, Cbor::Null);
        assert_eq!(verified(&chain, &message.encoded()), Err(Malformed("COSE_Sign1")));
    }
}

#[test]
fn lengths_beyond_what_is_there_or_may_be_are_refused() {
    let chain = Chain::new();
    assert_eq!(verified(&chain, &vec![0; 262_145]), Err(TooLong));
    assert_eq!(verified(&chain, &vec![0; 262_144]), Err(Malformed("COSE_Sign1")));
    let long = chain.document_with("module_id", Cbor::Raw([head(3, 16_000), vec![b'i'; 16_000]].concat()));
    assert_eq!(verified(&chain, &long), Err(Malformed("payload")));
    for major in [2, 3, 4, 5] {
        for length in [24, 0xffff, u64::from(u32::MAX), u64::MAX] {
            let value = Cbor::Raw(head(major, length));
            for name in ["module_id", "pcrs", "cabundle", "certificate", "nonce"] {
                let refused =
                    verified(&chain, &chain.signed(&chain.document().without(name).and(name, value.clone())));
                assert_eq!(refused, Err(Malformed(name)), "{name}");
            }
        }
    }
}

#[test]
fn no_byte_of_a_document_can_be_changed() {
    let chain = Chain::new();
    let document = chain.signed(&chain.document());
    let roots = chain.roots();
    for at in 0..document.len() {
        let mut changed = document.clone();
        changed[at] ^= 1;
        assert!(roots.verify(&changed, NOW).is_err(), "byte {at}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        let chain = Chain::new();
        prop_assert!(verified(&chain, &bytes).is_err());
        prop_assert!(verified(&chain, &chain.message(&bytes).encoded()).is_err());
    }
}
