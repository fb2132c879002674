//! Signature Version 4 as a proxy checks it, read from the bytes on the wire and from the specification alone: no code of
//! the signing side is here. It never says what the right signature would have been.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, Tag, sign};
use http::header::AUTHORIZATION;
use http::request::Parts;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use crate::setup::Credential;

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureFault {
    /// There is no Authorization header, or more than one.
    #[error("not one authorization header")]
    Absent,
    /// The Authorization header is not of the specification's form.
    #[error("authorization header of another form")]
    Malformed,
    /// No such access key id.
    #[error("unknown access key id")]
    UnknownAccessKey,
    /// The scope's date, Region, service or end is not the right one.
    #[error("wrong scope")]
    WrongScope,
    /// A header that must be signed is not, or one that is signed is not there exactly once, or they are not in order.
    #[error("wrong signed headers")]
    WrongSignedHeaders,
    /// The date is not of its form.
    #[error("malformed date")]
    MalformedDate,
    /// More than five minutes away.
    #[error("date more than five minutes away")]
    Stale,
    /// The path has a query.
    #[error("a query")]
    Query,
    /// The signature is another.
    #[error("wrong signature")]
    Mismatch,
}

/// Who may call.
#[derive(Debug)]
pub(crate) struct Credentials {
    secrets: RwLock<HashMap<String, Secret>>,
    region: Option<String>,
}

struct Secret(Zeroizing<String>);

impl Credentials {
    pub(crate) fn new(credentials: Vec<Credential>, region: Option<String>) -> Self {
        let secrets = credentials.into_iter().map(|it| (it.access_key_id, Secret(it.secret))).collect();
        Self { secrets: RwLock::new(secrets), region }
    }

    pub(crate) fn add(&self, credential: Credential) {
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        secrets.insert(credential.access_key_id, Secret(credential.secret));
    }

    pub(crate) fn remove(&self, access_key_id: &str) -> bool {
        self.secrets.write().unwrap_or_else(PoisonError::into_inner).remove(access_key_id).is_some()
    }

    /// The access key id that signed the request.
    pub(crate) fn verify(
        &self,
        parts: &Parts,
        body: &[u8],
        now: Timestamp,
    ) -> Result<String, SignatureFault> {
        let authorization = Authorization::of(parts)?;
        authorization.check_scope(self.region.as_deref())?;
        let date = authorization.check_date(parts, now)?;
        let canonical = canonical_request(parts, &authorization, body)?;
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        let secret = secrets.get(authorization.access_key_id).ok_or(SignatureFault::UnknownAccessKey)?;
        let scope = authorization.scope();
        let hash = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
        let to_sign = format!("{ALGORITHM}\n{date}\n{scope}\n{hash}");
        let expected = hex(authorization.signature_by(secret, &to_sign).as_ref());
        verify_slices_are_equal(expected.as_bytes(), authorization.signature.as_bytes())
            .map_err(|_| SignatureFault::Mismatch)?;
        Ok(authorization.access_key_id.to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

/// The Authorization header, taken apart.
struct Authorization<'a> {
    access_key_id: &'a str,
    day: &'a str,
    region: &'a str,
    service: &'a str,
    terminator: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn of(parts: &'a Parts) -> Result<Self, SignatureFault> {
        let mut values = parts.headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(SignatureFault::Absent);
        };
        value.to_str().ok().and_then(Self::parse).ok_or(SignatureFault::Malformed)
    }

    fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix(ALGORITHM)?.strip_prefix(" Credential=")?;
        let (credential, rest) = rest.split_once(", SignedHeaders=")?;
        let (signed_headers, signature) = rest.split_once(", Signature=")?;
        let mut pieces = credential.split('/');
        let mut next = || pieces.next();
        let (access_key_id, day, region, service, terminator) = (next()?, next()?, next()?, next()?, next()?);
        let whole = pieces.next().is_none();
        whole.then_some(Self { access_key_id, day, region, service, terminator, signed_headers, signature })
    }

    fn check_scope(&self, region: Option<&str>) -> Result<(), SignatureFault> {
        let right = region.is_none_or(|region| region == self.region)
            && self.service == SERVICE
            && self.terminator == TERMINATOR;
        right.then_some(()).ok_or(SignatureFault::WrongScope)
    }

    /// The date as it was sent.
    fn check_date<'p>(&self, parts: &'p Parts, now: Timestamp) -> Result<&'p str, SignatureFault> {
        let date = the_only(parts, DATE)?;
        let sent = timestamp(date).ok_or(SignatureFault::MalformedDate)?;
        if !date.starts_with(self.day) || self.day.len() != 8 {
            return Err(SignatureFault::WrongScope);
        }
        let fresh = sent.duration_until(now).abs() <= TOLERANCE;
        fresh.then_some(date).ok_or(SignatureFault::Stale)
    }

    fn scope(&self) -> String {
        format!("{}/{}/{}/{}", self.day, self.region, self.service, self.terminator)
    }

    fn signature_by(&self, secret: &Secret, to_sign: &str) -> Tag {
        let start = Zeroizing::new(format!("AWS4{}", secret.0.as_str()));
        let mut key = Key::new(HMAC_SHA256, start.as_bytes());
        for piece in [self.day, self.region, self.service, self.terminator] {
            key = Key::new(HMAC_SHA256, sign(&key, piece.as_bytes()).as_ref());
        }
        sign(&key, to_sign.as_bytes())
    }
}

fn canonical_request(
    parts: &Parts,
    authorization: &Authorization<'_>,
    body: &[u8],
) -> Result<String, SignatureFault> {
    if parts.uri.query().is_some() {
        return Err(SignatureFault::Query);
    }
    let signed_headers = authorization.signed_headers;
    let names: Vec<&str> = signed_headers.split(';').collect();
    let lower_case = !signed_headers.bytes().any(|byte| byte.is_ascii_uppercase());
    if !lower_case
        || !names.is_sorted_by(|one, next| one < next)
        || !REQUIRED.iter().all(|it| names.contains(it))
    {
        return Err(SignatureFault::WrongSignedHeaders);
    }
    let mut canonical = format!("{}\n{}\n\n", parts.method, parts.uri.path());
    for name in names {
        let value = the_only(parts, name)?;
        canonical.push_str(&format!("{name}:{}\n", trimmed(value)));
    }
    let hash = hex(digest(&SHA256, body).as_ref());
    Ok(format!("{canonical}\n{signed_headers}\n{hash}"))
}

/// The value of a header that is there once; in HTTP/2 the host is the authority.
fn the_only<'a>(parts: &'a Parts, name: &str) -> Result<&'a str, SignatureFault> {
    let mut values = parts.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| SignatureFault::WrongSignedHeaders),
        (None, None) if name == HOST => {
            parts.uri.authority().map(|it| it.as_str()).ok_or(SignatureFault::WrongSignedHeaders)
        }
        _ => Err(SignatureFault::WrongSignedHeaders),
    }
}

/// Without spaces around it, and with one where there were several.
fn trimmed(value: &str) -> String {
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Of `20261121T192432Z`.
fn timestamp(date: &str) -> Option<Timestamp> {
    let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    let exact = date.len() == 16;
    exact.then(|| civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()))?
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "kms-xks-proxy";
const TERMINATOR: &str = "aws4_request";
const HOST: &str = "host";
const DATE: &str = "x-amz-date";
const REQUIRED: [&str; 2] = [HOST, DATE];
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

#[cfg(test)]
mod tests {
    use http::request::Parts;
    use http::{HeaderValue, Request};
    use jiff::{SignedDuration, Timestamp};

    use super::{Credentials, SignatureFault};
    use crate::setup::Credential;

    /// Signed by what calls AWS's sample proxy, captured on the wire; the credential is the sample's, known to everybody.
    #[test]
    fn captured_requests_of_another_signer_are_good() {
        for captured in [HEALTH, HEALTH_BY_CURL, METADATA] {
            let (parts, body) = captured.request();
            assert_eq!(verify(&parts, body, captured.now()).as_deref(), Ok(ID), "{}", captured.signature);
        }
    }

    #[test]
    fn a_captured_request_is_good_for_five_minutes_either_way() {
        let (parts, body) = HEALTH.request();
        for (minutes, expected) in [(-6, false), (-5, true), (-4, true), (4, true), (5, true), (6, false)] {
            let now = HEALTH.now() + SignedDuration::from_mins(minutes);
            let verdict = verify(&parts, body, now);
            assert_eq!(verdict.is_ok(), expected, "{minutes}");
            assert!(expected || verdict == Err(SignatureFault::Stale));
        }
    }

    #[test]
    fn each_change_to_a_captured_request_is_noticed() {
        let changes: [(SignatureFault, Change); 14] = [
            (SignatureFault::Absent, |parts| drop(parts.headers.remove("authorization"))),
            (SignatureFault::Absent, |parts| {
                parts.headers.append("authorization", HeaderValue::from_static("x"));
            }),
            (SignatureFault::Malformed, |parts| change(parts, ", Signature=", ",Signature=")),
            (SignatureFault::Malformed, |parts| change(parts, "aws4_request", "aws4_request/more")),
            (SignatureFault::WrongScope, |parts| change(parts, "kms-xks-proxy", "kms")),
            (SignatureFault::WrongScope, |parts| change(parts, "us-east-1", "us-east-2")),
            (SignatureFault::WrongScope, |parts| change(parts, "/20261121/", "/20261122/")),
            (SignatureFault::WrongSignedHeaders, |parts| change(parts, "host;x-amz-date", "host")),
            (SignatureFault::WrongSignedHeaders, |parts| change(parts, "host;x-amz-date", "x-amz-date;host")),
            (SignatureFault::WrongSignedHeaders, |parts| drop(parts.headers.remove("host"))),
            (SignatureFault::UnknownAccessKey, |parts| change(parts, "BETWEEN", "BETWIXT")),
            (SignatureFault::Query, |parts| {
                parts.uri = format!("{}?a=b", parts.uri.path()).parse().unwrap();
            }),
            (SignatureFault::Mismatch, |parts| {
                parts.uri = parts.uri.path().replace("prefix", "suffix").parse().unwrap();
            }),
            (SignatureFault::Mismatch, |parts| {
                parts.headers.insert("host", HeaderValue::from_static("elsewhere"));
            }),
        ];
        for (number, (expected, change)) in changes.into_iter().enumerate() {
            let (mut parts, body) = HEALTH.request();
            change(&mut parts);
            assert_eq!(verify(&parts, body, HEALTH.now()), Err(expected), "{number}");
        }
        let (parts, body) = HEALTH.request();
        let body = body.replace("CreateCustomKeyStore", "ConnectCustomKeyStore");
        assert_eq!(verify(&parts, &body, HEALTH.now()), Err(SignatureFault::Mismatch));
    }

    type Change = fn(&mut Parts);

    struct Captured {
        path: &'static str,
        host: &'static str,
        date: &'static str,
        signed_headers: &'static str,
        signature: &'static str,
        body: &'static str,
    }

    impl Captured {
        fn request(&self) -> (Parts, &'static str) {
            let day = self.date.split_once('T').unwrap().0;
            let Self { path, host, date, signed_headers, signature, body } = self;
            let request = Request::post(*path)
                .header("host", *host)
                .header("x-amz-date", *date)
                .header("content-type", "application/json")
                .header(
                    "authorization",
                    format!(
                        "AWS4-HMAC-SHA256 Credential={ID}/{day}/us-east-1/kms-xks-proxy/aws4_request, \
                         SignedHeaders={signed_headers}, Signature={signature}"
                    ),
                );
            (request.body(()).unwrap().into_parts().0, body)
        }

        fn now(&self) -> Timestamp {
            super::timestamp(self.date).unwrap()
        }
    }

    fn verify(parts: &Parts, body: &str, now: Timestamp) -> Result<String, SignatureFault> {
        let credentials = vec![Credential::new(ID, "PleaseReplaceThisWithSomeSecretOfLength43To64")];
        Credentials::new(credentials, Some("us-east-1".to_owned())).verify(parts, body.as_bytes(), now)
    }

    fn change(parts: &mut Parts, from: &str, to: &str) {
        let changed = parts.headers["authorization"].to_str().unwrap().replace(from, to);
        parts.headers.insert("authorization", changed.parse().unwrap());
    }

    const ID: &str = "BETWEEN2TENAND3TENCHARACTERS";
    const HEALTH: Captured = Captured {
        path: "/example/uri/path/prefix/kms/xks/v1/health",
        host: "localhost:18098",
        date: "20261121T192432Z",
        signed_headers: "host;x-amz-date",
        signature: "efa6ad3159012eaffd3eafe12dc867a35681bd54d246c1c6662276e21b7d4229",
        body: r#"{"requestMetadata":{"kmsRequestId":"7112f4d6-db54-4af4-ae30-c55a22a8dfae","kmsOperation":"CreateCustomKeyStore"}}"#,
    };
    const HEALTH_BY_CURL: Captured = Captured {
        host: "localhost:18097",
        date: "20261121T193028Z",
        signed_headers: "content-type;host;x-amz-date",
        signature: "de0e6fc73efc2ce8db610b43f959541d6e13227c4f43382fd0a2028170e2b939",
        ..HEALTH
    };
    const METADATA: Captured = Captured {
        path: "/example/uri/path/prefix/kms/xks/v1/keys/foo/metadata",
        signature: "3ebc1416415b8a3dba96ac9b04cb58be5b8660355ac76f217d5f74147abe14a0",
        body: r#"{"requestMetadata":{"awsPrincipalArn":"arn:aws:iam::123456789012:user/Alice","kmsOperation":"CreateKey","kmsRequestId":"6112f4d6-db54-4af4-ae30-c55a22a8dfae"}}"#,
        ..HEALTH
    };
}
