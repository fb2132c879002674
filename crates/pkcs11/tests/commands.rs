//! What the commands do, on real SoftHSM tokens.

#![expect(clippy::unwrap_used, reason = "a test that finds something else than expected fails")]

#[expect(dead_code, reason = "shared by several test programs")]
mod direct;
#[expect(dead_code, reason = "shared by several test programs")]
mod support;

use pkcs11_api::{OaepDigest, Refusal, ReturnValue};
use std::fs;
use support::{PIN, Sealed, SoftHsm};

#[tokio::test]
async fn what_one_member_seals_another_opens_with_a_key_that_was_never_readable() {
    let hsm = SoftHsm::with_tokens(&["one", "two"]);
    let (one, two) = (hsm.start("one", 2), hsm.start("two", 2));
    one.log_in(PIN).await.unwrap();
    two.log_in(PIN).await.unwrap();
    let transports = [one.transport_key().await.unwrap(), two.transport_key().await.unwrap()];
    let before = objects(&hsm);
    let wrapped = one.generate_wrapped(&transports).await.unwrap();
    assert_eq!(objects(&hsm), before, "the making left something behind");
    assert_eq!(one.unwrap(ID, &wrapped[0]).await, Ok(true));
    assert_eq!(two.unwrap(ID, &wrapped[1]).await, Ok(true));
    let sealed = one.seal(ID, b"data", b"a plaintext").await.unwrap();
    assert_eq!(sealed.ciphertext.len(), 11);
    assert_eq!(two.open(ID, b"data", &sealed).await.unwrap(), b"a plaintext");
    let back = two.seal(ID, b"", b"").await.unwrap();
    assert_eq!(one.open(ID, b"", &back).await.unwrap(), b"");
}

#[tokio::test]
async fn a_key_in_a_token_is_aes_256_sensitive_not_extractable_and_its_value_cannot_be_read() {
    if let Some(session) = direct::session() {
        return direct::assert_nothing_can_leave(&session, 2);
    }
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 1);
    one.log_in(PIN).await.unwrap();
    let transport = one.transport_key().await.unwrap();
    let wrapped = one.generate_wrapped(std::slice::from_ref(&transport)).await.unwrap();
    one.unwrap(ID, &wrapped[0]).await.unwrap();
    one.generate(b"another").await.unwrap();
    direct::again(&hsm, "a_key_in_a_token_is_aes_256_sensitive_not_extractable_and_its_value_cannot_be_read");
}

#[tokio::test]
async fn a_key_that_is_there_is_kept() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 2);
    one.log_in(PIN).await.unwrap();
    assert_eq!(one.generate(ID).await, Ok(true));
    let sealed = one.seal(ID, b"", b"text").await.unwrap();
    assert_eq!(one.generate(ID).await, Ok(false));
    let transport = one.transport_key().await.unwrap();
    let wrapped = one.generate_wrapped(&[transport]).await.unwrap();
    assert_eq!(one.unwrap(ID, &wrapped[0]).await, Ok(false));
    assert_eq!(one.open(ID, b"", &sealed).await.unwrap(), b"text");
}

#[tokio::test]
async fn keys_asked_for_by_many_at_once_are_made_once() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 8);
    one.log_in(PIN).await.unwrap();
    let all = (one.generate(ID), one.generate(ID), one.generate(ID), one.generate(ID));
    let made = tokio::join!(all.0, all.1, all.2, all.3);
    let made = [made.0, made.1, made.2, made.3].into_iter().filter(|made| *made == Ok(true)).count();
    assert_eq!(made, 1);
    assert_eq!(one.destroy(ID).await, Ok(1));
}

#[tokio::test]
async fn the_transport_key_is_made_once_and_its_digest_is_one_that_the_token_can() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 2);
    one.log_in(PIN).await.unwrap();
    let (first, second) = tokio::join!(one.transport_key(), one.transport_key());
    let first = first.unwrap();
    assert_eq!(Ok(&first), second.as_ref());
    assert_eq!((first.modulus.len(), first.exponent.as_slice()), (384, &[1, 0, 1][..]));
    // SoftHSM 2.6 knows RSAES-OAEP with SHA-1 only.
    assert_eq!(first.digest, OaepDigest::Sha1);
    one.supervisor.stop();
    let again = hsm.start("one", 1);
    again.log_in(PIN).await.unwrap();
    assert_eq!(again.transport_key().await, Ok(first));
}

#[tokio::test]
async fn a_recipient_that_asks_for_a_better_digest_than_the_token_can_gets_the_other() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 1);
    one.log_in(PIN).await.unwrap();
    let mut transport = one.transport_key().await.unwrap();
    transport.digest = OaepDigest::Sha256;
    let wrapped = one.generate_wrapped(&[transport]).await.unwrap();
    assert_eq!(wrapped[0].digest, OaepDigest::Sha1);
    assert_eq!(one.unwrap(ID, &wrapped[0]).await, Ok(true));
}

#[tokio::test]
async fn a_key_that_was_wrapped_for_another_member_or_was_changed_does_not_unwrap() {
    let hsm = SoftHsm::with_tokens(&["one", "two"]);
    let (one, two) = (hsm.start("one", 1), hsm.start("two", 1));
    one.log_in(PIN).await.unwrap();
    two.log_in(PIN).await.unwrap();
    let transport = two.transport_key().await.unwrap();
    let mut wrapped = one.generate_wrapped(&[transport]).await.unwrap().remove(0);
    assert_eq!(one.unwrap(ID, &wrapped).await, Err(Refusal::TransportKeyMissing));
    one.transport_key().await.unwrap();
    let refused = one.unwrap(ID, &wrapped).await.unwrap_err();
    assert!(is_of_the_wrapped_key(refused), "{refused:?}");
    wrapped.bytes[100] ^= 1;
    let refused = two.unwrap(ID, &wrapped).await.unwrap_err();
    assert!(is_of_the_wrapped_key(refused), "{refused:?}");
    assert_eq!(two.find(ID).await, Err(Refusal::KeyMissing));
}

#[tokio::test]
async fn a_ciphertext_that_is_not_as_it_was_is_invalid_and_costs_no_session() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 1);
    let before = one.log_in(PIN).await.unwrap();
    one.generate(ID).await.unwrap();
    one.generate(b"another").await.unwrap();
    let sealed = one.seal(ID, b"data", b"a plaintext").await.unwrap();
    let changes: [fn(&mut Sealed); 5] = [
        |sealed| sealed.tag[15] ^= 1,
        |sealed| sealed.iv[0] ^= 1,
        |sealed| sealed.ciphertext[0] ^= 1,
        |sealed| sealed.ciphertext.push(0),
        |sealed| sealed.ciphertext.clear(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut changed = sealed.clone();
        change(&mut changed);
        assert_eq!(one.open(ID, b"data", &changed).await, Err(Refusal::InvalidCiphertext), "{number}");
    }
    assert_eq!(one.open(ID, b"Data", &sealed).await, Err(Refusal::InvalidCiphertext));
    assert_eq!(one.open(b"another", b"data", &sealed).await, Err(Refusal::InvalidCiphertext));
    assert_eq!(one.open(ID, b"data", &sealed).await.unwrap(), b"a plaintext");
    assert_eq!(one.status().await.unwrap(), before);
    assert_eq!(one.find(b"none").await, Err(Refusal::KeyMissing));
    assert_eq!(one.status().await.unwrap(), before);
}

#[tokio::test]
async fn no_vector_comes_twice() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 4);
    one.log_in(PIN).await.unwrap();
    one.generate(ID).await.unwrap();
    let mut vectors = std::collections::HashSet::new();
    for _ in 0..500 {
        assert!(vectors.insert(one.seal(ID, b"", b"the same").await.unwrap().iv));
    }
}

#[tokio::test]
async fn a_destroyed_key_is_missing_and_one_that_comes_back_is_found_again() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 2);
    one.log_in(PIN).await.unwrap();
    let transport = one.transport_key().await.unwrap();
    let wrapped = one.generate_wrapped(&[transport]).await.unwrap();
    one.unwrap(ID, &wrapped[0]).await.unwrap();
    let sealed = one.seal(ID, b"", b"text").await.unwrap();
    assert_eq!(one.destroy(ID).await, Ok(1));
    assert_eq!(one.destroy(ID).await, Ok(0));
    assert_eq!(one.seal(ID, b"", b"text").await, Err(Refusal::KeyMissing));
    assert_eq!(one.open(ID, b"", &sealed).await, Err(Refusal::KeyMissing));
    one.unwrap(ID, &wrapped[0]).await.unwrap();
    assert_eq!(one.open(ID, b"", &sealed).await.unwrap(), b"text");
}

#[tokio::test]
async fn a_handle_that_somebody_else_made_stale_is_found_again() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let (one, other) = (hsm.start("one", 1), hsm.start("one", 1));
    one.log_in(PIN).await.unwrap();
    other.log_in(PIN).await.unwrap();
    let transport = one.transport_key().await.unwrap();
    let wrapped = one.generate_wrapped(&[transport]).await.unwrap();
    one.unwrap(ID, &wrapped[0]).await.unwrap();
    let sealed = one.seal(ID, b"", b"text").await.unwrap();
    assert_eq!(other.destroy(ID).await, Ok(1));
    assert_eq!(one.open(ID, b"", &sealed).await, Err(Refusal::KeyMissing));
    other.unwrap(ID, &wrapped[0]).await.unwrap();
    assert_eq!(one.open(ID, b"", &sealed).await.unwrap(), b"text");
}

#[tokio::test]
async fn a_key_that_could_be_read_and_two_keys_with_one_id_are_not_used() {
    if let Some(session) = direct::session() {
        direct::make_key(&session, b"readable", true);
        direct::make_key(&session, b"twice", false);
        return direct::make_key(&session, b"twice", false);
    }
    let hsm = SoftHsm::with_tokens(&["one"]);
    direct::again(&hsm, "a_key_that_could_be_read_and_two_keys_with_one_id_are_not_used");
    let one = hsm.start("one", 1);
    one.log_in(PIN).await.unwrap();
    for id in [&b"readable"[..], b"twice"] {
        assert_eq!(one.find(id).await, Err(Refusal::KeyUnfit));
        assert_eq!(one.seal(id, b"", b"text").await, Err(Refusal::KeyUnfit));
        assert_eq!(one.generate(id).await, Err(Refusal::KeyUnfit));
    }
    assert_eq!(one.destroy(b"twice").await, Ok(2));
}

#[tokio::test]
async fn random_bytes_are_as_many_as_asked_for_and_never_the_same() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 1);
    one.log_in(PIN).await.unwrap();
    assert_eq!(one.random(1).await.unwrap().len(), 1);
    let long = one.random(1024).await.unwrap();
    assert_eq!(long.len(), 1024);
    assert_ne!(one.random(1024).await.unwrap(), long);
    assert_eq!(one.random(0).await, Err(Refusal::Malformed));
    assert_eq!(one.random(1025).await, Err(Refusal::TooLarge));
}

#[tokio::test]
async fn what_is_over_the_limit_or_no_command_is_refused() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = hsm.start("one", 1);
    one.log_in(PIN).await.unwrap();
    one.generate(ID).await.unwrap();
    let most = vec![7; pkcs11_api::MAX_PLAINTEXT];
    let more = vec![7; pkcs11_api::MAX_PLAINTEXT + 1];
    let sealed = one.seal(ID, &most, &most).await.unwrap();
    assert_eq!(one.open(ID, &most, &sealed).await.unwrap(), most);
    assert_eq!(one.seal(ID, b"", &more).await, Err(Refusal::TooLarge));
    assert_eq!(one.seal(ID, &more, b"").await, Err(Refusal::TooLarge));
    let longer = Sealed { ciphertext: more, ..sealed };
    assert_eq!(one.open(ID, b"", &longer).await, Err(Refusal::TooLarge));
    assert_eq!(one.generate_wrapped(&[]).await.unwrap_err(), Refusal::Malformed);
    let body = one.body(&"no command").await.unwrap();
    assert!(matches!(frames::decode(&body), Ok(pkcs11_api::Reply::Refused(Refusal::Malformed))));
}

#[tokio::test]
async fn many_calls_at_once_over_eight_sessions_are_each_answered_with_their_own() {
    let hsm = SoftHsm::with_tokens(&["one"]);
    let one = std::sync::Arc::new(hsm.start("one", 8));
    assert_eq!(one.log_in(PIN).await.unwrap().sessions, 8);
    one.generate(ID).await.unwrap();
    let mut callers = Vec::new();
    for number in 0..64_u8 {
        let one = std::sync::Arc::clone(&one);
        callers.push(tokio::spawn(async move {
            for round in 0..20 {
                let sealed = one.seal(ID, &[number], &[number, round]).await.unwrap();
                assert_eq!(one.open(ID, &[number], &sealed).await.unwrap(), [number, round]);
            }
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(one.status().await.unwrap().sessions, 8);
}

/// SoftHSM says of what does not unwrap that it failed.
fn is_of_the_wrapped_key(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::WrappedKeyInvalid | Refusal::DeviceError(ReturnValue(0x05)))
}

/// How many objects the tokens have on disk.
fn objects(hsm: &SoftHsm) -> usize {
    let tokens = fs::read_dir(hsm.tokens()).unwrap().map(|token| token.unwrap().path());
    let files = tokens.flat_map(|token| fs::read_dir(token).unwrap()).map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "object")).count()
}

const ID: &[u8] = b"a backing key id";
