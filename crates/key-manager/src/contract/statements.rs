//! What must be so of every key manager.

use super::bench::{Bench, copy, give_up, id, sealed};
use crate::{Encrypted, HealthStatus, IV_LENGTHS, MOST_CIPHERTEXT_METADATA, TAG, Trouble, together};
use std::collections::HashSet;

pub async fn what_was_encrypted_opens_from_nothing_to_the_longest(bench: &Bench) {
    for length in LENGTHS {
        let plaintext = bytes(length);
        let encrypted = bench.encrypt(&plaintext, b"data").await;
        assert_eq!(bench.decrypt(&encrypted, b"data").await, Ok(plaintext), "{length} bytes");
    }
}

pub async fn additional_data_may_be_nothing_or_the_longest(bench: &Bench) {
    for length in [0, 1, 8192] {
        let data = bytes(length);
        let encrypted = bench.encrypt(b"text", &data).await;
        assert_eq!(bench.decrypt(&encrypted, &data).await.unwrap(), b"text", "{length} bytes");
    }
}

pub async fn every_part_of_a_ciphertext_has_its_length(bench: &Bench) {
    for length in LENGTHS {
        let encrypted = bench.encrypt(&bytes(length), b"data").await;
        assert_eq!(encrypted.ciphertext.len(), length);
        assert!(IV_LENGTHS.contains(&encrypted.iv.len()), "{} bytes", encrypted.iv.len());
        assert!((1..=MOST_CIPHERTEXT_METADATA).contains(&encrypted.metadata.len()), "{encrypted:?}");
        assert_eq!(encrypted.metadata.first(), Some(&FIRST_SCHEME));
        assert!(!encrypted.member.is_empty());
    }
}

pub async fn two_ciphertexts_of_one_plaintext_have_nothing_random_in_common(bench: &Bench) {
    let plaintext = bytes(64);
    let mut seen = HashSet::new();
    for _ in 0..32 {
        let Encrypted { ciphertext, iv, tag, .. } = bench.encrypt(&plaintext, b"data").await;
        assert_ne!(ciphertext, plaintext);
        assert!([ciphertext, iv, tag.to_vec()].into_iter().all(|part| seen.insert(part)));
    }
}

pub async fn a_bit_changed_anywhere_does_not_open(bench: &Bench) {
    let encrypted = bench.encrypt(b"plaintext", b"data").await;
    for at in 0..encrypted.ciphertext.len() {
        let mut changed = copy(&encrypted);
        changed.ciphertext[at] ^= bit(at);
        bench.does_not_open(&changed, b"data", &format!("byte {at} of the ciphertext")).await;
    }
    for at in 0..encrypted.iv.len() {
        let mut changed = copy(&encrypted);
        changed.iv[at] ^= bit(at);
        bench.does_not_open(&changed, b"data", &format!("byte {at} of the initialisation vector")).await;
    }
    for at in 0..TAG {
        let mut changed = copy(&encrypted);
        changed.tag[at] ^= bit(at);
        bench.does_not_open(&changed, b"data", &format!("byte {at} of the tag")).await;
    }
    for at in 0..encrypted.metadata.len() * 8 {
        let mut changed = copy(&encrypted);
        changed.metadata[at / 8] ^= bit(at);
        bench.does_not_open(&changed, b"data", &format!("bit {at} of the metadata")).await;
    }
    assert_eq!(bench.decrypt(&encrypted, b"data").await.unwrap(), b"plaintext");
}

pub async fn other_additional_data_does_not_open(bench: &Bench) {
    let encrypted = bench.encrypt(b"plaintext", b"data").await;
    for other in [b"".as_slice(), b"Data", b"dat", b"data\0", b"\0data", b"datadata"] {
        bench.does_not_open(&encrypted, other, &format!("{other:?}")).await;
    }
    let without = bench.encrypt(b"plaintext", b"").await;
    bench.does_not_open(&without, b"\0", "data where none was").await;
}

pub async fn a_part_cut_or_lengthened_does_not_open(bench: &Bench) {
    let encrypted = bench.encrypt(b"plaintext", b"data").await;
    let changes: [Change; 9] = [
        ("no ciphertext", |of| of.ciphertext.clear()),
        ("a shorter ciphertext", |of| of.ciphertext.truncate(8)),
        ("a longer ciphertext", |of| of.ciphertext.push(0)),
        ("a longer initialisation vector", |of| of.iv.extend([0; 4])),
        ("a shorter initialisation vector", |of| of.iv.truncate(11)),
        ("no metadata", |of| of.metadata.clear()),
        ("shorter metadata", |of| of.metadata.truncate(of.metadata.len() - 1)),
        ("longer metadata", |of| of.metadata.push(0)),
        ("other metadata", |of| of.metadata = vec![0xff; MOST_CIPHERTEXT_METADATA]),
    ];
    for (what, change) in changes {
        let mut changed = copy(&encrypted);
        change(&mut changed);
        bench.does_not_open(&changed, b"data", what).await;
    }
}

pub async fn bytes_moved_between_ciphertext_and_tag_do_not_open(bench: &Bench) {
    let encrypted = bench.encrypt(&bytes(40), b"data").await;
    let joined = [encrypted.ciphertext.as_slice(), &encrypted.tag].concat();
    for by in 1..TAG {
        let mut moved = copy(&encrypted);
        moved.ciphertext = joined[..40 - by].to_vec();
        moved.tag.copy_from_slice(&joined[40 - by..][..TAG]);
        bench.does_not_open(&moved, b"data", &format!("{by} bytes of the ciphertext in the tag")).await;
        moved.ciphertext = joined[..40 + by].to_vec();
        moved.tag[..TAG - by].copy_from_slice(&joined[40 + by..]);
        bench.does_not_open(&moved, b"data", &format!("{by} bytes of the tag in the ciphertext")).await;
    }
}

/// The lengths in what is bound keep one from passing for the other.
pub async fn metadata_given_as_additional_data_does_not_open(bench: &Bench) {
    for data in [b"".as_slice(), b"data"] {
        let encrypted = bench.encrypt(b"plaintext", data).await;
        let all_as_data = [data, &encrypted.metadata].concat();
        bench.does_not_open(&encrypted, &all_as_data, "metadata in both").await;
        let mut without = copy(&encrypted);
        without.metadata.clear();
        bench.does_not_open(&without, &all_as_data, "metadata moved to the data").await;
        bench.does_not_open(&without, data, "metadata left out").await;
        let mut cut = copy(&encrypted);
        let last = cut.metadata.pop();
        let with_last: Vec<u8> = data.iter().copied().chain(last).collect();
        bench.does_not_open(&cut, &with_last, "the last byte of the metadata moved to the data").await;
    }
}

pub async fn parts_of_two_ciphertexts_do_not_open_together(bench: &Bench) {
    let (one, other) = (bench.encrypt(&bytes(32), b"data").await, bench.encrypt(&bytes(32), b"data").await);
    let mixed = Encrypted { ciphertext: other.ciphertext.clone(), ..copy(&one) };
    bench.does_not_open(&mixed, b"data", "another ciphertext").await;
    bench.does_not_open(&Encrypted { iv: other.iv.clone(), ..copy(&one) }, b"data", "another vector").await;
    bench.does_not_open(&Encrypted { tag: other.tag, ..copy(&one) }, b"data", "another tag").await;
}

pub async fn another_key_does_not_open(bench: &Bench) {
    let encrypted = bench.encrypt(b"plaintext", b"data").await;
    let opened = bench.decrypt_under(&bench.other_key, &encrypted, b"data").await;
    assert_eq!(opened, Err(Trouble::InvalidCiphertext));
}

pub async fn additional_data_whose_length_cannot_be_bound_is_not_supported(bench: &Bench) {
    let data = vec![0; usize::from(u16::MAX) + 1];
    let trouble = bench.session.encrypt(id(&bench.key), b"text", &data).await.unwrap_err();
    assert!(matches!(trouble, Trouble::Unsupported(_)), "{trouble:?}");
    let encrypted = bench.encrypt(b"text", b"").await;
    let trouble = bench.decrypt(&encrypted, &data).await.unwrap_err();
    assert!(matches!(trouble, Trouble::Unsupported(_) | Trouble::InvalidCiphertext), "{trouble:?}");
}

pub async fn an_unknown_key_is_not_found(bench: &Bench) {
    let unknown = id(&bench.unknown_key);
    let encrypted = bench.encrypt(b"plaintext", b"data").await;
    assert_eq!(bench.session.describe(unknown).await, Err(Trouble::KeyNotFound));
    assert_eq!(bench.session.encrypt(unknown, b"text", b"").await.unwrap_err(), Trouble::KeyNotFound);
    let opened = bench.decrypt_under(&bench.unknown_key, &encrypted, b"data").await;
    assert_eq!(opened, Err(Trouble::KeyNotFound));
}

pub async fn a_good_key_is_described(bench: &Bench) {
    for key in [&bench.key, &bench.other_key] {
        let is = bench.session.describe(id(key)).await.unwrap();
        assert_eq!(is.spec, "AES_256");
        assert!(is.is_enabled && may(&is.usage, "ENCRYPT") && may(&is.usage, "DECRYPT"), "{is:?}");
        assert!(is.usage.len() <= 10, "{is:?}");
    }
}

pub async fn a_disabled_key_does_nothing_and_says_so(bench: &Bench) {
    let Some(key) = &bench.disabled_key else { return };
    let encrypted = bench.encrypt(b"plaintext", b"data").await;
    let is = bench.session.describe(id(key)).await.unwrap();
    assert!(!is.is_enabled && is.spec == "AES_256", "{is:?}");
    assert_eq!(bench.session.encrypt(id(key), b"text", b"").await.unwrap_err(), Trouble::Disabled);
    assert_eq!(bench.decrypt_under(key, &encrypted, b"data").await, Err(Trouble::Disabled));
}

pub async fn a_key_for_encryption_does_not_decrypt(bench: &Bench) {
    let Some(key) = &bench.encrypt_only_key else { return };
    let is = bench.session.describe(id(key)).await.unwrap();
    assert!(is.is_enabled && may(&is.usage, "ENCRYPT") && !may(&is.usage, "DECRYPT"), "{is:?}");
    let encrypted = bench.session.encrypt(id(key), b"text", b"data").await.unwrap();
    assert_eq!(bench.decrypt_under(key, &encrypted, b"data").await, Err(Trouble::InvalidKeyUsage));
}

pub async fn a_key_for_decryption_does_not_encrypt(bench: &Bench) {
    let Some(key) = &bench.decrypt_only_key else { return };
    let is = bench.session.describe(id(key)).await.unwrap();
    assert!(is.is_enabled && !may(&is.usage, "ENCRYPT") && may(&is.usage, "DECRYPT"), "{is:?}");
    assert_eq!(bench.session.encrypt(id(key), b"text", b"").await.unwrap_err(), Trouble::InvalidKeyUsage);
    let encrypted = bench.encrypt(b"plaintext", b"data").await;
    assert_eq!(bench.decrypt_under(key, &encrypted, b"data").await, Err(Trouble::InvalidCiphertext));
}

pub async fn many_at_once_get_each_their_own(bench: &Bench) {
    let there_and_back = |number: usize| async move {
        let (plaintext, data) = (bytes(number * 17), number.to_string());
        let encrypted = bench.encrypt(&plaintext, data.as_bytes()).await;
        assert_eq!(bench.decrypt(&encrypted, data.as_bytes()).await, Ok(plaintext), "number {number}");
        encrypted.iv
    };
    let vectors = together((0..MANY).map(there_and_back)).await;
    assert_eq!(vectors.into_iter().collect::<HashSet<_>>().len(), MANY);
}

/// Whoever waits bounds the time and drops what is late: what comes of it then must not be taken for another's answer.
pub async fn a_request_that_is_given_up_harms_no_other(bench: &Bench) {
    let encrypted = bench.encrypt(b"plaintext", b"data").await;
    let key = id(&bench.key);
    for number in 0..MANY {
        give_up(bench.session.encrypt(key, b"given up", b"")).await;
        give_up(bench.session.decrypt(key, sealed(&encrypted), b"other data")).await;
        if number % 8 == 0 {
            assert_eq!(bench.decrypt(&encrypted, b"data").await.unwrap(), b"plaintext");
        }
    }
    assert_eq!(bench.decrypt(&encrypted, b"data").await.unwrap(), b"plaintext");
}

pub async fn health_names_one_to_ten_members_that_are_active(bench: &Bench) {
    let health = bench.session.health().await;
    assert!(!health.vendor.is_empty());
    assert!((1..=10).contains(&health.members.len()), "{health:?}");
    for member in &health.members {
        assert!(!member.id.is_empty() && !member.model.is_empty(), "{member:?}");
        assert_eq!(member.status, HealthStatus::Active, "{member:?}");
    }
    let names: HashSet<_> = health.members.iter().map(|member| &member.id).collect();
    assert_eq!(names.len(), health.members.len(), "{health:?}");
}

type Change = (&'static str, fn(&mut Encrypted));

fn bytes(length: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(length).collect()
}

const fn bit(at: usize) -> u8 {
    1 << (at % 8)
}

fn may(usage: &[String], wanted: &str) -> bool {
    usage.iter().any(|one| one == wanted)
}

const LENGTHS: [usize; 5] = [0, 1, 12, 4096, 4300];
const FIRST_SCHEME: u8 = 1;
const MANY: usize = 64;
