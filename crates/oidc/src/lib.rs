//! OpenID Connect's id tokens: fetches the keys of an issuer over HTTPS, caches them, and verifies what it signed.
//!
//! It knows one provider record at a time and nothing of accounts, roles or policies: who may be what with a token is decided
//! elsewhere. It never answers with a claim that no signature covers, and never follows a redirect. No key, certificate or
//! address that stands in a token is ever used.
//!
//! A caller asks [`issuer_of`] to find the provider's record, and then [`Issuers::verify`]. Where the keys come from elsewhere,
//! [`Token`] and [`KeySet`] do the same without a network.

#![forbid(unsafe_code)]

mod algorithm;
mod claims;
mod document;
mod fetch;
mod issuer;
mod issuers;
mod key_set;
mod rejection;
mod token;
mod trust;

pub use claims::Claims;
pub use issuers::{Issuers, Settings, SettingsError};
pub use key_set::KeySet;
pub use rejection::Rejection;
pub use rustls::pki_types::CertificateDer;
pub use token::{Token, issuer_of};

/// What is registered of an issuer.
#[derive(Clone, Copy, Debug)]
pub struct Provider<'a> {
    /// Its address without `https://`, as it was registered: a trailing slash counts.
    pub url: &'a str,
    /// The audiences whose tokens are accepted.
    pub client_ids: &'a [String],
    /// Hexadecimal SHA-1 digests of certificates that are trusted for this issuer only, should no root of ours vouch for it.
    pub thumbprints: &'a [String],
}
