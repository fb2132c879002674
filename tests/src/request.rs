//! A request, which a test can bend in every way before it is sent.

use crate::Caller;
use http::request::Parts;
use jiff::Timestamp;
use sigv4::Signer;
use std::time::Duration;

/// A request as it goes over the wire.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The headers; `Content-Length` is added when it is sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The service that it is signed for.
    pub service: &'static str,
}

impl Request {
    /// A call of an operation, not signed yet.
    #[must_use]
    pub fn new(host: &str, operation: &str, body: impl Into<Vec<u8>>) -> Self {
        let header = |name: &str, value: String| (name.to_owned(), value);
        Self {
            method: "POST".to_owned(),
            target: "/".to_owned(),
            headers: vec![
                header("host", host.to_owned()),
                header("user-agent", "blackbox".to_owned()),
                header("content-type", "application/x-amz-json-1.1".to_owned()),
                header("x-amz-target", format!("TrentService.{operation}")),
            ],
            body: body.into(),
            service: "kms",
        }
    }

    /// A call in the Query protocol, not signed yet: to `iam` or `sts`.
    #[must_use]
    pub fn query(host: &str, service: &'static str, action: &str, parameters: &[(&str, &str)]) -> Self {
        let version = match service {
            "iam" => "2010-05-08",
            "sts" => "2011-06-15",
            other => panic!("{other} does not speak Query"),
        };
        let named = [("Action", action), ("Version", version)];
        let pairs = named.iter().chain(parameters);
        let pairs: Vec<_> =
            pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let request = Self::new(host, action, pairs.join("&")).without("x-amz-target");
        let request = request.with("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        Self { service, ..request }
    }

    /// A request for something that is there to be read.
    #[must_use]
    pub fn get(host: &str, target: &str) -> Self {
        let request = Self::new(host, "", "").without("x-amz-target").without("content-type");
        Self { method: "GET".to_owned(), target: target.to_owned(), ..request }
    }

    /// With that header in place of one of the same name.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        let mut request = self.without(name);
        request.headers.push((name.to_owned(), value.to_owned()));
        request
    }

    /// Without that header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(one, _)| !one.eq_ignore_ascii_case(name));
        self
    }

    /// The value of a header. Without it the test fails.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(one, _)| one.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("there is no header {name}"))
    }

    /// Signed by that caller, now.
    #[must_use]
    pub fn signed(self, caller: &Caller) -> Self {
        self.signed_at(caller, Timestamp::now())
    }

    /// Signed by that caller as if it were that time.
    #[must_use]
    pub fn signed_at(self, caller: &Caller, at: Timestamp) -> Self {
        let service = self.service;
        self.signed_for(caller, service, at)
    }

    /// Signed for another service.
    #[must_use]
    pub fn signed_for(self, caller: &Caller, service: &str, at: Timestamp) -> Self {
        let credentials = caller.credentials();
        let signer = Signer { credentials: &credentials, region: &caller.region, service };
        let mut parts = self.parts();
        signer.sign(&mut parts, &self.body, at).unwrap();
        self.with_parts(&parts)
    }

    /// Signed in its query, for so long.
    #[must_use]
    pub fn presigned(self, caller: &Caller, at: Timestamp, expires: Duration) -> Self {
        let credentials = caller.credentials();
        let signer = Signer { credentials: &credentials, region: &caller.region, service: self.service };
        let mut parts = self.parts();
        signer.presign(&mut parts, &self.body, at, expires).unwrap();
        self.with_parts(&parts)
    }

    /// The bytes that go over the wire.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", self.body.len()));
        [head.as_bytes(), &self.body].concat()
    }

    fn parts(&self) -> Parts {
        let mut builder = http::Request::builder().method(self.method.as_str()).uri(self.target.as_str());
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    fn with_parts(self, parts: &Parts) -> Self {
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        Self { target: parts.uri.to_string(), headers: parts.headers.iter().map(header).collect(), ..self }
    }
}

/// A text as it stands in a form.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
