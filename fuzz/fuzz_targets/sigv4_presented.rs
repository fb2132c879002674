//! No request may make the verifier panic, and none may verify: the key is not the fuzzer's to know.
#![no_main]

use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use sigv4::{DEFAULT_TOLERANCE, Presented, Rules, SigningKey};

fuzz_target!(|text: &str| {
    let Some((parts, body)) = request(text) else { return };
    let rules = Rules {
        service: "kms",
        accepts_region: &|region| region == "us-east-1",
        tolerance: DEFAULT_TOLERANCE,
        now: Timestamp::UNIX_EPOCH,
    };
    match Presented::of(&parts, &rules) {
        Ok(presented) => {
            let refusal = presented.verify(body.as_bytes(), &SigningKey::from_bytes(&[7; 32]));
            assert!(refusal.is_err(), "a signature was guessed");
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
});

/// A target, then header lines, then an empty line and the body.
fn request(text: &str) -> Option<(Parts, &str)> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let mut parts = Request::builder().method("POST").uri(lines.next()?).body(()).ok()?.into_parts().0;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        parts.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    Some((parts, body))
}
