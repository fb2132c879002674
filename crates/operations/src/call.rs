//! A call as it comes in, and the answer as it goes out.

use bytes::Bytes;
use std::net::IpAddr;
use std::rc::Rc;
use uuid::Uuid;

/// A request whose body has arrived whole.
#[derive(Debug)]
pub struct Call {
    /// Its head.
    pub parts: http::request::Parts,
    /// Its body.
    pub body: Bytes,
    /// The ids that it goes by.
    pub ids: CallIds,
    /// Where it came from.
    pub source: IpAddr,
    /// The TLS connection that it came over, if it was one.
    pub tls: Option<Rc<TlsConnection>>,
}

/// The ids that a call goes by: the one its caller is told, and the one of its record.
#[derive(Clone, Copy, Debug)]
pub struct CallIds {
    /// `x-amzn-RequestId`.
    pub request: Uuid,
    /// `eventID`.
    pub event: Uuid,
}

/// What the audit record says of a TLS connection.
#[derive(Debug)]
pub struct TlsConnection {
    /// Such as `TLSv1.3`.
    pub version: String,
    /// Such as `TLS_AES_128_GCM_SHA256`.
    pub cipher_suite: String,
    /// Such as `X25519MLKEM768`.
    pub key_exchange: Option<String>,
}

/// What the caller gets.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The content type of the body.
    pub content_type: &'static str,
    /// The body; empty for operations that answer nothing.
    pub body: Vec<u8>,
}

impl Call {
    /// Whether its body is a form, as the Query protocol has it.
    pub(crate) fn is_form(&self) -> bool {
        self.header("content-type").is_some_and(|kind| {
            kind.split(';').next().unwrap_or_default().trim_ascii().eq_ignore_ascii_case(wire::query::FORM)
        })
    }

    /// A header's text, or nothing if it is absent or no text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }
}
