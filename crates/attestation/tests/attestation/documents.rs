//! The members of a document.

use crate::cbor::Cbor;
use crate::maker::{Chain, NOW, RSA};
use attestation::AttestationError::{self, Duplicate, Malformed, Missing, UnknownMember};
use attestation::{Attested, Roots};
use std::time::Duration;

fn verified(chain: &Chain, document: &[u8]) -> Result<Attested, AttestationError> {
    chain.roots().verify(document, NOW)
}

#[test]
fn a_good_document_says_who_is_attested_and_what_was_measured() {
    let chain = Chain::new();
    let attested = verified(&chain, &chain.signed(&chain.document())).unwrap();
    assert_eq!(&*attested.module_id, "i-0123456789abcdef0-enc0123456789abcdef");
    assert_eq!(*attested.public_key, **RSA);
    assert_eq!(attested.image_sha384(), Some(&[1; 48][..]));
    assert_eq!(attested.pcrs.iter().count(), 16);
    assert_eq!(attested.pcrs.value(8), Some(&[9; 48][..]));
    assert_eq!(attested.pcrs.value(16), None);
    assert_eq!(attested.nitro_tpm_pcrs.iter().count(), 0);
}

#[test]
fn the_document_of_a_nitro_tpm_has_registers_of_its_own_and_no_image() {
    let chain = Chain::new();
    let registers = Cbor::Map(vec![(Cbor::Number(4), Cbor::Bytes(vec![7; 48]))]);
    let document = chain.document().without("pcrs").and("nitrotpm_pcrs", registers.clone());
    let attested = verified(&chain, &chain.signed(&document)).unwrap();
    assert_eq!(attested.nitro_tpm_pcrs.value(4), Some(&[7; 48][..]));
    assert_eq!((attested.pcrs.value(4), attested.image_sha384()), (None, None));
    let both = chain.document().and("nitrotpm_pcrs", registers);
    assert_eq!(verified(&chain, &chain.signed(&both)), Err(UnknownMember));
}

#[test]
fn a_document_is_believed_for_five_minutes_before_and_after_its_timestamp_and_no_longer() {
    let chain = Chain::new();
    let (document, roots) = (chain.signed(&chain.document()), chain.roots());
    let (five_minutes, a_moment) = (Duration::from_mins(5), Duration::from_millis(1));
    assert!(roots.verify(&document, NOW + five_minutes).is_ok());
    assert!(roots.verify(&document, NOW - five_minutes).is_ok());
    let too_late = roots.verify(&document, NOW + five_minutes + a_moment);
    assert_eq!(too_late, Err(AttestationError::Stale));
    let too_early = roots.verify(&document, NOW - five_minutes - a_moment);
    assert_eq!(too_early, Err(AttestationError::FromTheFuture));
}

#[test]
fn timestamps_at_the_ends_of_time_are_refused() {
    let chain = Chain::new();
    let with = |number: Vec<u8>| verified(&chain, &chain.document_with("timestamp", Cbor::Raw(number)));
    assert_eq!(with(vec![0]), Err(Malformed("timestamp")));
    assert_eq!(with(vec![1]), Err(AttestationError::Stale));
    assert_eq!(with(vec![0x20]), Err(Malformed("timestamp")));
    assert_eq!(with([&[0x1b][..], &[0xff; 8]].concat()), Err(AttestationError::FromTheFuture));
}

#[test]
fn what_must_be_there_and_is_not_is_named() {
    let chain = Chain::new();
    for name in ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle", "public_key"] {
        let document = chain.signed(&chain.document().without(name));
        assert_eq!(verified(&chain, &document), Err(Missing(name)), "{name}");
    }
    let null = |name| verified(&chain, &chain.document_with(name, Cbor::Null));
    assert_eq!(null("public_key"), Err(Missing("public_key")));
    for name in ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"] {
        assert_eq!(null(name), Err(Malformed(name)), "{name}");
    }
}

#[test]
fn what_is_between_the_attested_and_others_may_be_there_and_may_be_absent() {
    let chain = Chain::new();
    let absent = chain.document().without("user_data").without("nonce");
    assert!(verified(&chain, &chain.signed(&absent)).is_ok());
    for name in ["user_data", "nonce"] {
        let with = |bytes: usize| verified(&chain, &chain.document_with(name, Cbor::Bytes(vec![1; bytes])));
        assert!(with(0).is_ok() && with(1024).is_ok(), "{name}");
        assert_eq!(with(1025), Err(Malformed(name)));
    }
}

#[test]
fn members_that_come_twice_and_members_that_nobody_knows_are_refused() {
    let chain = Chain::new();
    for (name, value) in chain.document().members {
        let document = chain.document().without("nonce").and(name, value);
        let expected = if name == "nonce" { Ok(()) } else { Err(Duplicate(name)) };
        assert_eq!(verified(&chain, &chain.signed(&document)).map(drop), expected, "{name}");
    }
    let document = chain.document().and("pcr", Cbor::Null);
    assert_eq!(verified(&chain, &chain.signed(&document)), Err(UnknownMember));
}

#[test]
fn members_of_another_type_are_refused() {
    let chain = Chain::new();
    for (name, value) in chain.document().members {
        let strange = match value {
            Cbor::Text(text) => Cbor::Bytes(text.as_bytes().to_vec()),
            _ => Cbor::Text("SHA384"),
        };
        assert_eq!(verified(&chain, &chain.document_with(name, strange)), Err(Malformed(name)));
    }
    let empty = chain.document_with("module_id", Cbor::Text(""));
    assert_eq!(verified(&chain, &empty), Err(Malformed("module_id")));
    let not_text = chain.document_with("module_id", Cbor::Raw(vec![0x61, 0xff]));
    assert_eq!(verified(&chain, &not_text), Err(Malformed("module_id")));
    let digest = chain.document_with("digest", Cbor::Text("SHA256"));
    assert_eq!(verified(&chain, &digest), Err(Malformed("digest")));
    let number_for_a_name = Cbor::Map(vec![(Cbor::Number(1), Cbor::Null)]).encoded();
    let document = chain.message(&number_for_a_name).encoded();
    assert_eq!(verified(&chain, &document), Err(Malformed("payload")));
}

#[test]
fn registers_have_the_numbers_and_the_lengths_that_there_are() {
    let chain = Chain::new();
    let with = |registers: &[(i64, usize)]| {
        let pairs =
            registers.iter().map(|(number, length)| (Cbor::Number(*number), Cbor::Bytes(vec![5; *length])));
        verified(&chain, &chain.document_with("pcrs", Cbor::Map(pairs.collect()))).map(drop)
    };
    for length in [32, 48, 64] {
        assert_eq!(with(&[(0, length), (31, length)]), Ok(()));
    }
    for wrong in [(32, 48), (-1, 48), (256, 48), (0, 0), (0, 47), (0, 65)] {
        assert_eq!(with(&[wrong]), Err(Malformed("pcrs")), "{wrong:?}");
    }
    assert_eq!(with(&[]), Err(Malformed("pcrs")));
    assert_eq!(with(&[(3, 48), (3, 48)]), Err(Duplicate("pcrs")));
    let all: Vec<(i64, usize)> = (0..33).map(|number| (number, 48)).collect();
    assert_eq!(with(&all[..32]), Ok(()));
    assert_eq!(with(&all), Err(Malformed("pcrs")));
}

#[test]
fn certificates_and_keys_have_a_length_from_1_to_1024() {
    let chain = Chain::new();
    for name in ["certificate", "public_key"] {
        for length in [0, 1025] {
            let document = chain.document_with(name, Cbor::Bytes(vec![0; length]));
            assert_eq!(verified(&chain, &document), Err(Malformed(name)), "{name} {length}");
        }
    }
    for bundle in [vec![], vec![Cbor::Bytes(vec![])], vec![Cbor::Bytes(vec![0; 1025])], vec![Cbor::Null]] {
        let document = chain.document_with("cabundle", Cbor::List(bundle));
        assert_eq!(verified(&chain, &document), Err(Malformed("cabundle")));
    }
}

#[test]
fn a_public_key_that_is_not_rsa_is_refused() {
    let chain = Chain::new();
    let with = |key: &[u8]| verified(&chain, &chain.document_with("public_key", Cbor::Bytes(key.to_vec())));
    let elliptic = rcgen::PublicKeyData::subject_public_key_info(&chain.key);
    assert_eq!(with(&elliptic), Err(AttestationError::NotRsa));
    assert_eq!(with(&RSA[..RSA.len() - 1]), Err(AttestationError::NotRsa));
    assert_eq!(with(&[&RSA[..], &[0]].concat()), Err(AttestationError::NotRsa));
}

#[test]
fn a_public_key_has_as_many_bits_as_the_security_module_encrypts_to() {
    let chain = Chain::new();
    let with =
        |bits| verified(&chain, &chain.document_with("public_key", Cbor::Bytes(rsa_of(bits)))).map(drop);
    for bits in [2048, 3072, 4096] {
        assert_eq!(with(bits), Ok(()), "{bits}");
    }
    for bits in [1024, 2040, 4104, 6144] {
        assert_eq!(with(bits), Err(AttestationError::NotRsa), "{bits}");
    }
}

#[test]
fn what_was_changed_after_signing_is_refused() {
    let chain = Chain::new();
    let document = chain.signed(&chain.document());
    let measured = document.windows(48).position(|window| window == [1; 48]).unwrap();
    let mut changed = document;
    changed[measured + 20] = 2;
    assert_eq!(verified(&chain, &changed), Err(AttestationError::WrongSignature));
}

#[test]
fn without_roots_nothing_is_believed() {
    let chain = Chain::new();
    let document = chain.signed(&chain.document());
    assert_eq!(Roots::default().verify(&document, NOW), Err(AttestationError::NoRoots));
}

/// The SubjectPublicKeyInfo of an RSA key of so many bits; nobody has its private key.
fn rsa_of(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0; bits / 8 + 1];
    modulus[1] = 0xc1;
    *modulus.last_mut().unwrap() = 1;
    let key = der(0x30, &[der(0x02, &modulus), der(0x02, &[1, 0, 1])].concat());
    let rsa = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    let algorithm = der(0x30, &[der(0x06, &rsa), der(0x05, &[])].concat());
    der(0x30, &[algorithm, der(0x03, &[vec![0], key].concat())].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let head = match content.len() {
        short @ 0..0x80 => vec![tag, short as u8],
        middle @ 0x80..0x100 => vec![tag, 0x81, middle as u8],
        long => vec![tag, 0x82, (long >> 8) as u8, long as u8],
    };
    [&head, content].concat()
}
