//! What the tests share: the credentials of AWS's documentation, and requests built from text.

use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use jiff::Timestamp;
use sigv4::{Credentials, DEFAULT_TOLERANCE, Presented, Refusal, Rules, SigningKey};

pub const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
pub const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

pub fn credentials(session_token: Option<&str>) -> Credentials {
    let token = session_token.map(str::to_owned);
    Credentials::new(ACCESS_KEY_ID.to_owned(), SECRET_ACCESS_KEY.to_owned(), token)
}

pub fn parts(method: &str, target: &str, headers: &[(&str, &str)]) -> Parts {
    let mut parts = Request::builder().method(method).uri(target).body(()).unwrap().into_parts().0;
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        parts.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    parts
}

pub fn rules(service: &str, now: Timestamp) -> Rules<'_> {
    Rules { service, accepts_region: &|_| true, tolerance: DEFAULT_TOLERANCE, now }
}

/// All that a verifier does, with the key of AWS's documentation.
pub fn verify(parts: &Parts, body: &[u8], rules: &Rules<'_>) -> Result<(), Refusal> {
    verify_with(SECRET_ACCESS_KEY, parts, body, rules)
}

pub fn verify_with(secret: &str, parts: &Parts, body: &[u8], rules: &Rules<'_>) -> Result<(), Refusal> {
    let presented = Presented::of(parts, rules)?;
    let key = SigningKey::derive(secret, presented.date(), presented.region(), presented.service());
    presented.verify(body, &key)
}
