//! Whatever a proxy answers, its reader does not panic, and nothing that breaks a limit of the specification is believed.
//!
//! The first byte of an input is which call was made, the rest the body of an answer with status 200.
#![no_main]

use http::StatusCode;
use keystores::blob::MOST_CIPHERTEXT;
use xks_api::{IV_LENGTHS, MOST_CIPHERTEXT_METADATA};
use keystores::xks::answer::{decrypted, encrypted, health, key_metadata, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((call, body)) = data.split_first() else { return };
    let refused = match call % 4 {
        0 => read(StatusCode::OK, body, |body| encrypted(body, LENGTH)).map(|answer| {
            assert_eq!(answer.ciphertext.len(), LENGTH);
            assert!(answer.metadata.len() <= MOST_CIPHERTEXT_METADATA);
            assert!(IV_LENGTHS.contains(&answer.initialization_vector.len()));
        }),
        1 => read(StatusCode::OK, body, |body| decrypted(body, LENGTH)).map(|plaintext| {
            assert_eq!(plaintext.len(), LENGTH);
        }),
        2 => read(StatusCode::OK, body, key_metadata).map(|key| {
            assert!(key.usage.len() <= 10 && key.spec.len() <= 64);
            assert!(["ENABLED", "DISABLED"].contains(&key.status.as_str()));
        }),
        _ => read(StatusCode::OK, body, health).map(|health| {
            let all = health.active + health.degraded + health.unavailable;
            assert!((1..=10).contains(&all));
        }),
    };
    if let Err(refusal) = refused {
        let (name, message) = refusal.printable();
        assert!(name.len() <= 512 && message.len() <= 512);
        assert!(name.chars().chain(message.chars()).all(|character| (' '..='~').contains(&character)));
        let _ = refusal.failure();
    }
});

/// How long what was sent is; that of the seeds.
const LENGTH: usize = 12;
const _: () = assert!(LENGTH <= MOST_CIPHERTEXT);
