//! Tokens and a key set at hand: what is accepted, and every way in which a token is not.

use oidc::{Claims, KeySet, Provider, Rejection, Token, issuer_of};
use serde_json::{Value, json};

use crate::signer::{NOW, Signer, base64, claims, covered, hs256, jwks, now, with};

const URL: &str = "issuer.example";
const ISSUER: &str = "https://issuer.example";

#[test]
fn a_token_of_every_accepted_algorithm_is_verified() {
    let (rsa, p256, p384, ed) = (Signer::rsa(), Signer::p256(), Signer::p384(), Signer::ed25519());
    let keys = jwks(&[rsa.jwk("r"), p256.jwk("p256"), p384.jwk("p384"), ed.jwk("ed")]);
    let mut tokens = vec![
        p256.token("ES256", "p256", &claims(ISSUER)),
        p384.token("ES384", "p384", &claims(ISSUER)),
        ed.token("EdDSA", "ed", &claims(ISSUER)),
    ];
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        tokens.push(rsa.token(algorithm, "r", &claims(ISSUER)));
    }
    for token in tokens {
        let verified = verify(&keys, &token).unwrap();
        assert_eq!(verified.issuer, ISSUER);
        assert_eq!(verified.subject, "repo:octo/app:ref:refs/heads/main");
        assert_eq!(verified.audience, "sts.amazonaws.com");
        assert_eq!(verified.expires.as_second(), NOW + 600);
        assert_eq!(verified.issued_at.as_second(), NOW - 10);
        assert_eq!(verified.jwt_id.as_deref(), Some("one"));
        assert_eq!(verified.authorized_party, None);
    }
}

#[test]
fn what_openssl_signed_is_verified() {
    for seed in [
        include_str!("../../../../fuzz/seeds/oidc_token/ec_with_keys"),
        include_str!("../../../../fuzz/seeds/oidc_token/ed_with_keys"),
        include_str!("../../../../fuzz/seeds/oidc_token/rsa_with_keys"),
    ] {
        let (keys, token) = seed.split_once('\n').unwrap();
        assert_eq!(verify(keys, token).unwrap().subject, "repo:a");
    }
}

#[test]
fn a_token_without_a_signature_is_refused_however_none_is_written() {
    let keys = jwks(&[Signer::rsa().jwk("r")]);
    for none in ["none", "None", "NONE", ""] {
        let token = format!("{}.", covered(&json!({"alg": none, "kid": "r"}), &claims(ISSUER)));
        assert_eq!(verify(&keys, &token), Err(Rejection::AlgorithmNotAllowed(none.to_owned())));
    }
}

#[test]
fn the_public_key_is_not_taken_for_a_secret() {
    let signer = Signer::rsa();
    let jwk = signer.jwk("r");
    let modulus = jwk["n"].as_str().unwrap().as_bytes().to_vec();
    let document = jwks(std::slice::from_ref(&jwk));
    for secret in [signer.public_der(), modulus, document.clone().into_bytes(), jwk.to_string().into_bytes()]
    {
        let token = hs256(&secret, "r", &claims(ISSUER));
        assert_eq!(verify(&document, &token), Err(Rejection::AlgorithmNotAllowed("HS256".to_owned())));
    }
}

#[test]
fn a_shared_secret_is_refused_even_if_the_issuer_publishes_it() {
    let secret = b"a secret that everybody can read";
    let oct = json!({"kty": "oct", "kid": "s", "alg": "HS256", "k": base64(secret)});
    let token = hs256(secret, "s", &claims(ISSUER));
    assert_eq!(verify(&jwks(&[oct]), &token), Err(Rejection::AlgorithmNotAllowed("HS256".to_owned())));
}

#[test]
fn an_algorithm_that_is_not_the_keys_own_is_refused() {
    let (rsa, p256, p384) = (Signer::rsa(), Signer::p256(), Signer::p384());
    let only = with(rsa.jwk("only"), json!({"alg": "RS256"}));
    let keys = jwks(&[rsa.jwk("r"), p256.jwk("p256"), p384.jwk("p384"), only]);
    for (signer, algorithm, key_id) in [
        (&rsa, "RS256", "p256"),
        (&rsa, "EdDSA", "r"),
        (&p256, "ES256", "r"),
        (&p256, "ES384", "p256"),
        (&p384, "ES256", "p384"),
        (&rsa, "RS512", "only"),
        (&rsa, "PS256", "only"),
    ] {
        let token = signer.token(algorithm, key_id, &claims(ISSUER));
        let refused = Err(Rejection::AlgorithmNotAllowed(algorithm.to_owned()));
        assert_eq!(verify(&keys, &token), refused, "{algorithm} {key_id}");
    }
    assert!(verify(&keys, &rsa.token("RS256", "only", &claims(ISSUER))).is_ok());
}

#[test]
fn a_key_that_is_not_for_signatures_verifies_none() {
    let signer = Signer::rsa();
    let token = signer.token("RS256", "r", &claims(ISSUER));
    let unknown = Err(Rejection::UnknownKey { key_id: Some("r".to_owned()) });
    for purpose in [json!({"use": "enc"}), json!({"use": null, "key_ops": ["encrypt"]})] {
        let keys = jwks(&[with(signer.jwk("r"), purpose)]);
        assert_eq!(verify(&keys, &token), unknown);
    }
    for purpose in [json!({"use": null}), json!({"use": null, "key_ops": ["verify"]})] {
        assert!(verify(&jwks(&[with(signer.jwk("r"), purpose)]), &token).is_ok());
    }
}

#[test]
fn keys_that_cannot_be_read_do_not_take_the_others_away() {
    let signer = Signer::p256();
    let odd = [
        json!({"kty": "AKP", "kid": "new", "alg": "ML-DSA-65", "pub": "AAAA"}),
        json!({"kty": "EC", "kid": "curve", "crv": "secp256k1", "x": "AA", "y": "AA"}),
        json!({"kty": "EC", "kid": "half", "crv": "P-256"}),
        json!({"kty": "RSA", "kid": "text", "n": "not base64!", "e": "AQAB"}),
        json!({"kty": 7}),
        json!("key"),
        signer.jwk("good"),
    ];
    assert!(verify(&jwks(&odd), &signer.token("ES256", "good", &claims(ISSUER))).is_ok());
}

#[test]
fn what_is_not_a_key_set_is_the_issuers_fault() {
    for document in ["", "null", "{}", "[]", r#"{"keys": {}}"#, "<html>"] {
        assert!(
            matches!(KeySet::parse(document.as_bytes()), Err(Rejection::IssuerUnusable(_))),
            "{document}"
        );
    }
}

#[test]
fn a_key_id_that_the_issuer_does_not_have_is_refused() {
    let signer = Signer::p256();
    let token = signer.token("ES256", "other", &claims(ISSUER));
    let unknown = Err(Rejection::UnknownKey { key_id: Some("other".to_owned()) });
    assert_eq!(verify(&jwks(&[signer.jwk("one")]), &token), unknown);
    assert_eq!(verify(&jwks(&[]), &token), unknown);
}

#[test]
fn a_token_that_names_no_key_is_of_the_only_one_that_fits() {
    let (signer, rsa, other) = (Signer::p256(), Signer::rsa(), Signer::p256());
    let token = signer.sign(&json!({"alg": "ES256"}), &claims(ISSUER));
    assert!(verify(&jwks(&[rsa.jwk("r"), signer.jwk("one")]), &token).is_ok());
    let unknown = Err(Rejection::UnknownKey { key_id: None });
    assert_eq!(verify(&jwks(&[signer.jwk("one"), other.jwk("two")]), &token), unknown);
    assert_eq!(verify(&jwks(&[rsa.jwk("r")]), &token), unknown);
}

#[test]
fn a_token_of_another_key_under_a_known_id_is_refused() {
    let token = Signer::p256().token("ES256", "one", &claims(ISSUER));
    assert_eq!(verify(&jwks(&[Signer::p256().jwk("one")]), &token), Err(Rejection::BadSignature));
}

#[test]
fn a_key_in_the_tokens_own_head_is_not_used() {
    let (signer, thief) = (Signer::p256(), Signer::p256());
    let jwk = thief.jwk("one");
    let head = json!({"alg": "ES256", "kid": "one", "jwk": jwk, "jku": "https://thief.example/jwks"});
    assert_eq!(
        verify(&jwks(&[signer.jwk("one")]), &thief.sign(&head, &claims(ISSUER))),
        Err(Rejection::BadSignature)
    );
}

#[test]
fn a_token_that_was_changed_after_it_was_signed_is_refused() {
    let signer = Signer::p256();
    let keys = jwks(&[signer.jwk("one")]);
    let token = signer.token("ES256", "one", &claims(ISSUER));
    let (head, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let other = base64(with(claims(ISSUER), json!({"sub": "admin"})).to_string().as_bytes());
    let same_head_otherwise = base64(br#"{"kid":"one","alg":"ES256"}"#);
    let flipped = format!("{}{}", if signature.starts_with('A') { 'B' } else { 'A' }, &signature[1..]);
    assert!(verify(&keys, &token).is_ok());
    for changed in [
        format!("{head}.{other}.{signature}"),
        format!("{same_head_otherwise}.{payload}.{signature}"),
        format!("{head}.{payload}.{flipped}"),
        format!("{head}.{payload}."),
        format!("{head}.{payload}.{}", &signature[..signature.len() - 2]),
    ] {
        assert_eq!(verify(&keys, &changed), Err(Rejection::BadSignature), "{changed}");
    }
}

#[test]
fn no_single_changed_bit_of_a_token_is_accepted() {
    let signer = Signer::ed25519();
    let keys = KeySet::parse(jwks(&[signer.jwk("one")]).as_bytes()).unwrap();
    let token = signer.token("EdDSA", "one", &claims(ISSUER));
    for place in 0..token.len() {
        for bit in 0..7 {
            let mut changed = token.clone().into_bytes();
            changed[place] ^= 1 << bit;
            let changed = String::from_utf8(changed).unwrap();
            let verified =
                Token::read(&changed).and_then(|token| token.verify(&keys, &provider(URL, &[]), now()));
            assert!(verified.is_err(), "bit {bit} of {place}");
        }
    }
}

#[test]
fn the_issuer_is_the_provider_to_the_letter() {
    for (url, issuer) in [
        (URL, "https://other.example"),
        (URL, "https://issuer.example/"),
        (URL, "http://issuer.example"),
        (URL, "issuer.example"),
        (URL, "https://Issuer.example"),
        (URL, "https://issuer.example.other.example"),
        ("issuer.example/", "https://issuer.example"),
        ("issuer.example/a", "https://issuer.example/b"),
    ] {
        let refused = judge(url, &claims(issuer));
        assert_eq!(refused, Err(Rejection::WrongIssuer(issuer.to_owned())), "{url}");
    }
    for url in ["issuer.example/", "issuer.example/a", "issuer.example:8443/realms/x"] {
        assert!(judge(url, &claims(&format!("https://{url}"))).is_ok(), "{url}");
    }
}

#[test]
fn the_audience_is_one_that_is_registered() {
    for (audience, matched) in [
        (json!("sts.amazonaws.com"), "sts.amazonaws.com"),
        (json!(["other", "second"]), "second"),
        (json!(["second", "sts.amazonaws.com"]), "second"),
    ] {
        let verified = judge(URL, &with(claims(ISSUER), json!({"aud": audience}))).unwrap();
        assert_eq!(verified.audience, matched);
        assert_eq!(verified.values("aud"), [matched]);
    }
    for (audience, shown) in [
        (json!("other"), "other"),
        (json!(["other", "another"]), "other, another"),
        (json!([]), ""),
        (json!("STS.amazonaws.com"), "STS.amazonaws.com"),
    ] {
        let refused = judge(URL, &with(claims(ISSUER), json!({"aud": audience})));
        assert_eq!(refused, Err(Rejection::WrongAudience(shown.to_owned())));
    }
}

#[test]
fn the_authorized_party_takes_the_place_of_the_audience() {
    let both = json!({"aud": "resource", "azp": "second"});
    let verified = judge(URL, &with(claims(ISSUER), both)).unwrap();
    assert_eq!(verified.audience, "second");
    assert_eq!(verified.authorized_party.as_deref(), Some("second"));
    assert_eq!(verified.values("aud"), ["second"]);
    assert_eq!(verified.values("oaud"), ["resource"]);
    let other = judge(URL, &with(claims(ISSUER), json!({"azp": "other"})));
    assert_eq!(other, Err(Rejection::WrongAudience("other".to_owned())));
}

#[test]
fn a_provider_without_client_ids_accepts_nobody() {
    let client_ids: [String; 0] = [];
    let provider = Provider { url: URL, client_ids: &client_ids, thumbprints: &[] };
    let token = Signer::p256().token("ES256", "one", &claims(ISSUER));
    let refused = Token::read(&token).unwrap().check(&provider, now());
    assert_eq!(refused, Err(Rejection::WrongAudience("sts.amazonaws.com".to_owned())));
}

#[test]
fn a_token_ends_five_minutes_after_it_says() {
    let expiring = |expires: Value| judge(URL, &with(claims(ISSUER), json!({"exp": expires})));
    assert!(expiring(json!(NOW - 299)).is_ok());
    assert!(expiring(json!(NOW as f64 - 298.5)).is_ok());
    for expires in [NOW - 300, NOW - 301, 0, -1] {
        let expired = jiff::Timestamp::from_second(expires).unwrap();
        assert_eq!(expiring(json!(expires)), Err(Rejection::Expired { expired, now: now() }));
    }
}

#[test]
fn a_token_begins_five_minutes_before_it_says_at_the_earliest() {
    for name in ["nbf", "iat"] {
        let beginning = |from: i64| judge(URL, &with(claims(ISSUER), json!({name: from})));
        assert!(beginning(NOW + 300).is_ok());
        let from = jiff::Timestamp::from_second(NOW + 301).unwrap();
        assert_eq!(beginning(NOW + 301), Err(Rejection::NotYetValid { from, now: now() }));
    }
    assert!(judge(URL, &with(claims(ISSUER), json!({"nbf": null}))).is_ok());
}

#[test]
fn a_token_without_a_claim_that_it_must_have_is_malformed() {
    for changes in [
        json!({"iss": null}),
        json!({"iss": 7}),
        json!({"iss": ""}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": ["a"]}),
        json!({"aud": null}),
        json!({"aud": 7}),
        json!({"aud": ["second", 7]}),
        json!({"exp": null}),
        json!({"exp": "tomorrow"}),
        json!({"exp": 1e300}),
        json!({"exp": u64::MAX}),
        json!({"iat": null}),
        json!({"iat": true}),
        json!({"nbf": "now"}),
        json!({"azp": 7}),
        json!({"jti": 7}),
    ] {
        let refused = judge(URL, &with(claims(ISSUER), changes.clone()));
        assert!(matches!(refused, Err(Rejection::Malformed(_))), "{changes}: {refused:?}");
    }
}

#[test]
fn what_is_not_a_signed_token_is_malformed() {
    let good = Signer::p256().token("ES256", "one", &claims(ISSUER));
    let head = |head: &str| format!("{}.{}.AA", base64(head.as_bytes()), base64(b"{}"));
    let crit = json!({"alg": "ES256", "kid": "one", "crit": ["b64"], "b64": false});
    for token in [
        String::new(),
        "a".into(),
        "..".into(),
        "a.b".into(),
        format!("{good}.x"),
        format!("x.{good}"),
        good.replace('.', ","),
        format!(" {good}"),
        head("[]"),
        head("{}"),
        head(r#"{"alg":7}"#),
        head(r#"{"alg":"ES256","alg":"RS256"}"#),
        head(r#"{"alg":"ES256","kid":7}"#),
        Signer::p256().sign(&crit, &claims(ISSUER)),
        format!("{}.!.AA", base64(br#"{"alg":"ES256"}"#)),
        format!("{}.{}.AA", base64(br#"{"alg":"ES256"}"#), base64(b"[1]")),
        Signer::p256().token("ES256", "one", &with(claims(ISSUER), json!({"pad": "x".repeat(20_000)}))),
    ] {
        let refused = Token::read(&token).map(drop);
        assert!(matches!(refused, Err(Rejection::Malformed(_))), "{token}: {refused:?}");
    }
}

#[test]
fn the_issuer_is_read_from_a_token_to_find_the_provider() {
    let token = Signer::p256().token("ES256", "one", &claims(ISSUER));
    assert_eq!(issuer_of(&token).as_deref(), Some(ISSUER));
    let unsigned = format!("{}.", covered(&json!({"alg": "none"}), &claims(ISSUER)));
    assert_eq!(issuer_of(&unsigned).as_deref(), Some(ISSUER), "its refusal is to name the algorithm");
    assert_eq!(issuer_of("no token"), None);
}

#[test]
fn condition_keys_find_the_claims_of_a_token() {
    let said = json!({
        "amr": ["authenticated", "mfa"], "actor": "octo", "run": 7, "verified": true, "nested": {"a": 1}, "Job": "x",
        "oaud": "spoofed", "AUD": "spoofed", "Sub": "spoofed", "https://aws.amazon.com/tags": {"principal_tags": {"a": ["b"]}},
    });
    let verified = judge(URL, &with(claims(ISSUER), said)).unwrap();
    assert_eq!(verified.values("amr"), ["authenticated", "mfa"]);
    assert_eq!(verified.values("Actor"), ["octo"]);
    assert_eq!(verified.values("run"), ["7"]);
    assert_eq!(verified.values("verified"), ["true"]);
    assert_eq!(verified.values("job"), ["x"]);
    assert_eq!(verified.values("sub"), ["repo:octo/app:ref:refs/heads/main"]);
    assert_eq!(verified.values("aud"), ["sts.amazonaws.com"]);
    assert_eq!(verified.values("oaud"), ["sts.amazonaws.com"]);
    assert!(verified.values("nested").is_empty() && verified.values("absent").is_empty());
    assert_eq!(verified.claim("https://aws.amazon.com/tags").unwrap()["principal_tags"]["a"][0], "b");
}

#[test]
fn a_token_is_not_shown_when_it_is_printed() {
    let text = Signer::p256().token("ES256", "one", &claims(ISSUER));
    let shown = format!("{:?}", Token::read(&text).unwrap());
    assert!(shown.contains("one") && !shown.contains(&text[..20]) && !shown.contains("octo"), "{shown}");
}

fn provider<'a>(url: &'a str, thumbprints: &'a [String]) -> Provider<'a> {
    Provider { url, client_ids: crate::servers::client_ids(), thumbprints }
}

fn verify(document: &str, token: &str) -> Result<Claims, Rejection> {
    let keys = KeySet::parse(document.as_bytes()).unwrap();
    Token::read(token)?.verify(&keys, &provider(URL, &[]), now())
}

/// Those claims under a good signature.
fn judge(url: &str, claims: &Value) -> Result<Claims, Rejection> {
    let signer = Signer::p256();
    let keys = KeySet::parse(jwks(&[signer.jwk("one")]).as_bytes()).unwrap();
    let token = signer.token("ES256", "one", claims);
    let token = Token::read(&token).unwrap();
    let judged = token.verify(&keys, &provider(url, &[]), now());
    assert_eq!(token.check(&provider(url, &[]), now()), judged.clone().map(drop), "judged otherwise before");
    judged
}
