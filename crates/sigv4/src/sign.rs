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

use crate::canonical::{Form, HeaderAbsent, Signed, encode, hex_hash};
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
        let date = basic(now);
        parts.headers.insert("x-amz-date", HeaderValue::try_from(&date)?);
        if let Some(token) = &self.credentials.session_token {
            parts.headers.insert("x-amz-security-token", secret_value(token)?);
        }
        let headers = signed_headers(&parts.headers);
        let signature = self.signature(parts, Form::Header, &headers, &date, body)?;
        let credential = self.credential(&date);
        let authorization =
            format!("{ALGORITHM} Credential={credential}, SignedHeaders={headers}, Signature={signature}");
        parts.headers.insert(AUTHORIZATION, secret_value(&authorization)?);
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
        let signature = self.signature(parts, Form::Query, &headers, &date, body)?;
        add_parameter(&mut parts.uri, "X-Amz-Signature", &signature)
    }

    fn signature(
        &self,
        parts: &Parts,
        form: Form,
        headers: &str,
        date: &str,
        body: &[u8],
    ) -> Result<String, Unsignable> {
        let scope = self.scope(date);
        let signed = Signed { parts, form, headers, date, scope: &scope };
        let text = signed.string_to_sign(&hex_hash(body)).map_err(|HeaderAbsent| Unsignable::HostUnknown)?;
        let key =
            SigningKey::derive(&self.credentials.secret_access_key, day_of(date), self.region, self.service);
        Ok(key.sign(&text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
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

fn signed_headers(headers: &HeaderMap) -> String {
    let mut names: Vec<&str> = headers.keys().map(|name| name.as_str()).collect();
    names.push(HOST.as_str());
    names.retain(|name| !NEVER_SIGNED.contains(name));
    names.sort_unstable();
    names.dedup();
    names.join(";")
}

fn secret_value(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(text)?;
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

    fn credentials(secret: &str) -> Credentials {
        let token = Some("hidden-token".to_owned());
        Credentials::new("AKIDEXAMPLE".to_owned(), secret.to_owned(), token)
    }
}
