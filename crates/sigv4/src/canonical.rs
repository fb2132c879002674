//! The canonical request and the string to sign: one spelling for all the ways in which HTTP can carry one request.
//! Verifier and signer share it, so it must never look at a secret.

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use http::HeaderMap;
use http::Uri;
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use crate::ALGORITHM;
use crate::pieces::pieces;

/// Where the signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Header,
    Query,
}

/// A header that is listed as signed is not there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HeaderAbsent;

/// What is signed besides the body.
pub(crate) struct Signed<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) form: Form,
    /// Names in lower case and in order, parted by `;`.
    pub(crate) headers: &'a str,
    /// ISO-8601 basic format.
    pub(crate) date: &'a str,
    /// `20150830/us-east-1/kms/aws4_request`.
    pub(crate) scope: &'a str,
}

impl Signed<'_> {
    /// The string to sign for a body whose hash is `payload`.
    pub(crate) fn string_to_sign(&self, payload: &HexHash) -> Result<Vec<u8>, HeaderAbsent> {
        let mut text = Vec::with_capacity(USUAL_LENGTH);
        self.write_request(payload, &mut text)?;
        let request = hex_hash(&text);
        // The request is spent; its room serves again.
        text.clear();
        for line in [ALGORITHM, self.date, self.scope] {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        text.extend_from_slice(&request);
        Ok(text)
    }

    fn write_request(&self, payload: &HexHash, text: &mut Vec<u8>) -> Result<(), HeaderAbsent> {
        text.extend_from_slice(self.parts.method.as_str().as_bytes());
        text.push(b'\n');
        write_path(self.parts.uri.path(), text);
        text.push(b'\n');
        write_query(self.parts.uri.query().unwrap_or_default(), self.form, text);
        text.push(b'\n');
        for name in pieces(self.headers, |byte| byte == b';') {
            text.extend_from_slice(name.as_bytes());
            text.push(b':');
            write_values(name, &self.parts.headers, &self.parts.uri, text)?;
            text.push(b'\n');
        }
        text.push(b'\n');
        text.extend_from_slice(self.headers.as_bytes());
        text.push(b'\n');
        text.extend_from_slice(payload);
        Ok(())
    }
}

/// A SHA-256 in lower-case hexadecimal.
pub(crate) type HexHash = [u8; 64];

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn hex_hash(data: &[u8]) -> HexHash {
    let mut hex = [0; 64];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(digest(&SHA256, data).as_ref()) {
        pair.copy_from_slice(&hex_pair(*byte));
    }
    hex
}

/// A byte in lower-case hexadecimal.
pub(crate) fn hex_pair(byte: u8) -> [u8; 2] {
    [hex_digit(byte >> 4), hex_digit(byte & 15)]
}

/// A query's name or value without its percent signs; a plus is a space.
pub(crate) fn decode(encoded: &str) -> Cow<'_, [u8]> {
    if encoded.contains('+') {
        return Cow::Owned(percent_decode_str(&encoded.replace('+', " ")).collect());
    }
    percent_decode_str(encoded).into()
}

/// AWS's URI encoding: all but the unreserved characters of RFC 3986, in upper-case hexadecimal.
pub(crate) fn encode(bytes: &[u8]) -> impl Iterator<Item = &str> {
    percent_encode(bytes, RESERVED)
}

/// Each segment is encoded once more than the client did, as for every service but S3; `.`, `..` and empty ones are
/// resolved first.
fn write_path(path: &str, text: &mut Vec<u8>) {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    for segment in &segments {
        text.push(b'/');
        write_encoded(segment.as_bytes(), text);
    }
    if segments.is_empty() || path.ends_with('/') {
        text.push(b'/');
    }
}

fn write_query(query: &str, form: Form, text: &mut Vec<u8>) {
    if query.is_empty() {
        return;
    }
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encode(&decode(name)).collect(), encode(&decode(value)).collect()))
        .filter(|(name, _): &(String, String)| form == Form::Header || name != "X-Amz-Signature")
        .collect();
    pairs.sort_unstable();
    for (position, (name, value)) in pairs.iter().enumerate() {
        if position > 0 {
            text.push(b'&');
        }
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value.as_bytes());
    }
}

fn write_values(name: &str, headers: &HeaderMap, uri: &Uri, text: &mut Vec<u8>) -> Result<(), HeaderAbsent> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        // HTTP/2 names the host in `:authority`, which is a part of the URI here.
        let authority =
            uri.authority().filter(|_| matches!(name, "host" | ":authority")).ok_or(HeaderAbsent)?;
        text.extend_from_slice(authority.as_str().as_bytes());
        return Ok(());
    };
    write_trimmed(first.as_bytes(), text);
    for value in values {
        text.push(b',');
        write_trimmed(value.as_bytes(), text);
    }
    Ok(())
}

/// Without space at the ends, and with one for each run of spaces within.
fn write_trimmed(value: &[u8], text: &mut Vec<u8>) {
    let words = value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    for (position, word) in words.enumerate() {
        if position > 0 {
            text.push(b' ');
        }
        text.extend_from_slice(word);
    }
}

fn write_encoded(bytes: &[u8], text: &mut Vec<u8>) {
    for piece in encode(bytes) {
        text.extend_from_slice(piece.as_bytes());
    }
}

fn hex_digit(nibble: u8) -> u8 {
    nibble + if nibble < 10 { b'0' } else { b'a' - 10 }
}

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Holds a KMS request without growing, a session token aside.
const USUAL_LENGTH: usize = 1024;

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn only_the_host_is_taken_from_the_uri() {
        let parts = Request::builder().uri("https://localhost/").body(()).unwrap().into_parts().0;
        let text = |headers| {
            let signed = Signed { parts: &parts, form: Form::Header, headers, date: "", scope: "" };
            signed.string_to_sign(&[b'0'; 64])
        };
        assert!(text("host").is_ok());
        assert!(text(":authority;host").is_ok());
        for absent in ["host;x-amz-target", "", "authority"] {
            assert_eq!(text(absent), Err(HeaderAbsent), "{absent}");
        }
    }
}
