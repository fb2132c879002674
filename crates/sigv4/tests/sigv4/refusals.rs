//! Every refusal, its exception and its message, and the order in which they come.

use std::time::Duration;

use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use sigv4::{Presented, Refusal, Rules, Signer};

use crate::requests::{credentials, parts, rules, verify};

mod presence {
    use super::*;

    #[test]
    fn a_request_without_authentication_is_refused() {
        let refusal = refusal_of(&parts("POST", "/", &[("host", HOST_NAME)]));
        assert_eq!(refusal.exception(), "MissingAuthenticationTokenException");
        assert_eq!(refusal.to_string(), "Missing Authentication Token");
    }

    #[test]
    fn another_scheme_is_no_authentication() {
        for scheme in ["Basic dXNlcjpwYXNz", "Bearer AWS4-HMAC-SHA256", "AWS AKIDEXAMPLE:c2ln", "", "\u{e9}"]
        {
            let refusal = refusal_of(&with_authorization(scheme));
            assert_eq!(refusal, Refusal::MissingAuthenticationToken, "{scheme}");
        }
    }

    #[test]
    fn authentication_in_both_places_is_refused() {
        let mut parts = presigned(Duration::from_secs(60));
        parts.headers.insert(AUTHORIZATION, HeaderValue::from_static("AWS4-HMAC-SHA256 Credential=a"));
        let refusal = refusal_of(&parts);
        assert_eq!(refusal.exception(), "InvalidSignatureException");
        assert_eq!(
            refusal.to_string(),
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
        );
    }

    #[test]
    fn a_pair_without_an_equal_sign_is_refused() {
        let refusal = refusal_of(&with_authorization("AWS4-HMAC-SHA256 Credential"));
        assert_eq!(refusal.exception(), "IncompleteSignatureException");
        assert_eq!(
            refusal.to_string(),
            "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded \
             with Base64): 'KfSoC26UaBDGXxo5AUFS45c1cmAbyLKDOxOTKcZYWt4='."
        );
    }

    #[test]
    fn all_that_is_missing_in_the_header_is_told() {
        let mut parts = with_authorization("AWS4-HMAC-SHA256");
        parts.headers.remove("x-amz-date");
        let refusal = refusal_of(&parts);
        assert_eq!(refusal.exception(), "IncompleteSignatureException");
        assert_eq!(
            refusal.to_string(),
            "Authorization header requires 'Credential' parameter. \
             Authorization header requires 'Signature' parameter. \
             Authorization header requires 'SignedHeaders' parameter. \
             Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. \
             (Hashed with SHA-256 and encoded with Base64) \
             Authorization=YI2YWea8FSxnksZL2ETHbs5elHm9HQufxTLK0W0ffV0="
        );
    }

    #[test]
    fn each_piece_that_is_missing_in_the_header_is_told() {
        for (authorization, missing) in [
            ("AWS4-HMAC-SHA256 Signature=b, SignedHeaders=host", "requires 'Credential' parameter. (Hashed"),
            (
                "AWS4-HMAC-SHA256 Credential=, Signature=b, SignedHeaders=c",
                "requires 'Credential' parameter. (Hashed",
            ),
            ("AWS4-HMAC-SHA256 Credential=a,SignedHeaders=host", "requires 'Signature' parameter. (Hashed"),
            ("AWS4-HMAC-SHA256 Credential=a Signature=b", "requires 'SignedHeaders' parameter. (Hashed"),
        ] {
            let message = refusal_of(&with_authorization(authorization)).to_string();
            assert!(message.starts_with(&format!("Authorization header {missing}")), "{message}");
        }
    }

    #[test]
    fn each_parameter_that_is_missing_in_the_query_is_told() {
        let refusal = refusal_of(&parts("POST", "/?X-Amz-Algorithm", &[("host", HOST_NAME)]));
        assert_eq!(refusal.exception(), "IncompleteSignatureException");
        assert_eq!(
            refusal.to_string(),
            "AWS query-string parameters must include 'X-Amz-Algorithm'. \
             AWS query-string parameters must include 'X-Amz-Credential'. \
             AWS query-string parameters must include 'X-Amz-Signature'. \
             AWS query-string parameters must include 'X-Amz-SignedHeaders'. \
             AWS query-string parameters must include 'X-Amz-Date'. \
             Re-examine the query-string parameters."
        );
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        for repeated in ["Credential", "Signature", "SignedHeaders"] {
            let mut parts = signed();
            change(&mut parts, "authorization", |value| format!("{value}, {repeated}=x"));
            let refusal = refusal_of(&parts);
            assert_eq!(refusal, Refusal::Repeated { name: repeated });
            assert_eq!(refusal.exception(), "IncompleteSignatureException");
            assert_eq!(
                refusal.to_string(),
                format!("'{repeated}' must be given only once in the AWS Authorization.")
            );
        }
    }

    #[test]
    fn a_query_parameter_given_twice_is_refused() {
        for repeated in ["X-Amz-Signature=00", "X-Amz-Date=20260228T120000Z", "X-Amz-%45xpires=9"] {
            let signed = presigned(Duration::from_secs(60)).uri;
            let refusal = refusal_of(&with_target(&format!("{signed}&{repeated}")));
            assert!(matches!(refusal, Refusal::Repeated { .. }), "{repeated}");
        }
    }

    #[test]
    fn a_second_authorization_header_is_refused() {
        let mut parts = signed();
        let authorization = parts.headers[AUTHORIZATION].clone();
        parts.headers.append(AUTHORIZATION, authorization);
        assert_eq!(refusal_of(&parts), Refusal::Repeated { name: "Authorization" });
    }

    #[test]
    fn a_second_session_token_is_refused() {
        let mut parts = signed();
        for token in ["a", "b"] {
            parts.headers.append("x-amz-security-token", HeaderValue::from_static(token));
        }
        assert_eq!(refusal_of(&parts), Refusal::Repeated { name: "X-Amz-Security-Token" });

        let mut parts =
            with_target(&format!("{}&X-Amz-Security-Token=a", presigned(Duration::from_secs(9)).uri));
        parts.headers.insert("x-amz-security-token", HeaderValue::from_static("b"));
        assert_eq!(refusal_of(&parts), Refusal::Repeated { name: "X-Amz-Security-Token" });
    }
}

mod dates {
    use super::*;

    #[test]
    fn a_date_in_another_format_is_refused() {
        for date in ["201", "2026-02-28T12:00:00Z", "20260228T120000", "20260230T120000Z"] {
            let mut parts = signed();
            set(&mut parts, "x-amz-date", date);
            let refusal = refusal_of(&parts);
            assert_eq!(refusal.exception(), "IncompleteSignatureException");
            assert_eq!(
                refusal.to_string(),
                format!(
                    "Date must be in ISO-8601 'basic format'. Got '{date}'. \
                     See http://en.wikipedia.org/wiki/ISO_8601"
                )
            );
        }
    }

    #[test]
    fn an_empty_date_is_none() {
        let mut parts = signed();
        set(&mut parts, "x-amz-date", "");
        assert!(matches!(refusal_of(&parts), Refusal::MissingInHeader { .. }));
        set(&mut parts, "date", "");
        assert!(matches!(refusal_of(&parts), Refusal::MissingInHeader { .. }));
        set(&mut parts, "date", "Sat, 28 Feb 2026 12:00:00 GMT");
        assert!(Presented::of(&parts, &in_frankfurt()).is_ok());
    }

    #[test]
    fn a_date_is_not_echoed_at_length() {
        let mut parts = signed();
        set(&mut parts, "x-amz-date", &"9".repeat(10_000));
        assert_eq!(refusal_of(&parts), Refusal::DateFormat { date: "9".repeat(64) });
    }

    #[test]
    fn a_signature_is_good_for_five_minutes_either_way() {
        for seconds in [-300, -299, 0, 299, 300] {
            assert_eq!(verify(&signed(), BODY, &rules("kms", later(seconds))), Ok(()), "{seconds}");
        }
    }

    #[test]
    fn a_signature_is_too_old_a_second_after_five_minutes() {
        let refusal = verify(&signed(), BODY, &rules("kms", later(301))).unwrap_err();
        assert_eq!(refusal.exception(), "InvalidSignatureException");
        assert_eq!(
            refusal.to_string(),
            "Signature expired: 20260228T120000Z is now earlier than 20260228T120001Z (20260228T120501Z - 5 min.)"
        );
    }

    #[test]
    fn a_signature_is_too_new_a_second_before_five_minutes() {
        let refusal = verify(&signed(), BODY, &rules("kms", later(-301))).unwrap_err();
        assert_eq!(refusal.exception(), "InvalidSignatureException");
        assert_eq!(
            refusal.to_string(),
            "Signature not yet current: 20260228T120000Z is still later than 20260228T115959Z \
             (20260228T115459Z + 5 min.)"
        );
    }

    #[test]
    fn the_tolerance_is_a_setting() {
        let tolerance = Duration::from_secs(900);
        let rules = |seconds| Rules { tolerance, ..rules("kms", later(seconds)) };
        assert_eq!(verify(&signed(), BODY, &rules(900)), Ok(()));
        assert_eq!(
            verify(&signed(), BODY, &rules(901)).unwrap_err().to_string(),
            "Signature expired: 20260228T120000Z is now earlier than 20260228T120001Z (20260228T121501Z - 15 min.)"
        );
    }

    #[test]
    fn a_clock_at_the_end_of_time_does_not_overflow() {
        for now in [Timestamp::MIN, Timestamp::MAX] {
            let refusal = Presented::of(&signed(), &rules("kms", now)).unwrap_err();
            assert_eq!(refusal.exception(), "InvalidSignatureException");
        }
    }

    #[test]
    fn a_presigned_request_is_good_until_it_expires() {
        for (expires, good) in [(1, 1), (60, 60), (604_800, 604_800)] {
            let parts = presigned(Duration::from_secs(expires));
            assert_eq!(verify(&parts, BODY, &rules("kms", later(good))), Ok(()));
            let refusal = verify(&parts, BODY, &rules("kms", later(good + 1))).unwrap_err();
            assert!(matches!(refusal, Refusal::Expired { .. }), "{refusal}");
        }
    }

    #[test]
    fn an_expired_presigned_request_is_told_its_own_window() {
        for (expires, window) in [(60, "1 min."), (90, "90 sec.")] {
            let now = later(i64::try_from(expires).unwrap() + 1);
            let refusal =
                verify(&presigned(Duration::from_secs(expires)), BODY, &rules("kms", now)).unwrap_err();
            let now = now.strftime("%Y%m%dT%H%M%SZ");
            assert_eq!(
                refusal.to_string(),
                format!(
                    "Signature expired: 20260228T120000Z is now earlier than 20260228T120001Z ({now} - {window})"
                )
            );
        }
    }

    #[test]
    fn a_presigned_request_is_not_good_before_its_time() {
        let parts = presigned(Duration::from_secs(604_800));
        assert_eq!(verify(&parts, BODY, &rules("kms", later(-300))), Ok(()));
        assert!(matches!(
            verify(&parts, BODY, &rules("kms", later(-301))),
            Err(Refusal::NotYetCurrent { allowed, .. }) if allowed == Duration::from_secs(300)
        ));
    }

    #[test]
    fn a_presigned_request_that_names_no_expiry_has_the_usual_window() {
        let target = presigned(Duration::from_secs(9)).uri.to_string().replace("&X-Amz-Expires=9", "");
        assert!(Presented::of(&with_target(&target), &rules("kms", later(300))).is_ok());
        assert!(Presented::of(&with_target(&target), &rules("kms", later(301))).is_err());
    }

    #[test]
    fn a_presigned_request_expires_within_a_week() {
        for (expires, message) in [
            ("0", "X-Amz-Expires must be non-negative"),
            ("-1", "X-Amz-Expires must be non-negative"),
            ("1h", "X-Amz-Expires should be a number"),
            ("", "X-Amz-Expires should be a number"),
            (
                "604801",
                "X-Amz-Expires must be less than a week (in seconds); \
                 that is, the given X-Amz-Expires must be less than 604800 seconds",
            ),
        ] {
            let target = presigned(Duration::from_secs(9)).uri.to_string();
            let target = target.replace("X-Amz-Expires=9", &format!("X-Amz-Expires={expires}"));
            let refusal = refusal_of(&with_target(&target));
            assert_eq!(refusal.exception(), "IncompleteSignatureException");
            assert_eq!(refusal.to_string(), message);
        }
    }

    #[test]
    fn a_presigned_date_is_in_basic_format_only() {
        let target = presigned(Duration::from_secs(9)).uri.to_string();
        let target = target.replace("20260228T120000Z", "Sat,%2028%20Feb%202026%2012:00:00%20GMT");
        assert!(matches!(refusal_of(&with_target(&target)), Refusal::DateFormat { .. }));
    }
}

mod signed_headers {
    use super::*;

    #[test]
    fn the_host_must_be_signed() {
        for list in ["", "x-amz-date", "content-type;x-amz-date"] {
            let mut parts = signed();
            change(&mut parts, "authorization", |value| value.replace(SIGNED_HEADERS, list));
            let refusal = refusal_of(&parts);
            assert_eq!(refusal.exception(), "InvalidSignatureException");
            assert_eq!(
                refusal.to_string(),
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
            );
        }
    }

    #[test]
    fn every_amz_header_must_be_signed() {
        for header in ["x-amz-date", "x-amz-target"] {
            let mut parts = signed();
            change(&mut parts, "authorization", |value| value.replace(&format!(";{header}"), ""));
            let refusal = refusal_of(&parts);
            assert_eq!(refusal.exception(), "InvalidSignatureException");
            assert_eq!(
                refusal.to_string(),
                format!("'{header}' must be a 'SignedHeader' in the AWS Authorization.")
            );
        }
    }

    #[test]
    fn an_amz_header_added_on_the_way_is_refused() {
        for added in ["x-amz-security-token", "x-amz-anything", "x-amz-content-sha256"] {
            for mut parts in [signed(), presigned(Duration::from_secs(60))] {
                set(&mut parts, added, "x");
                assert_eq!(refusal_of(&parts), Refusal::HeaderNotSigned { header: added.to_owned() });
            }
        }
    }

    #[test]
    fn a_user_agent_and_a_trace_need_not_be_signed() {
        let mut parts = signed();
        for header in ["user-agent", "x-amz-user-agent", "x-amzn-trace-id", "accept"] {
            set(&mut parts, header, "x");
        }
        assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Ok(()));
    }

    #[test]
    fn the_list_is_read_in_any_case_and_order() {
        let mut parts = signed();
        change(&mut parts, "authorization", |value| {
            value.replace(SIGNED_HEADERS, "Host;X-Amz-Target;host;Content-Type;X-Amz-Date")
        });
        assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Ok(()));
    }

    #[test]
    fn commas_need_no_space_and_spaces_no_comma() {
        for separator in [",", " ", " , ", ",\t"] {
            let mut parts = signed();
            change(&mut parts, "authorization", |value| value.replace(", ", separator));
            assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Ok(()), "{separator:?}");
        }
    }

    #[test]
    fn the_host_of_http2_is_its_authority() {
        let mut parts = signed();
        parts.headers.remove(HOST);
        parts.uri = format!("https://{HOST_NAME}/").parse().unwrap();
        assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Ok(()));
        parts.uri = "https://example.com/".parse().unwrap();
        assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Err(Refusal::SignatureMismatch));
    }

    #[test]
    fn every_signed_header_matters() {
        for header in SIGNED_HEADERS.split(';').filter(|header| *header != "x-amz-date") {
            let is_refused = |change: fn(&mut Parts, HeaderName)| {
                let mut parts = signed();
                change(&mut parts, header.parse().unwrap());
                verify(&parts, BODY, &rules("kms", later(0))) == Err(Refusal::SignatureMismatch)
            };
            assert!(is_refused(|parts, name| set(parts, name.as_str(), "other")), "{header}");
            assert!(is_refused(|parts, name| drop(parts.headers.remove(name))), "{header}");
            assert!(
                is_refused(|parts, name| {
                    parts.headers.append(name, HeaderValue::from_static("x"));
                }),
                "{header}"
            );
        }
    }

    #[test]
    fn the_signed_date_matters() {
        let mut parts = signed();
        set(&mut parts, "x-amz-date", "20260228T120001Z");
        assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Err(Refusal::SignatureMismatch));
    }
}

mod credential {
    use super::*;

    #[test]
    fn another_algorithm_is_refused() {
        for algorithm in ["AWS4-ECDSA-P256-SHA256", "AWS4-HMAC-SHA25"] {
            let mut parts = signed();
            change(&mut parts, "authorization", |value| value.replace("AWS4-HMAC-SHA256", algorithm));
            let refusal = refusal_of(&parts);
            assert_eq!(refusal.exception(), "IncompleteSignatureException");
            assert_eq!(refusal.to_string(), format!("Unsupported AWS 'algorithm': '{algorithm}'. "));
        }
    }

    #[test]
    fn a_credential_has_five_elements() {
        for credential in ["a/b/c/d", "a/b/c/d/e/f", "AKIDEXAMPLE"] {
            let refusal = refusal_of(&with_credential(credential));
            assert_eq!(refusal.exception(), "IncompleteSignatureException");
            assert_eq!(
                refusal.to_string(),
                format!(
                    "Credential must have exactly 5 slash-delimited elements, \
                     e.g. keyid/date/region/service/term, got '{credential}'"
                )
            );
        }
    }

    #[test]
    fn each_fault_of_a_scope_is_told() {
        for (credential, message) in [
            (
                "AKIDEXAMPLE/20260228/us-east-1/kms/aws4_request",
                "Credential should be scoped to a valid region. ",
            ),
            (
                "AKIDEXAMPLE/20260228/eu-central-1/s3/aws4_request",
                "Credential should be scoped to correct service: 'kms'. ",
            ),
            (
                "AKIDEXAMPLE/20260228/eu-central-1/kms/aws3_request",
                "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3_request'. ",
            ),
            (
                "AKIDEXAMPLE/20260227/eu-central-1/kms/aws4_request",
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '20260227' != '20260228', from '20260228T120000Z'.",
            ),
            (
                "a/b/c/d/e",
                "Credential should be scoped to a valid region. \
                 Credential should be scoped to correct service: 'kms'. \
                 Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. \
                 Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 'b' != '20260228', from '20260228T120000Z'.",
            ),
        ] {
            let refusal = refusal_of(&with_credential(credential));
            assert_eq!(refusal.exception(), "InvalidSignatureException");
            assert_eq!(refusal.to_string(), message);
        }
    }

    #[test]
    fn an_impossible_access_key_id_is_an_unknown_one() {
        for id in ["", "a-b", "A\u{e9}", &"A".repeat(129)] {
            let target = presigned(Duration::from_secs(9)).uri.to_string().replace("AKIDEXAMPLE", id);
            let target = target.replace('\u{e9}', "%C3%A9");
            let refusal = refusal_of(&with_target(&target));
            assert_eq!(refusal.exception(), "UnrecognizedClientException");
            assert_eq!(refusal.to_string(), "The security token included in the request is invalid.");
        }
        let id = "A".repeat(128);
        let parts = with_credential(&format!("{id}/20260228/eu-central-1/kms/aws4_request"));
        assert_eq!(Presented::of(&parts, &in_frankfurt()).unwrap().access_key_id(), id);
    }

    #[test]
    fn a_session_that_is_over_has_its_own_exception() {
        assert_eq!(Refusal::ExpiredToken.exception(), "ExpiredTokenException");
        assert_eq!(
            Refusal::ExpiredToken.to_string(),
            "The security token included in the request is expired"
        );
    }

    #[test]
    fn a_well_formed_request_presents_its_scope() {
        let parts = signed_with(Some("hidden"));
        let presented = Presented::of(&parts, &in_frankfurt()).unwrap();
        assert_eq!(presented.access_key_id(), "AKIDEXAMPLE");
        assert_eq!(presented.date(), "20260228");
        assert_eq!(presented.region(), "eu-central-1");
        assert_eq!(presented.service(), "kms");
        assert_eq!(presented.scope(), "20260228/eu-central-1/kms/aws4_request");
        assert_eq!(presented.session_token(), Some("hidden"));
        assert!(!format!("{presented:?}").contains("hidden"), "a session token is not to be printed");
    }
}

mod signature {
    use super::*;

    #[test]
    fn a_false_signature_is_refused_in_aws_words() {
        let refusal = verify(&signed(), b"other", &rules("kms", later(0))).unwrap_err();
        assert_eq!(refusal.exception(), "InvalidSignatureException");
        assert_eq!(
            refusal.to_string(),
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
             Access Key and signing method. Consult the service documentation for details."
        );
    }

    #[test]
    fn every_bit_of_a_signature_matters() {
        let authorization = signed().headers[AUTHORIZATION].to_str().unwrap().to_owned();
        let (head, signature) = authorization.split_once("Signature=").unwrap();
        for position in 0..64 {
            for bit in 0..4 {
                let mut digits: Vec<u32> =
                    signature.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
                digits[position] ^= 1 << bit;
                let false_one: String = digits.iter().map(|digit| format!("{digit:x}")).collect();
                let mut parts = signed();
                set(&mut parts, "authorization", &format!("{head}Signature={false_one}"));
                assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Err(Refusal::SignatureMismatch));
            }
        }
    }

    #[test]
    fn a_signature_has_one_spelling() {
        for spelling in [
            str::to_uppercase,
            |signature: &str| format!("{signature}00"),
            |signature: &str| signature.chars().take(62).collect(),
        ] {
            let mut parts = signed();
            change(&mut parts, "authorization", |value| {
                let (head, signature) = value.split_once("Signature=").unwrap();
                format!("{head}Signature={}", spelling(signature))
            });
            assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Err(Refusal::SignatureMismatch));
        }
    }

    #[test]
    fn a_body_hash_must_be_that_of_the_body() {
        for stated in ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "", "00"] {
            let mut parts = unsigned();
            set(&mut parts, "x-amz-content-sha256", stated);
            sign(&mut parts, None);
            assert_eq!(
                verify(&parts, BODY, &rules("kms", later(0))),
                Err(Refusal::SignatureMismatch),
                "{stated}"
            );
        }
    }

    #[test]
    fn a_body_hash_in_a_query_must_be_that_of_the_body() {
        for (stated, outcome) in [
            ("UNSIGNED-PAYLOAD", Err(Refusal::SignatureMismatch)),
            ("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", Ok(())),
        ] {
            let mut parts = with_target(&format!("/?X-Amz-Content-Sha256={stated}"));
            presign(&mut parts, Duration::from_secs(60));
            assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), outcome);
        }
    }

    #[test]
    fn every_parameter_of_a_presigned_request_matters() {
        let mut parts = with_target("/?a=1");
        presign(&mut parts, Duration::from_secs(60));
        let target = parts.uri.to_string();
        for (from, to) in [("a=1", "a=2"), ("a=1", "b=1"), ("Expires=60", "Expires=61"), ("?a=1", "?a=1&c=1")]
        {
            let parts = with_target(&target.replace(from, to));
            assert_eq!(
                verify(&parts, BODY, &rules("kms", later(0))),
                Err(Refusal::SignatureMismatch),
                "{to}"
            );
        }
        let (query, signature) = target.split_once("&X-Amz-Signature=").unwrap();
        let moved = query.replace('?', &format!("?X-Amz-Signature={signature}&"));
        assert_eq!(verify(&with_target(&moved), BODY, &rules("kms", later(0))), Ok(()));
    }

    #[test]
    fn a_signature_parameter_is_signed_where_it_is_not_the_signature() {
        let mut parts = with_target("/?X-Amz-Signature=1");
        sign(&mut parts, None);
        assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Ok(()));
        parts.uri = "/?X-Amz-Signature=2".parse().unwrap();
        assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Err(Refusal::SignatureMismatch));
    }

    #[test]
    fn empty_pairs_in_a_query_are_nothing() {
        let mut parts = with_target("/?a=1&b=2");
        sign(&mut parts, None);
        parts.uri = "/?&a=1&&b=2&".parse().unwrap();
        assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Ok(()));
    }

    #[test]
    fn a_presigned_session_token_may_stand_in_a_signed_header() {
        let mut parts = with_target("/");
        set(&mut parts, "x-amz-security-token", "hidden");
        presign(&mut parts, Duration::from_secs(60));
        assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Ok(()));
        let presented = Presented::of(&parts, &in_frankfurt()).unwrap();
        assert_eq!(presented.session_token(), Some("hidden"));
    }

    #[test]
    fn a_plus_in_a_query_is_a_space() {
        let mut parts = with_target("/?a=b+c");
        sign(&mut parts, None);
        parts.uri = "/?a=b%20c".parse().unwrap();
        assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Ok(()));
        parts.uri = "/?a=b%2Bc".parse().unwrap();
        assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Err(Refusal::SignatureMismatch));
    }
}

mod limits {
    use super::*;

    #[test]
    fn the_number_of_headers_is_bounded() {
        let mut parts = signed();
        while parts.headers.len() < 128 {
            parts.headers.append("accept", HeaderValue::from_static("x"));
        }
        assert_eq!(verify(&parts, BODY, &rules("kms", later(0))), Ok(()));
        parts.headers.append("accept", HeaderValue::from_static("x"));
        let refusal = refusal_of(&parts);
        assert_eq!(refusal.exception(), "IncompleteSignatureException");
        assert_eq!(
            refusal.to_string(),
            "The number of headers of the AWS Authorization must be no more than 128."
        );
    }

    #[test]
    fn the_number_of_signed_headers_is_bounded() {
        for (number, is_refused) in [(64, false), (65, true)] {
            let list = (1..number).fold("host".to_owned(), |list, n| format!("{list};x{n:02}"));
            let mut parts = signed();
            parts.headers.remove("x-amz-target");
            parts.headers.remove("x-amz-date");
            set(&mut parts, "date", "Sat, 28 Feb 2026 12:00:00 GMT");
            change(&mut parts, "authorization", |value| value.replace(SIGNED_HEADERS, &list));
            let outcome = Presented::of(&parts, &in_frankfurt());
            assert_eq!(matches!(outcome, Err(Refusal::TooLarge { .. })), is_refused);
            assert_eq!(outcome.is_ok(), !is_refused);
        }
    }

    #[test]
    fn the_authorization_is_bounded() {
        for (length, is_refused) in [(8192, false), (8193, true)] {
            let mut parts = signed();
            change(&mut parts, "authorization", |value| {
                let comment = format!("{value}, Comment=");
                format!("{comment}{}", "x".repeat(length - comment.len()))
            });
            let outcome = Presented::of(&parts, &in_frankfurt());
            assert_eq!(matches!(outcome, Err(Refusal::TooLarge { limit: 8192, .. })), is_refused);
            assert_eq!(outcome.is_ok(), !is_refused);
        }
    }

    #[test]
    fn the_query_is_bounded() {
        let target = presigned(Duration::from_secs(9)).uri.to_string();
        for (length, is_refused) in [(32_768, false), (32_769, true)] {
            let filler = "x".repeat(length - (target.len() - "/?".len()) - "&".len());
            let parts = with_target(&format!("{target}&{filler}"));
            let outcome = Presented::of(&parts, &in_frankfurt());
            assert_eq!(matches!(outcome, Err(Refusal::TooLarge { limit: 32_768, .. })), is_refused);
            assert_eq!(outcome.is_ok(), !is_refused);
        }
    }
}

mod order {
    use super::*;

    /// Mends one fault after the other; the next one must show.
    #[test]
    fn faults_are_told_in_aws_order() {
        let mut parts = parts("POST", "/?X-Amz-Algorithm=x", &[("host", HOST_NAME), ("x-amz-target", "a")]);
        set(&mut parts, "authorization", "AWS4-NONE Credential");
        assert_eq!(refusal_of(&parts), Refusal::AuthenticatedTwice);

        parts.uri = "/".parse().unwrap();
        assert!(matches!(refusal_of(&parts), Refusal::MissingEqualSign { .. }));

        set(&mut parts, "authorization", "AWS4-NONE Credential=a");
        assert!(matches!(refusal_of(&parts), Refusal::MissingInHeader { .. }));

        set(&mut parts, "authorization", "AWS4-NONE Credential=a, Signature=b, SignedHeaders=x-amz-target");
        set(&mut parts, "x-amz-date", "today");
        assert!(matches!(refusal_of(&parts), Refusal::DateFormat { .. }));

        set(&mut parts, "x-amz-date", "20260101T000000Z");
        assert!(matches!(refusal_of(&parts), Refusal::Expired { .. }));

        set(&mut parts, "x-amz-date", "20260228T120000Z");
        assert_eq!(refusal_of(&parts), Refusal::HostNotSigned);

        set(
            &mut parts,
            "authorization",
            "AWS4-NONE Credential=a, Signature=b, SignedHeaders=host;x-amz-date",
        );
        assert_eq!(refusal_of(&parts), Refusal::HeaderNotSigned { header: "x-amz-target".to_owned() });

        change(&mut parts, "authorization", |value| format!("{value};x-amz-target"));
        assert!(matches!(refusal_of(&parts), Refusal::UnsupportedAlgorithm { .. }));

        change(&mut parts, "authorization", |value| value.replace("AWS4-NONE", "AWS4-HMAC-SHA256"));
        assert!(matches!(refusal_of(&parts), Refusal::CredentialShape { .. }));

        change(&mut parts, "authorization", |value| {
            value.replace("=a,", "=-/20260227/eu-central-1/kms/aws4_request,")
        });
        assert!(matches!(refusal_of(&parts), Refusal::CredentialScope { .. }));

        change(&mut parts, "authorization", |value| value.replace("20260227", "20260228"));
        assert_eq!(refusal_of(&parts), Refusal::UnrecognizedClient);

        change(&mut parts, "authorization", |value| value.replace("=-/", "=AKIDEXAMPLE/"));
        assert_eq!(verify(&parts, BODY, &in_frankfurt()), Err(Refusal::SignatureMismatch));

        parts.headers.remove(AUTHORIZATION);
        sign(&mut parts, None);
        assert_eq!(verify(&parts, BODY, &in_frankfurt()), Ok(()));
    }
}

mod session_tokens {
    use super::*;

    #[test]
    fn a_token_in_a_header_is_presented_and_must_be_signed() {
        let mut parts = signed_with(Some("mine"));
        assert_eq!(Presented::of(&parts, &in_frankfurt()).unwrap().session_token(), Some("mine"));
        assert_eq!(verify(&parts, BODY, &in_frankfurt()), Ok(()));
        change(&mut parts, "authorization", |value| value.replace(";x-amz-security-token", ""));
        assert_eq!(refusal_of(&parts), Refusal::HeaderNotSigned { header: TOKEN_HEADER.to_owned() });
    }

    #[test]
    fn another_token_in_a_header_or_none_is_refused() {
        let mut parts = signed_with(Some("mine"));
        for other in ["yours", "mine2", "Mine", ""] {
            set(&mut parts, TOKEN_HEADER, other);
            assert_eq!(verify(&parts, BODY, &in_frankfurt()), Err(Refusal::SignatureMismatch), "{other}");
        }
        parts.headers.remove(TOKEN_HEADER);
        assert_eq!(verify(&parts, BODY, &in_frankfurt()), Err(Refusal::SignatureMismatch));
    }

    #[test]
    fn a_token_in_a_presigned_query_is_presented_and_signed() {
        let target = presigned_in_session().uri.to_string();
        let parts = with_target(&target);
        assert_eq!(Presented::of(&parts, &in_frankfurt()).unwrap().session_token(), Some("my/token+"));
        assert_eq!(verify(&parts, BODY, &in_frankfurt()), Ok(()));
        for other in ["yours", ""] {
            let parts = with_target(&target.replace("my%2Ftoken%2B", other));
            assert_eq!(verify(&parts, BODY, &in_frankfurt()), Err(Refusal::SignatureMismatch), "{other}");
        }
        let without = with_target(&target.replace("&X-Amz-Security-Token=my%2Ftoken%2B", ""));
        assert_eq!(verify(&without, BODY, &in_frankfurt()), Err(Refusal::SignatureMismatch));
        let added = format!("{}&X-Amz-Security-Token=mine", presigned(Duration::from_secs(60)).uri);
        assert_eq!(verify(&with_target(&added), BODY, &in_frankfurt()), Err(Refusal::SignatureMismatch));
    }

    #[test]
    fn a_query_presents_no_token_for_a_signature_in_the_header() {
        let mut parts = with_target("/?X-Amz-Security-Token=mine");
        sign(&mut parts, None);
        assert_eq!(verify(&parts, BODY, &in_frankfurt()), Ok(()));
        assert_eq!(Presented::of(&parts, &in_frankfurt()).unwrap().session_token(), None);
    }

    fn presigned_in_session() -> Parts {
        let mut parts = with_target("/");
        let credentials = credentials(Some("my/token+"));
        let signer = Signer { credentials: &credentials, region: "eu-central-1", service: "kms" };
        signer.presign(&mut parts, BODY, later(0), Duration::from_secs(60)).unwrap();
        parts
    }

    const TOKEN_HEADER: &str = "x-amz-security-token";
}

mod services {
    use super::*;

    #[test]
    fn a_credential_of_one_service_is_refused_by_every_other() {
        for signed_for in SERVICES {
            let mut parts = unsigned();
            let credentials = credentials(None);
            let signer = Signer { credentials: &credentials, region: "eu-central-1", service: signed_for };
            signer.sign(&mut parts, BODY, later(0)).unwrap();
            for service in SERVICES {
                let outcome = verify(&parts, BODY, &Rules { service, ..in_frankfurt() });
                let refusal = Refusal::CredentialScope {
                    faults: format!("Credential should be scoped to correct service: '{service}'. "),
                };
                assert_eq!(outcome, if service == signed_for { Ok(()) } else { Err(refusal) });
            }
        }
    }

    const SERVICES: [&str; 4] = ["cardea", "iam", "kms", "sts"];
}

fn refusal_of(parts: &Parts) -> Refusal {
    Presented::of(parts, &in_frankfurt()).unwrap_err()
}

fn in_frankfurt() -> Rules<'static> {
    Rules { accepts_region: &|region| region == "eu-central-1", ..rules("kms", later(0)) }
}

/// So many seconds after the requests of these tests were signed.
fn later(seconds: i64) -> Timestamp {
    let signed: Timestamp = "2026-02-28T12:00:00Z".parse().unwrap();
    signed + SignedDuration::from_secs(seconds)
}

fn unsigned() -> Parts {
    let headers = [
        ("host", HOST_NAME),
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", "TrentService.ListKeys"),
    ];
    parts("POST", "/", &headers)
}

fn signed() -> Parts {
    signed_with(None)
}

fn signed_with(session_token: Option<&str>) -> Parts {
    let mut parts = unsigned();
    sign(&mut parts, session_token);
    parts
}

fn sign(parts: &mut Parts, session_token: Option<&str>) {
    let signer = Signer { credentials: &credentials(session_token), region: "eu-central-1", service: "kms" };
    signer.sign(parts, BODY, later(0)).unwrap();
}

fn presigned(expires: Duration) -> Parts {
    let mut parts = with_target("/");
    presign(&mut parts, expires);
    parts
}

fn presign(parts: &mut Parts, expires: Duration) {
    let signer = Signer { credentials: &credentials(None), region: "eu-central-1", service: "kms" };
    signer.presign(parts, BODY, later(0), expires).unwrap();
}

fn with_target(target: &str) -> Parts {
    parts("POST", target, &[("host", HOST_NAME)])
}

fn with_authorization(authorization: &str) -> Parts {
    let mut parts = signed();
    set(&mut parts, "authorization", authorization);
    parts
}

fn with_credential(credential: &str) -> Parts {
    let mut parts = signed();
    change(&mut parts, "authorization", |value| {
        value.replace("AKIDEXAMPLE/20260228/eu-central-1/kms/aws4_request", credential)
    });
    parts
}

fn set(parts: &mut Parts, name: &str, value: &str) {
    let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
    parts.headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
}

fn change(parts: &mut Parts, name: &str, change: impl Fn(&str) -> String) {
    let changed = change(parts.headers.get(name).unwrap().to_str().unwrap());
    set(parts, name, &changed);
}

const HOST_NAME: &str = "kms.eu-central-1.amazonaws.com";
const BODY: &[u8] = b"{}";
const SIGNED_HEADERS: &str = "content-type;host;x-amz-date;x-amz-target";
