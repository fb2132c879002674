//! Signing our own requests, in the header or in the query. It signs what it is given: the host, the clock and the
//! credentials are the caller's.

use std::fmt;
use std::time::Duration;

use http::header::{AUTHORIZATION, HOST, InvalidHeaderValue};
use http::request::Parts;
use http::uri::{InvalidUri, InvalidUriParts, PathAndQuery, Uri};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::canonical::{Form, HeaderAbsent, Signed, encode, hex_hash, hex_pair};
use crate::time::{basic, day_of};
use crate::{ALGORITHM, SigningKey, TERMINATOR};

/// What a client signs with.
pub struct Credentials {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
}

impl Credentials {
    /// Credentials; temporary ones have a session token.
    pub fn new(access_key_id: String, secret_access_key: String, session_token: Option<String>) -> Self {
        Self {
            access_key_id,
            secret_access_key: Zeroizing::new(secret_access_key),
            session_token: session_token.map(Zeroizing::new),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// Signs requests to one service in one Region.
#[derive(Debug)]
pub struct Signer<'a> {
    /// Whose requests they are.
    pub credentials: &'a Credentials,
    /// The Region of the endpoint.
    pub region: &'a str,
    /// The name that the service signs with, `kms`.
    pub service: &'a str,
}

impl Signer<'_> {
    /// Signs a request in its `Authorization` header; sets `X-Amz-Date` and, with temporary credentials,
    /// `X-Amz-Security-Token`.
    ///
    /// All headers are signed but those that proxies change or that may hold no part of the request. A later change to
    /// a signed header, the path, the query or the body breaks the signature.
    pub fn sign(&self, parts: &mut Parts, body: &[u8], now: Timestamp) -> Result<(), Unsignable> {
        self.sign_with(&self.signing_key(now), parts, body, now)
    }

    /// The key of the day, for [`sign_with`](Self::sign_with).
    pub fn signing_key(&self, now: Timestamp) -> SigningKey {
        self.key_of(day_of(&basic(now)))
    }

    /// Signs as [`sign`](Self::sign) does, for whoever keeps the [`signing_key`](Self::signing_key) of the day of `now`.
    pub fn sign_with(
        &self,
        key: &SigningKey,
        parts: &mut Parts,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Unsignable> {
        let date = basic(now);
        parts.headers.insert("x-amz-date", HeaderValue::try_from(&date)?);
        if let Some(token) = &self.credentials.session_token {
            parts.headers.insert("x-amz-security-token", secret_value(token.as_str())?);
        }
        let headers = signed_headers(&parts.headers);
        let scope = self.scope(&date);
        let signed = Signed { parts, form: Form::Header, headers: &headers, date: &date, scope: &scope };
        let signature = signature(key, &signed, body)?;
        let id = &self.credentials.access_key_id;
        let authorization =
            format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={headers}, Signature={signature}");
        parts.headers.insert(AUTHORIZATION, secret_value(authorization)?);
        Ok(())
    }

    /// Signs a request in its query, for whoever holds the URL, the headers and the body to send within `expires`.
    pub fn presign(
        &self,
        parts: &mut Parts,
        body: &[u8],
        now: Timestamp,
        expires: Duration,
    ) -> Result<(), Unsignable> {
        let date = basic(now);
        let headers = signed_headers(&parts.headers);
        let token = self.credentials.session_token.as_ref().map(|token| token.as_str());
        let credential = self.credential(&date);
        let seconds = expires.as_secs().to_string();
        let claim = [
            ("X-Amz-Algorithm", Some(ALGORITHM)),
            ("X-Amz-Credential", Some(&credential)),
            ("X-Amz-Date", Some(&date)),
            ("X-Amz-Expires", Some(&seconds)),
            ("X-Amz-SignedHeaders", Some(&headers)),
            ("X-Amz-Security-Token", token),
        ];
        for (name, value) in claim {
            if let Some(value) = value {
                add_parameter(&mut parts.uri, name, value)?;
            }
        }
        let scope = self.scope(&date);
        let signed = Signed { parts, form: Form::Query, headers: &headers, date: &date, scope: &scope };
        let signature = signature(&self.key_of(day_of(&date)), &signed, body)?;
        add_parameter(&mut parts.uri, "X-Amz-Signature", &signature)
    }

    fn key_of(&self, day: &str) -> SigningKey {
        SigningKey::derive(&self.credentials.secret_access_key, day, self.region, self.service)
    }

    fn credential(&self, date: &str) -> String {
        format!("{}/{}", self.credentials.access_key_id, self.scope(date))
    }

    fn scope(&self, date: &str) -> String {
        format!("{}/{}/{}/{TERMINATOR}", day_of(date), self.region, self.service)
    }
}

/// Why a request cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum Unsignable {
    /// The credentials or the scope hold characters that a header cannot.
    #[error("the credentials do not fit in a header")]
    Credentials(#[from] InvalidHeaderValue),
    /// There is neither a `Host` header nor an authority in the URI.
    #[error("the request names no host")]
    HostUnknown,
    /// The signed URI is too long.
    #[error("the signed query does not fit in a uri")]
    Uri(#[from] InvalidUri),
    /// The URI cannot have a query.
    #[error("the uri cannot have a query")]
    UriParts(#[from] InvalidUriParts),
}

fn signature(key: &SigningKey, signed: &Signed<'_>, body: &[u8]) -> Result<String, Unsignable> {
    let text = signed.string_to_sign(&hex_hash(body)).map_err(|HeaderAbsent| Unsignable::HostUnknown)?;
    let mut hex = String::with_capacity(64);
    hex.extend(key.sign(&text).as_ref().iter().flat_map(|byte| hex_pair(*byte)).map(char::from));
    Ok(hex)
}

fn signed_headers(headers: &HeaderMap) -> String {
    let mut names: Vec<&str> = headers.keys().map(|name| name.as_str()).collect();
    names.push(HOST.as_str());
    names.retain(|name| !NEVER_SIGNED.contains(name));
    names.sort_unstable();
    names.dedup();
    names.join(";")
}

fn secret_value<T>(text: T) -> Result<HeaderValue, InvalidHeaderValue>
where
    HeaderValue: TryFrom<T, Error = InvalidHeaderValue>,
{
    let mut value = HeaderValue::try_from(text)?;
    value.set_sensitive(true);
    Ok(value)
}

fn add_parameter(uri: &mut Uri, name: &str, value: &str) -> Result<(), Unsignable> {
    let value: String = encode(value.as_bytes()).collect();
    let target = match uri.query() {
        Some(query) => format!("{}?{query}&{name}={value}", uri.path()),
        None => format!("{}?{name}={value}", uri.path()),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target)?);
    *uri = Uri::from_parts(parts)?;
    Ok(())
}

/// What a proxy may change or add, and the signature itself. AWS's own clients leave these out too.
const NEVER_SIGNED: [&str; 15] = [
    "authorization",
    "baggage",
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-trace-id",
];

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn credentials_print_no_secret() {
        let credentials = credentials("hidden-secret");
        let printed = format!("{credentials:?}");
        assert!(printed.contains("AKIDEXAMPLE"));
        assert!(!printed.contains("hidden"), "{printed}");
    }

    #[test]
    fn a_request_without_a_host_is_not_signed() {
        let mut parts = Request::builder().uri("/").body(()).unwrap().into_parts().0;
        let credentials = credentials("secret");
        let signer = Signer { credentials: &credentials, region: "us-east-1", service: "kms" };
        let outcome = signer.sign(&mut parts, b"", Timestamp::UNIX_EPOCH);
        assert!(matches!(outcome, Err(Unsignable::HostUnknown)));
    }

    #[test]
    fn a_region_that_does_not_fit_in_a_header_is_not_signed_for() {
        let mut parts = Request::builder().uri("https://localhost/").body(()).unwrap().into_parts().0;
        let credentials = credentials("secret");
        let signer = Signer { credentials: &credentials, region: "us\neast", service: "kms" };
        let outcome = signer.sign(&mut parts, b"", Timestamp::UNIX_EPOCH);
        assert!(matches!(outcome, Err(Unsignable::Credentials(_))));
    }

    #[test]
    fn a_query_that_grows_too_long_is_not_signed() {
        let uri = format!("https://localhost/?{}", "x".repeat(65_400));
        let mut parts = Request::builder().uri(uri.as_str()).body(()).unwrap().into_parts().0;
        let credentials = credentials("secret");
        let signer = Signer { credentials: &credentials, region: "us-east-1", service: "kms" };
        let outcome = signer.presign(&mut parts, b"", Timestamp::UNIX_EPOCH, Duration::from_secs(1));
        assert!(matches!(outcome, Err(Unsignable::Uri(_))), "{outcome:?}");
    }

    #[test]
    fn a_kept_key_signs_as_one_derived_anew_does() {
        let credentials = credentials("secret");
        let signer = Signer { credentials: &credentials, region: "us-east-1", service: "kms" };
        let now: Timestamp = "2026-11-21T23:59:59Z".parse().unwrap();
        let key = signer.signing_key(now);
        let signed = |sign: &dyn Fn(&mut Parts) -> Result<(), Unsignable>| {
            let mut parts = Request::builder().uri("https://localhost/").body(()).unwrap().into_parts().0;
            sign(&mut parts).unwrap();
            parts.headers
        };
        let anew = signed(&|parts| signer.sign(parts, b"body", now));
        assert_eq!(signed(&|parts| signer.sign_with(&key, parts, b"body", now)), anew);
        let next_day = now.checked_add(Duration::from_secs(1)).unwrap();
        let stale = signed(&|parts| signer.sign_with(&key, parts, b"body", next_day));
        assert_ne!(stale, signed(&|parts| signer.sign(parts, b"body", next_day)));
    }

    /// AWS KMS signs these two headers to XKS proxies, and sends others that it does not sign.
    #[test]
    fn a_request_to_an_xks_proxy_is_signed_with_host_and_date_only() {
        let body = br#"{"requestMetadata":{"kmsRequestId":"7112f4d6-db54-4af4-ae30-c55a22a8dfae","kmsOperation":"CreateCustomKeyStore"}}"#;
        let request = Request::post("https://localhost:18098/example/uri/path/prefix/kms/xks/v1/health");
        let mut parts = request.header(HOST, "localhost:18098").body(()).unwrap().into_parts().0;
        let credentials = Credentials::new("AKIDEXAMPLE".to_owned(), "secret".to_owned(), None);
        let signer = Signer { credentials: &credentials, region: "us-east-1", service: "kms-xks-proxy" };
        signer.sign(&mut parts, body, "2026-11-21T19:24:32Z".parse().unwrap()).unwrap();
        let authorization = parts.headers[AUTHORIZATION].to_str().unwrap();
        let expected = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/kms-xks-proxy/aws4_request, SignedHeaders=host;x-amz-date, Signature=";
        assert!(authorization.starts_with(expected), "{authorization}");
        assert_eq!(parts.headers["x-amz-date"], "20261121T192432Z");
    }

    fn credentials(secret: &str) -> Credentials {
        let token = Some("hidden-token".to_owned());
        Credentials::new("AKIDEXAMPLE".to_owned(), secret.to_owned(), token)
    }
}
