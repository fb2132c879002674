//! The client: requests whose every byte is in the hand of who sends them, over connections whose every setting is, too.

mod answer;
mod connection;
mod http2;
mod request;
mod signer;
mod tls;

pub(crate) use answer::{Answer, excerpt};
pub(crate) use connection::{Connection, PATIENCE, Sent, within};
pub(crate) use http2::call as call_by_http2;
pub(crate) use request::Request;
pub(crate) use signer::Signer;
pub(crate) use tls::{HTTP_1, HTTP_2, Hello, Tls, old_hello, open};

/// What became of a connection that should have brought an answer.
#[derive(Clone, Debug)]
pub(crate) struct Lost(pub(crate) String);

impl Lost {
    pub(crate) fn at(what: &str) -> impl Fn(std::io::Error) -> Self {
        move |error| Self(format!("{what}: {error}"))
    }
}

impl From<Lost> for crate::requirement::Miss {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost.0)
    }
}
