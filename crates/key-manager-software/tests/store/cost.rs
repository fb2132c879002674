//! What a request costs here. A figure, not a test: `cargo nextest run -p key-manager-software --run-ignored only --no-capture`.

use crate::support::{Place, decrypt, encrypt, session};
use std::time::Instant;

#[test]
#[ignore = "it measures, and tells nothing that could fail"]
fn microseconds_of_an_encryption_and_a_decryption() {
    let place = Place::with_keys(&["key"]);
    let manager = place.serve();
    let session = session(&manager);
    for length in [32, 4096] {
        let text = vec![7; length];
        let one = encrypt(&session, "key", &text).unwrap();
        let encryption = microseconds(|| drop(encrypt(&session, "key", &text).unwrap()));
        let decryption = microseconds(|| drop(decrypt(&session, "key", &one).unwrap()));
        println!("{length} bytes: encrypt {encryption:.2} µs, decrypt {decryption:.2} µs");
    }
}

fn microseconds(mut work: impl FnMut()) -> f64 {
    (0..TIMES / 10).for_each(|_| work());
    let begun = Instant::now();
    (0..TIMES).for_each(|_| work());
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES)
}

const TIMES: u32 = 50_000;
