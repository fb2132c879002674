//! What must be so of every place where keys are.

use super::place::{Closed, Place};
use module_api::EncryptionContext;
use std::time::{Duration, Instant};

pub async fn what_was_sealed_opens_from_the_shortest_to_the_longest(place: &Place) {
    let key = place.key(1).await;
    for length in [1, 32, 4095, 4096] {
        let plaintext = vec![0x5a; length];
        let blob = place.encrypt(&key, &context("test"), &plaintext).await.unwrap();
        assert!(blob.len() <= LONGEST_BLOB, "{}", blob.len());
        assert_eq!(place.decrypt(&key, &context("test"), &blob).await.unwrap(), plaintext);
    }
}

pub async fn two_ciphertexts_of_one_plaintext_differ(place: &Place) {
    let key = place.key(1).await;
    let one = place.encrypt(&key, &context("test"), b"text").await.unwrap();
    assert_ne!(one, place.encrypt(&key, &context("test"), b"text").await.unwrap());
}

pub async fn another_context_does_not_open(place: &Place) {
    let key = place.key(1).await;
    let blob = place.encrypt(&key, &context("test"), b"text").await.unwrap();
    for other in [context("Test"), context(""), EncryptionContext::default()] {
        assert_eq!(place.decrypt(&key, &other, &blob).await, Err(Closed::Invalid));
    }
}

pub async fn another_key_of_the_same_store_does_not_open(place: &Place) {
    let (key, other) = (place.key(1).await, place.key(2).await);
    let blob = place.encrypt(&key, &context("test"), b"text").await.unwrap();
    assert_eq!(place.decrypt(&other, &context("test"), &blob).await, Err(Closed::Invalid));
}

pub async fn a_key_made_anew_over_the_same_outer_key_does_not_open(place: &Place) {
    let key = place.key(1).await;
    let blob = place.encrypt(&key, &context("test"), b"text").await.unwrap();
    // Even one of the same id has another backing key.
    for number in [1, 2] {
        let anew = place.made_anew(&key, number).await;
        assert_eq!(place.decrypt(&anew, &context("test"), &blob).await, Err(Closed::Invalid), "{number}");
    }
}

pub async fn a_byte_changed_anywhere_does_not_open(place: &Place) {
    let key = place.key(1).await;
    let blob = place.encrypt(&key, &context("test"), b"text").await.unwrap();
    for at in 0..blob.len() {
        let mut changed = blob.clone();
        changed[at] ^= 1;
        assert_eq!(place.decrypt(&key, &context("test"), &changed).await, Err(Closed::Invalid), "byte {at}");
    }
    assert_eq!(place.decrypt(&key, &context("test"), &blob).await.unwrap(), b"text");
}

pub async fn a_ciphertext_cut_or_lengthened_does_not_open(place: &Place) {
    let key = place.key(1).await;
    let blob = place.encrypt(&key, &context("test"), b"text").await.unwrap();
    let lengthened = [blob.as_slice(), &[0]].concat();
    for wrong in (0..blob.len()).map(|length| &blob[..length]).chain([lengthened.as_slice()]) {
        let opened = place.decrypt(&key, &context("test"), wrong).await;
        assert_eq!(opened, Err(Closed::Invalid), "{} bytes", wrong.len());
    }
}

pub async fn data_keys_open_again(place: &Place) {
    let key = place.key(1).await;
    let (made, sealed) = place.data_key(&key, &context("test")).await;
    assert_eq!(place.decrypt(&key, &context("test"), &sealed).await.unwrap(), *made.plaintext);
}

pub async fn what_is_encrypted_anew_from_and_to_a_native_key_opens(place: &Place) {
    let (native, key) = (place.native_key(8).await, place.key(1).await);
    let context = context("test");
    let before = place.encrypt(&native, &context, b"text").await.unwrap();
    let there = place.re_encrypt(&context, &native, &before, &key).await;
    assert_eq!(place.decrypt(&key, &context, &there).await.unwrap(), b"text");
    let back = place.re_encrypt(&context, &key, &there, &native).await;
    assert_eq!(place.decrypt(&native, &context, &back).await.unwrap(), b"text");
}

pub async fn away_is_told_in_bounded_time_and_nothing_is_lost(place: &Place) {
    let key = place.key(1).await;
    let blob = place.encrypt(&key, &context("test"), b"text").await.unwrap();
    place.leave();
    for _ in 0..3 {
        let began = Instant::now();
        let opened = place.decrypt(&key, &context("test"), &blob).await;
        assert!(matches!(opened, Err(Closed::Store(_))), "{opened:?}");
        assert!(matches!(place.encrypt(&key, &context("test"), b"text").await, Err(Closed::Store(_))));
        assert!(began.elapsed() < 2 * LONGEST_CALL, "{:?}", began.elapsed());
    }
    place.come_back();
    let opens = async {
        while place.decrypt(&key, &context("test"), &blob).await != Ok(b"text".to_vec()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), opens).await.expect("what was sealed opens again");
}

fn context(purpose: &str) -> EncryptionContext {
    [("purpose", purpose)].into_iter().collect()
}

//= kms:Encrypt CiphertextBlob: at most 6144 bytes
const LONGEST_BLOB: usize = 6144;
const LONGEST_CALL: Duration = Duration::from_millis(3500);
