//! No token may make its reader panic, and none may be accepted that the holder of the key did not sign; no key set may make an
//! algorithm acceptable that never is.
//!
//! The first line of an input is a key set, or nothing for the one whose keys are not the fuzzer's to know; the rest is a token.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use oidc::{KeySet, Provider, Token, issuer_of};

fuzz_target!(|text: &str| {
    let (document, token) = text.split_once('\n').unwrap_or(("", text));
    let document = if document.is_empty() { KEYS } else { document };
    let Ok(keys) = KeySet::parse(document.as_bytes()) else { return };
    let Ok(read) = Token::read(token) else { return };
    let client_ids = ["sts.amazonaws.com".to_owned()];
    let provider = Provider { url: "issuer.example", client_ids: &client_ids, thumbprints: &[] };
    let checked = read.check(&provider, now());
    let Ok(claims) = read.verify(&keys, &provider, now()) else { return };
    assert!(checked.is_ok(), "judged otherwise with a key");
    assert_eq!(issuer_of(token).as_ref(), Some(&claims.issuer));
    assert!(!claims.subject.is_empty() && claims.values("aud") == [claims.audience.as_str()]);
    if document == KEYS {
        assert!(SIGNED.contains(&token.rsplit_once('.').unwrap_or_default().0), "a signature was guessed");
    }
});

/// When the tokens of the seeds are good.
fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap_or_default()
}

/// The public keys of the seeds; what they signed was signed by OpenSSL, and the private keys are gone.
const KEYS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": "V9yQbgbWJcki6R6jT2y-S_OFIoIP7SIfkaRfYvbaifA"}, {"kty": "EC", "crv": "P-256", "kid": "ec", "use": "sig", "x": "vgRP91TeYymaTeWr2rOZX6G1OyuKOzG-BFkpR52RTLA", "y": "6CmVtZJwE_NDVrftCoD3AkRduUtdjJtyftmuFF0J920"}, {"kty": "RSA", "kid": "rsa", "alg": "RS256", "n": "s_x_HQnW_wGOEJG_1gXxGCeN8NQqUHi3xPZhgB-jA9HcNTZhFGilwob62eOUuWUt38WpKAdFOKr51jKKdGo7DWnnDp4qDiRwS4PzCLRYJ-92n6O4PekxFWe33QLaSs5QuKDToUNzES1DMVKZXvGY3J0q_NofCTHsY-5Ym_01gsBE2lS6lTIO5A3_ZVOS78GOWXpn-kATfUbtXSQCB6ij2URW8jctShNdMZGRlyS8g2X-UC_GElja8MnCkbk9dRkrvEvAjlFYht9L6yPLT8CutO5cXvnpAQiyjmF_MOZ_mOr_6mKbXyjl2SYsxahWeoby9NFeHghY3m3xR4dP-3gxsQ", "e": "AQAB"}]}"#;

/// All that they ever signed.
const SIGNED: [&str; 3] = [
    "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImVkIn0.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsICJzdWIiOiAicmVwbzphIiwgImF1ZCI6IFsieCIsICJzdHMuYW1hem9uYXdzLmNvbSJdLCAiZXhwIjogMTc5MDAwMDYwMCwgImlhdCI6IDE3ODk5OTk5OTAsICJuYmYiOiAxNzg5OTk5OTkwLjUsICJhbXIiOiBbIm1mYSJdLCAiZW1haWwiOiAiYUBiIn0",
    "eyJhbGciOiAiRVMyNTYiLCAia2lkIjogImVjIn0.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsICJzdWIiOiAicmVwbzphIiwgImF1ZCI6IFsieCIsICJzdHMuYW1hem9uYXdzLmNvbSJdLCAiZXhwIjogMTc5MDAwMDYwMCwgImlhdCI6IDE3ODk5OTk5OTAsICJuYmYiOiAxNzg5OTk5OTkwLjUsICJhbXIiOiBbIm1mYSJdLCAiZW1haWwiOiAiYUBiIn0",
    "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogInJzYSJ9.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsICJzdWIiOiAicmVwbzphIiwgImF1ZCI6IFsieCIsICJzdHMuYW1hem9uYXdzLmNvbSJdLCAiZXhwIjogMTc5MDAwMDYwMCwgImlhdCI6IDE3ODk5OTk5OTAsICJuYmYiOiAxNzg5OTk5OTkwLjUsICJhbXIiOiBbIm1mYSJdLCAiZW1haWwiOiAiYUBiIn0",
];
