//! Requests over HTTPS: verified servers, connections that are kept, bounded answers, and routes to where a name is.
//!
//! HTTP/1.1 only: whoever gives a request up closes its connection, so that no request waits on one that is dead. Nothing is followed,
//! no cookie is kept, no proxy is used, and no certificate is taken unverified. There is no deadline here: who asks sets one.

#![forbid(unsafe_code)]

mod certificate;
mod client;
mod connection;
mod pool;
mod route;
mod tls;

pub use certificate::PeerCertificate;
pub use client::{Client, Error};
pub use pool::Observer;
pub use route::{InvalidRoute, Route, Routes};
pub use rustls::pki_types::CertificateDer;
pub use tls::{ClientCertificate, Roots, Tls, TlsError};
