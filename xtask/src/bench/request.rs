//! Signed requests as the bytes that go over the wire, made before the clock runs.

use super::BenchError;
use http::request::Parts;
use http::{HeaderValue, Request, header};
use jiff::Timestamp;
use sigv4::{Credentials, Signer};

/// Who sends the requests, and where to.
#[derive(Debug)]
pub struct Caller {
    /// The credentials that sign.
    pub credentials: Credentials,
    /// The region that the signatures name.
    pub region: String,
}

/// Requests in the order in which they are sent.
#[derive(Debug, Default)]
pub struct Requests(Vec<Box<[u8]>>);

impl Caller {
    /// A signed request for every body. Their time is now: they are good for five minutes.
    pub fn sign(&self, operation: &str, bodies: &[String]) -> Result<Requests, BenchError> {
        let signer = Signer { credentials: &self.credentials, region: &self.region, service: "kms" };
        let now = Timestamp::now();
        let signed = bodies.iter().map(|body| sign(&signer, operation, body, now));
        signed.collect::<Result<_, _>>().map(Requests)
    }
}

impl From<Vec<Box<[u8]>>> for Requests {
    fn from(requests: Vec<Box<[u8]>>) -> Self {
        Self(requests)
    }
}

impl Requests {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The first of them alone.
    pub fn first(mut self) -> Self {
        self.0.truncate(1);
        self
    }

    /// One of them.
    pub fn at(&self, index: usize) -> Option<&[u8]> {
        self.0.get(index).map(AsRef::as_ref)
    }

    /// The same requests, asking the bare server for a body of that length.
    pub fn for_bare(&self, body_length: usize) -> Self {
        let rest_of =
            |request: &[u8]| request.splitn(3, |byte| *byte == b' ').nth(2).unwrap_or_default().to_vec();
        let ask = |request: &[u8]| [format!("POST /{body_length} ").into_bytes(), rest_of(request)].concat();
        Self(self.0.iter().map(|request| ask(request).into()).collect())
    }
}

fn sign(signer: &Signer<'_>, operation: &str, body: &str, now: Timestamp) -> Result<Box<[u8]>, BenchError> {
    let request = Request::post("/")
        .header(header::HOST, HOST)
        .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
        .header(header::CONTENT_LENGTH, body.len())
        .header("x-amz-target", format!("TrentService.{operation}"));
    let request = request.body(()).map_err(|error| BenchError::malformed("a request", error.to_string()))?;
    let (mut parts, ()) = request.into_parts();
    signer.sign(&mut parts, body.as_bytes(), now)?;
    Ok(as_sent(&parts, body.as_bytes()))
}

/// The bytes of a POST request with those headers, as they go over the wire.
pub fn as_sent(parts: &Parts, body: &[u8]) -> Box<[u8]> {
    let mut bytes = format!("POST {} HTTP/1.1\r\n", parts.uri.path()).into_bytes();
    for (name, value) in &parts.headers {
        put_header(&mut bytes, name.as_str(), value);
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes.into()
}

fn put_header(bytes: &mut Vec<u8>, name: &str, value: &HeaderValue) {
    for piece in [name.as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
        bytes.extend_from_slice(piece);
    }
}

/// Signed as it is sent; the servers do not look further at it.
const HOST: &str = "localhost";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bare_server_gets_the_same_bytes_but_for_the_path() {
        let credentials = Credentials::new("AKIA".to_owned(), "secret".to_owned(), None);
        let caller = Caller { credentials, region: "us-east-1".to_owned() };
        let signed = caller.sign("Encrypt", &["{}".to_owned()]).unwrap();
        let text = |requests: &Requests| String::from_utf8(requests.at(0).unwrap().to_vec()).unwrap();
        assert!(text(&signed).starts_with("POST / HTTP/1.1\r\n") && text(&signed).ends_with("\r\n\r\n{}"));
        let asked_of_bare = signed.for_bare(42);
        assert_eq!(text(&asked_of_bare), text(&signed).replacen("POST / ", "POST /42 ", 1));
    }
}
