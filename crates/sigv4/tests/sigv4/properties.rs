//! Whatever we sign verifies, whatever is changed afterwards does not, and no request makes the parser panic.

use std::time::Duration;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sigv4::{Presented, Refusal, Signer};

use crate::requests::{credentials, rules, verify};

proptest! {
    #[test]
    fn what_we_sign_verifies(request in requests(), token in option_of_token()) {
        let parts = request.signed(token.as_deref());
        prop_assert_eq!(verify(&parts, &request.body, &rules("kms", now())), Ok(()));
        let presented = Presented::of(&parts, &rules("kms", now())).unwrap();
        prop_assert_eq!(presented.session_token(), token.as_deref());
    }

    #[test]
    fn what_we_presign_verifies(request in requests(), token in option_of_token(), expires in 1_u64..=604_800) {
        let parts = request.presigned(token.as_deref(), expires);
        prop_assert_eq!(verify(&parts, &request.body, &rules("kms", now())), Ok(()));
    }

    #[test]
    fn a_changed_method_is_refused(request in requests(), method in "[A-Z]{1,8}", presign: bool) {
        prop_assume!(method != request.method);
        let mut parts = request.authenticated(presign);
        parts.method = Method::from_bytes(method.as_bytes()).unwrap();
        prop_assert_eq!(verify(&parts, &request.body, &rules("kms", now())), Err(Refusal::SignatureMismatch));
    }

    #[test]
    fn a_changed_path_is_refused(request in requests(), segment in "[a-z0-9~-]{1,8}", presign: bool) {
        let mut parts = request.authenticated(presign);
        let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        parts.uri = format!("{}/{segment}{query}", parts.uri.path()).parse().unwrap();
        prop_assert_eq!(verify(&parts, &request.body, &rules("kms", now())), Err(Refusal::SignatureMismatch));
    }

    #[test]
    fn a_changed_query_is_refused(request in requests(), added in "[a-z0-9]{1,8}(=[a-z0-9%]{0,8})?", presign: bool) {
        let mut parts = request.authenticated(presign);
        let query = parts.uri.query().map(|query| format!("{query}&")).unwrap_or_default();
        parts.uri = format!("{}?{query}{added}", parts.uri.path()).parse().unwrap();
        prop_assert_eq!(verify(&parts, &request.body, &rules("kms", now())), Err(Refusal::SignatureMismatch));
    }

    #[test]
    fn a_changed_header_is_refused(request in requests(), which: Index, presign: bool) {
        let mut parts = request.authenticated(presign);
        let (name, value) = which.get(&request.headers);
        let changed = HeaderValue::from_bytes(&[value.as_bytes(), b"."].concat()).unwrap();
        parts.headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), changed);
        prop_assert_eq!(verify(&parts, &request.body, &rules("kms", now())), Err(Refusal::SignatureMismatch));
    }

    #[test]
    fn a_changed_body_is_refused(request in requests(), which: Index, bit in 0..8, presign: bool) {
        let parts = request.authenticated(presign);
        let mut body = request.body.clone();
        match body.is_empty() {
            true => body.push(0),
            false => *which.get_mut(&mut body) ^= 1_u8 << bit,
        }
        prop_assert_eq!(verify(&parts, &body, &rules("kms", now())), Err(Refusal::SignatureMismatch));
    }

    #[test]
    fn a_changed_secret_is_refused(request in requests(), secret in "[A-Za-z0-9/+]{40}", presign: bool) {
        let parts = request.authenticated(presign);
        let outcome = crate::requests::verify_with(&secret, &parts, &request.body, &rules("kms", now()));
        prop_assert_eq!(outcome, Err(Refusal::SignatureMismatch));
    }

    #[test]
    fn a_reordered_query_is_the_same_request(request in requests(), seed: Index) {
        let mut parts = request.signed(None);
        let mut pairs: Vec<&str> = request.query.iter().map(String::as_str).collect();
        let by = seed.index(pairs.len() + 1);
        pairs.rotate_left(by);
        parts.uri = format!("{}?{}", parts.uri.path(), pairs.join("&")).parse().unwrap();
        prop_assert_eq!(verify(&parts, &request.body, &rules("kms", now())), Ok(()));
    }

    #[test]
    fn no_authorization_header_panics(value in vec(any::<u8>(), 0..200), start: bool) {
        let value = if start { [b"AWS4-HMAC-SHA256 ".as_slice(), &value].concat() } else { value };
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            let mut parts = Request::new(()).into_parts().0;
            parts.headers.insert("authorization", value.clone());
            parts.headers.insert("x-amz-date", value);
            prop_assert!(verify(&parts, b"", &rules("kms", now())).is_err());
        }
    }

    #[test]
    fn no_authorization_of_likely_pieces_panics(pieces in vec(piece(), 0..12), query in vec(parameter(), 0..10)) {
        let mut parts = Request::new(()).into_parts().0;
        parts.headers.insert("x-amz-date", HeaderValue::from_static("20260228T120000Z"));
        let authorization = format!("AWS4-HMAC-SHA256 {}", pieces.join(","));
        parts.headers.insert("authorization", HeaderValue::from_str(&authorization).unwrap());
        prop_assert!(verify(&parts, b"", &rules("kms", now())).is_err());

        parts.headers.remove("authorization");
        parts.uri = format!("/?{}", query.join("&")).parse().unwrap();
        prop_assert!(verify(&parts, b"", &rules("kms", now())).is_err());
    }
}

#[derive(Clone, Debug)]
struct AnyRequest {
    method: String,
    path: String,
    query: Vec<String>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl AnyRequest {
    fn unsigned(&self) -> Parts {
        let query = self.query.join("&");
        let target = if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) };
        let uri: Uri = target.parse().unwrap();
        let mut parts =
            Request::builder().method(self.method.as_str()).uri(uri).body(()).unwrap().into_parts().0;
        parts.headers.insert("host", HeaderValue::from_static("localhost:8765"));
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            parts.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        parts
    }

    fn signed(&self, token: Option<&str>) -> Parts {
        let mut parts = self.unsigned();
        let credentials = credentials(token);
        let signer = Signer { credentials: &credentials, region: "us-east-1", service: "kms" };
        signer.sign(&mut parts, &self.body, now()).unwrap();
        parts
    }

    fn presigned(&self, token: Option<&str>, expires: u64) -> Parts {
        let mut parts = self.unsigned();
        let credentials = credentials(token);
        let signer = Signer { credentials: &credentials, region: "us-east-1", service: "kms" };
        signer.presign(&mut parts, &self.body, now(), Duration::from_secs(expires)).unwrap();
        parts
    }

    fn authenticated(&self, presign: bool) -> Parts {
        if presign { self.presigned(None, 60) } else { self.signed(None) }
    }
}

fn requests() -> impl Strategy<Value = AnyRequest> {
    let path = "(/([a-z0-9~._@:%!$'()*,=-]|\\.\\.){0,6}){1,5}";
    let query = vec("[a-zA-Z0-9~._%+/-]{1,6}(=[a-zA-Z0-9~._%+/=\u{1234}-]{0,8})?", 0..4);
    let headers = vec(("(my|x-amz)-[a-z]{1,6}", "[ -~\u{e9}\t]{0,20}"), 1..5);
    ("[A-Z]{1,8}", path, query, headers, vec(any::<u8>(), 0..64))
        .prop_map(|(method, path, query, headers, body)| AnyRequest { method, path, query, headers, body })
}

fn option_of_token() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[A-Za-z0-9/+=]{1,100}")
}

fn piece() -> impl Strategy<Value = String> {
    let name = prop_oneof!["Credential", "Signature", "SignedHeaders", "[a-z]{0,3}"];
    let value = prop_oneof![
        "AKIDEXAMPLE/20260228/us-east-1/kms/aws4_request",
        "[a-z0-9/]{0,20}",
        "host;x-amz-date",
        "[a-zA-Z;:-]{0,20}",
        "[0-9a-fA-F]{60,66}",
    ];
    (name, "=?", value).prop_map(|(name, sign, value)| format!("{name}{sign}{value}"))
}

fn parameter() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        "X-Amz-(Algorithm|Credential|Signature|SignedHeaders|Date|Expires|Security-Token|Content-Sha256)",
        "[a-z%]{0,3}",
    ];
    let value = prop_oneof![
        "AWS4-HMAC-SHA256",
        "AKIDEXAMPLE%2F20260228%2Fus-east-1%2Fkms%2Faws4_request",
        "20260228T120000Z",
        "host(%3[bB]x-amz-date)?",
        "[0-9a-f]{64}",
        "[0-9%+-]{0,8}",
    ];
    (name, "=?", value).prop_map(|(name, sign, value)| format!("{name}{sign}{value}"))
}

fn now() -> Timestamp {
    "2026-02-28T12:00:00Z".parse().unwrap()
}
