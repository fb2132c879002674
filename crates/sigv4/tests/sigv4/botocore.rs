//! What botocore signed, we verify and sign alike.

use std::path::Path;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use http::request::Parts;
use jiff::Timestamp;
use serde_json::Value;
use sigv4::Signer;

use crate::requests::{credentials, parts, rules, verify};

#[test]
fn every_request_that_botocore_signed_verifies() {
    for case in cases() {
        let parts = request(&case, "target", "headers");
        assert_eq!(verify(&parts, &body(&case), &rules(service(&case), now())), Ok(()), "{}", case["name"]);
    }
}

#[test]
fn every_request_that_botocore_signed_is_refused_with_another_body() {
    for case in cases() {
        let parts = request(&case, "target", "headers");
        let body = [body(&case), b" ".to_vec()].concat();
        assert!(verify(&parts, &body, &rules(service(&case), now())).is_err(), "{}", case["name"]);
    }
}

#[test]
fn we_sign_as_botocore_does() {
    for case in cases() {
        if WE_SIGN_OTHERWISE.contains(&case["name"].as_str().unwrap()) {
            continue;
        }
        let mut ours = request(&case, "unsigned_target", "unsigned_headers");
        let theirs = request(&case, "target", "headers");
        let credentials = credentials(case["session_token"].as_str());
        let signer = Signer {
            credentials: &credentials,
            region: case["region"].as_str().unwrap(),
            service: service(&case),
        };
        match case["expires"].as_u64().map(Duration::from_secs) {
            None => signer.sign(&mut ours, &body(&case), now()).unwrap(),
            Some(expires) => signer.presign(&mut ours, &body(&case), now(), expires).unwrap(),
        }
        assert_eq!(
            ours.headers.get("authorization"),
            theirs.headers.get("authorization"),
            "{}",
            case["name"]
        );
        let signature = |parts: &Parts| Some(parts.uri.query()?.split_once("X-Amz-Signature=")?.1.to_owned());
        assert_eq!(signature(&ours), signature(&theirs), "{}", case["name"]);
    }
}

fn cases() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/botocore.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn request(case: &Value, target: &str, headers: &str) -> Parts {
    let headers: Vec<(&str, &str)> = case[headers]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
        .collect();
    let (pseudo, headers): (Vec<_>, Vec<_>) =
        headers.into_iter().partition(|(name, _)| name.starts_with(':'));
    let target = case[target].as_str().unwrap();
    let target =
        pseudo.first().map_or(target.to_owned(), |(_, authority)| format!("https://{authority}{target}"));
    parts(case["method"].as_str().unwrap(), &target, &headers)
}

fn service(case: &Value) -> &str {
    case["service"].as_str().unwrap()
}

fn body(case: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(case["body"].as_str().unwrap()).unwrap()
}

fn now() -> Timestamp {
    "2026-02-28T23:59:59Z".parse().unwrap()
}

/// A verifier accepts both; our signer needs neither.
const WE_SIGN_OTHERWISE: [&str; 2] = ["http date in place of x-amz-date", "authority of http 2"];
