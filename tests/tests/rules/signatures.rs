//! Who calls: what is refused of a signature, in AWS's words, and what is accepted.

use crate::account::Account;
use blackbox::{Caller, Request, Server};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::time::Duration;

const UNRECOGNIZED: &str = "The security token included in the request is invalid.";
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";

fn describe(account: &Account<'_>) -> Request {
    account.server.request("DescribeKey", json!({"KeyId": account.key}).to_string())
}

#[test]
fn a_signature_that_is_not_the_callers_is_refused() {
    let server = Server::start();
    let account = Account::root(&server);
    let good = || describe(&account).signed(&account.caller);
    let other_secret =
        Caller { secret_access_key: server.create_account().secret_access_key, ..account.caller.clone() };
    let authorization = good().header("authorization").to_owned();
    let mut flipped = authorization.clone();
    let last = if flipped.pop() == Some('0') { '1' } else { '0' };
    flipped.push(last);
    let moved = Request { target: "/elsewhere".to_owned(), ..good() };
    let asked_more = Request { target: "/?a=b".to_owned(), ..good() };
    let other_body = Request { body: json!({"KeyId": account.other}).to_string().into(), ..good() };
    let wrong = [
        ("another secret", describe(&account).signed(&other_secret)),
        ("another body", other_body),
        ("another operation", good().with("x-amz-target", "TrentService.DisableKey")),
        ("another path", moved),
        ("another query", asked_more),
        ("another signature", good().with("authorization", &flipped)),
        ("another host", good().with("host", "example.com")),
    ];
    for (what, request) in wrong {
        let answer = server.send(&request);
        assert_eq!(
            answer.fault(),
            ("InvalidSignatureException".to_owned(), Some(MISMATCH.to_owned())),
            "{what}"
        );
    }
    assert_eq!(server.send(&good()).status, 200);
    assert_eq!(account.state(&account.key), "Enabled");
}

#[test]
fn a_signature_is_good_for_five_minutes_in_both_directions() {
    let server = Server::start();
    let account = Account::root(&server);
    let at = |seconds: i64| {
        describe(&account).signed_at(&account.caller, Timestamp::now() + SignedDuration::from_secs(seconds))
    };
    for seconds in [-290, -60, 0, 60, 290] {
        assert_eq!(server.send(&at(seconds)).status, 200, "{seconds}");
    }
    for (seconds, begins) in [
        (-310, "Signature expired: "),
        (-86_400, "Signature expired: "),
        (310, "Signature not yet current: "),
        (86_400, "Signature not yet current: "),
    ] {
        let (error, message) = server.send(&at(seconds)).fault();
        let message = message.unwrap();
        assert_eq!(error, "InvalidSignatureException", "{seconds}");
        assert!(message.starts_with(begins) && message.contains("5 min.)"), "{seconds}: {message}");
    }
}

#[test]
fn the_window_does_not_move_with_the_services_own_clock() {
    let server = Server::builder().dev_clock().start();
    let account = Account::root(&server);
    server.advance("365d");
    assert_eq!(account.state(&account.key), "Enabled");
}

#[test]
fn a_signature_for_another_service_or_no_region_is_refused() {
    let server = Server::start();
    let account = Account::root(&server);
    let other_service = describe(&account).signed_for(&account.caller, "s3", Timestamp::now());
    let (error, message) = server.send(&other_service).fault();
    assert_eq!(error, "InvalidSignatureException");
    assert!(message.unwrap().contains("Credential should be scoped to correct service: 'kms'."));
    for region in ["nowhere", "", "US-EAST-1", "eu-central", "eu_central_1"] {
        let answer = server.send(&describe(&account).signed(&account.caller.in_region(region)));
        let (error, message) = answer.fault();
        assert_eq!((answer.status, error.as_str()), (400, "InvalidSignatureException"), "{region}");
        assert!(message.unwrap().contains("Credential should be scoped to a valid region."), "{region}");
    }
}

#[test]
fn only_the_configured_regions_are_served() {
    let config = "[service]\nregions = [\"eu-central-1\", \"eu-west-1\"]\ndefault_region = \"eu-west-1\"\n";
    let server = Server::builder().config(config).start();
    let root = server.root();
    assert_eq!(root.region, "eu-west-1");
    for (region, error) in
        [("eu-west-1", None), ("eu-central-1", None), ("us-east-1", Some("InvalidSignatureException"))]
    {
        let answer = server.call_as(&root.in_region(region), "ListKeys", &json!({}));
        assert_eq!((answer.status != 200).then(|| answer.error()).as_deref(), error, "{region}");
    }
}

#[test]
fn an_unknown_access_key_is_not_told_from_one_with_a_session_token() {
    let server = Server::start();
    let account = Account::root(&server);
    let unknown = ["AKIAAAAAAAAAAAAAAAAA", "AKIA", "ASIAAAAAAAAAAAAAAAAA"];
    let mut callers: Vec<_> =
        unknown.map(|id| Caller { access_key_id: id.to_owned(), ..account.caller.clone() }).to_vec();
    callers.push(Caller { session_token: Some("a-token".to_owned()), ..account.caller.clone() });
    callers.push(Caller { session_token: Some(String::new()), ..account.caller.clone() });
    for caller in callers {
        server.send(&describe(&account).signed(&caller)).refuses("UnrecognizedClientException", UNRECOGNIZED);
    }
}

#[test]
fn a_request_without_or_with_half_a_signature_says_what_is_missing() {
    let server = Server::start();
    let account = Account::root(&server);
    let good = || describe(&account).signed(&account.caller);
    let authorization = good().header("authorization").to_owned();
    let without = |part: &str| {
        let kept: Vec<_> = authorization
            .strip_prefix("AWS4-HMAC-SHA256 ")
            .unwrap()
            .split(", ")
            .filter(|one| !one.starts_with(part))
            .collect();
        format!("AWS4-HMAC-SHA256 {}", kept.join(", "))
    };
    let missing = server.send(&describe(&account));
    assert_eq!(missing.error(), "MissingAuthenticationTokenException");
    let cases = [
        (
            good().with("authorization", &without("Credential")),
            "IncompleteSignatureException",
            "'Credential'",
        ),
        (
            good().with("authorization", &without("SignedHeaders")),
            "IncompleteSignatureException",
            "'SignedHeaders'",
        ),
        (good().with("authorization", &without("Signature=")), "IncompleteSignatureException", "'Signature'"),
        (
            good().with("authorization", "AWS4-HMAC-SHA256 x"),
            "IncompleteSignatureException",
            "missing equal-sign",
        ),
        (good().with("x-amz-date", "yesterday"), "IncompleteSignatureException", "ISO-8601"),
        (good().without("x-amz-date"), "IncompleteSignatureException", "'X-Amz-Date'"),
    ];
    for (request, error, words) in cases {
        let (found, message) = server.send(&request).fault();
        let message = message.unwrap_or_default();
        assert_eq!(found, error, "{words}: {message}");
        assert!(message.contains(words), "{words}: {message}");
    }
    for scheme in [
        "Basic dXNlcjpwYXNz",
        "Bearer x",
        "AWS4-ECDSA-P256-SHA256 Credential=a, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=c",
    ] {
        let answer = server.send(&good().with("authorization", scheme));
        assert_eq!(answer.status, 400, "{scheme}: {}", answer.text());
        assert!(
            ["IncompleteSignatureException", "MissingAuthenticationTokenException"]
                .contains(&answer.error().as_str()),
            "{scheme}"
        );
    }
}

#[test]
fn a_request_signed_in_its_query_is_accepted_until_it_expires() {
    let server = Server::start();
    let account = Account::root(&server);
    let now = Timestamp::now();
    let ago = |seconds: i64| now - SignedDuration::from_secs(seconds);
    let presigned =
        |at, seconds| describe(&account).presigned(&account.caller, at, Duration::from_secs(seconds));
    for (at, seconds) in [(now, 60), (ago(600), 900), (ago(3600), 604_800)] {
        let answer = server.send(&presigned(at, seconds));
        assert_eq!(answer.output()["KeyMetadata"]["Arn"], account.key);
    }
    assert_eq!(server.send(&presigned(ago(600), 500)).error(), "InvalidSignatureException");
    let tampered = Request { body: json!({"KeyId": account.other}).to_string().into(), ..presigned(now, 60) };
    assert_eq!(server.send(&tampered).error(), "InvalidSignatureException");
    let prolonged = presigned(ago(600), 500);
    let prolonged = Request { target: prolonged.target.replace("Expires=500", "Expires=5000"), ..prolonged };
    assert_eq!(server.send(&prolonged).error(), "InvalidSignatureException");
    for seconds in [0, 604_801] {
        assert_eq!(server.send(&presigned(now, seconds)).status, 400, "{seconds}");
    }
}

#[test]
fn what_is_refused_leaves_no_record_without_a_known_account() {
    let server = Server::start();
    let account = Account::root(&server);
    let unknown = Caller { access_key_id: "AKIAAAAAAAAAAAAAAAAA".to_owned(), ..account.caller.clone() };
    let before = server.journal().len();
    let _ = server.send(&describe(&account)).error();
    let _ = server.send(&describe(&account).signed(&unknown)).error();
    assert_eq!(server.journal().len(), before);
}

#[test]
fn the_window_can_be_configured() {
    let server = Server::builder().config("[service]\nsignature_tolerance = \"15m\"\n").start();
    let account = Account::root(&server);
    let at = |minutes: i64| {
        let at = Timestamp::now() + SignedDuration::from_mins(minutes);
        server.send(&describe(&account).signed_at(&account.caller, at))
    };
    assert_eq!((at(-14).status, at(14).status), (200, 200));
    for answer in [at(-16), at(16)] {
        let (error, message) = answer.fault();
        assert_eq!(error, "InvalidSignatureException");
        assert!(message.unwrap().contains("15 min.)"));
    }
}
