//! What a request says about its signature, read from the `Authorization` header or from a presigned query. Nothing is
//! believed here: a claim is text, complete but unchecked.

use std::borrow::Cow;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::prelude::{BASE64_STANDARD, Engine};
use http::header::{AUTHORIZATION, DATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use crate::Refusal;
use crate::canonical::{Form, decode};
use crate::pieces::pieces;

/// A request's claim: every piece is there, none is checked.
pub(crate) struct Claim<'a> {
    pub(crate) form: Form,
    pub(crate) algorithm: Cow<'a, str>,
    pub(crate) credential: Cow<'a, str>,
    pub(crate) signed_headers: Cow<'a, str>,
    pub(crate) signature: Cow<'a, str>,
    pub(crate) date: Cow<'a, str>,
    pub(crate) session_token: Option<Cow<'a, str>>,
    /// The hash that a presigned query states for its body.
    pub(crate) content_sha256: Option<Cow<'a, str>>,
    /// For how long a presigned query asks to be accepted.
    pub(crate) expires: Option<Duration>,
}

impl<'a> Claim<'a> {
    /// Reads the one claim that `parts` makes.
    pub(crate) fn of(parts: &'a Parts) -> Result<Self, Refusal> {
        if parts.headers.len() > HEADERS_LIMIT {
            return Err(Refusal::TooLarge { what: "The number of headers", limit: HEADERS_LIMIT });
        }
        let query = parts.uri.query().filter(|query| has_parameter(query, ALGORITHM));
        match (parts.headers.get(AUTHORIZATION), query) {
            (Some(_), Some(_)) => Err(Refusal::AuthenticatedTwice),
            (Some(authorization), None) => Self::in_header(authorization, &parts.headers),
            (None, Some(query)) => Self::in_query(query, &parts.headers),
            (None, None) => Err(Refusal::MissingAuthenticationToken),
        }
    }

    fn in_header(authorization: &'a HeaderValue, headers: &'a HeaderMap) -> Result<Self, Refusal> {
        if authorization.len() > AUTHORIZATION_LIMIT {
            return Err(Refusal::TooLarge { what: "The length", limit: AUTHORIZATION_LIMIT });
        }
        let text =
            str::from_utf8(authorization.as_bytes()).map_err(|_| Refusal::MissingAuthenticationToken)?;
        if !text.trim().starts_with("AWS4-") {
            return Err(Refusal::MissingAuthenticationToken);
        }
        if headers.get_all(AUTHORIZATION).iter().nth(1).is_some() {
            return Err(Refusal::Repeated { name: "Authorization" });
        }
        let [algorithm, credential, signature, signed_headers] = header_pieces(text)?;
        let date = date_header(headers);
        match (credential, signature, signed_headers, date) {
            (Some(credential), Some(signature), Some(signed_headers), Some(date))
                if !credential.is_empty() && !signature.is_empty() =>
            {
                Ok(Self {
                    form: Form::Header,
                    algorithm: Cow::Borrowed(algorithm.unwrap_or_default()),
                    credential: Cow::Borrowed(credential),
                    signed_headers: Cow::Borrowed(signed_headers),
                    signature: Cow::Borrowed(signature),
                    date,
                    session_token: token_header(headers)?,
                    content_sha256: None,
                    expires: None,
                })
            }
            (credential, signature, signed_headers, date) => {
                Err(missing_in_header(text, credential, signature, signed_headers, date.is_some()))
            }
        }
    }

    fn in_query(query: &'a str, headers: &'a HeaderMap) -> Result<Self, Refusal> {
        let values = query_pieces(query)?;
        let missing: String = REQUIRED_PARAMETERS
            .iter()
            .zip(&values)
            .filter(|(_, value)| value.as_ref().is_none_or(|value| value.is_empty()))
            .map(|(name, _)| format!("AWS query-string parameters must include '{name}'. "))
            .collect();
        if !missing.is_empty() {
            return Err(Refusal::MissingInQuery { missing });
        }
        let [algorithm, credential, signature, signed_headers, date, expires, token, content_sha256] = values;
        let session_token = match (token, token_header(headers)?) {
            (Some(_), Some(_)) => return Err(Refusal::Repeated { name: SECURITY_TOKEN }),
            (in_query, in_header) => in_query.or(in_header),
        };
        Ok(Self {
            form: Form::Query,
            algorithm: algorithm.unwrap_or_default(),
            credential: credential.unwrap_or_default(),
            signed_headers: signed_headers.unwrap_or_default(),
            signature: signature.unwrap_or_default(),
            date: date.unwrap_or_default(),
            session_token,
            content_sha256,
            expires: expires.as_deref().map(parse_expires).transpose()?,
        })
    }
}

/// The algorithm and the values of `Credential`, `Signature` and `SignedHeaders`; a comma or a space parts them.
fn header_pieces(text: &str) -> Result<[Option<&str>; 4], Refusal> {
    let mut words = pieces(text, |byte| matches!(byte, b',' | b' ' | b'\t')).filter(|word| !word.is_empty());
    let algorithm = words.next();
    let [mut credential, mut signature, mut signed_headers] = [None; 3];
    for word in words {
        let Some((name, value)) = word.split_once('=') else {
            return Err(Refusal::MissingEqualSign { authorization_sha256: hashed(text) });
        };
        let (name, piece) = match name {
            "Credential" => ("Credential", &mut credential),
            "Signature" => ("Signature", &mut signature),
            "SignedHeaders" => ("SignedHeaders", &mut signed_headers),
            _ => continue,
        };
        if piece.replace(value).is_some() {
            return Err(Refusal::Repeated { name });
        }
    }
    Ok([algorithm, credential, signature, signed_headers])
}

/// An empty list of signed headers is not missing: it is refused later because the host is not in it.
fn missing_in_header(
    text: &str,
    credential: Option<&str>,
    signature: Option<&str>,
    signed_headers: Option<&str>,
    dated: bool,
) -> Refusal {
    let is_empty = |value: Option<&str>| value.is_none_or(str::is_empty);
    let mut missing = String::new();
    for (name, is_missing) in [
        ("Credential", is_empty(credential)),
        ("Signature", is_empty(signature)),
        ("SignedHeaders", signed_headers.is_none()),
    ] {
        if is_missing {
            missing.push_str(&format!("Authorization header requires '{name}' parameter. "));
        }
    }
    if !dated {
        missing.push_str(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        );
    }
    Refusal::MissingInHeader { missing, authorization_sha256: hashed(text) }
}

/// The decoded values of [`PARAMETERS`], in their order.
fn query_pieces(query: &str) -> Result<[Option<Cow<'_, str>>; 8], Refusal> {
    if query.len() > QUERY_LIMIT {
        return Err(Refusal::TooLarge { what: "The length", limit: QUERY_LIMIT });
    }
    let mut values = [const { None }; 8];
    for (name, value) in pairs(query) {
        let name = text(name);
        let Some((name, piece)) = PARAMETERS.iter().zip(&mut values).find(|(known, _)| **known == name)
        else {
            continue;
        };
        if piece.replace(text(value)).is_some() {
            return Err(Refusal::Repeated { name });
        }
    }
    Ok(values)
}

fn has_parameter(query: &str, wanted: &str) -> bool {
    pairs(query).any(|(name, _)| text(name) == wanted)
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn text(encoded: &str) -> Cow<'_, str> {
    match decode(encoded) {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

fn parse_expires(text: &str) -> Result<Duration, Refusal> {
    match text.parse::<i64>() {
        Ok(seconds) if seconds < 1 => Err(Refusal::ExpiresTooShort),
        Ok(seconds @ 1..=WEEK) => Ok(Duration::from_secs(seconds.unsigned_abs())),
        Ok(_) => Err(Refusal::ExpiresTooLong),
        Err(_) => Err(Refusal::ExpiresNotNumber),
    }
}

fn date_header(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let value = headers.get("x-amz-date").filter(|value| !value.is_empty()).or_else(|| headers.get(DATE))?;
    Some(String::from_utf8_lossy(value.as_bytes())).filter(|date| !date.is_empty())
}

fn token_header(headers: &HeaderMap) -> Result<Option<Cow<'_, str>>, Refusal> {
    let mut values = headers.get_all("x-amz-security-token").iter();
    let first = values.next().map(|value| String::from_utf8_lossy(value.as_bytes()));
    match values.next() {
        Some(_) => Err(Refusal::Repeated { name: SECURITY_TOKEN }),
        None => Ok(first),
    }
}

fn hashed(text: &str) -> String {
    BASE64_STANDARD.encode(digest(&SHA256, text.as_bytes()))
}

const ALGORITHM: &str = "X-Amz-Algorithm";
const SECURITY_TOKEN: &str = "X-Amz-Security-Token";

/// The parameters of a presigned query; first those without which there is no claim.
const PARAMETERS: [&str; 8] = [
    ALGORITHM,
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "X-Amz-Date",
    "X-Amz-Expires",
    SECURITY_TOKEN,
    "X-Amz-Content-Sha256",
];
const REQUIRED_PARAMETERS: &[&str] = match PARAMETERS.split_first_chunk::<5>() {
    Some((required, _)) => required,
    None => &[],
};

const WEEK: i64 = 604_800;

/// Wide of any honest request: AWS's clients send fewer than 20 headers. A presigned query holds the session token, too, in
/// which every byte that must be encoded takes three.
const HEADERS_LIMIT: usize = 128;
const AUTHORIZATION_LIMIT: usize = 8192;
const QUERY_LIMIT: usize = 32_768;
