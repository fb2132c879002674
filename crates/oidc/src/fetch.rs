//! From an issuer's address to its keys: the discovery document, and the JWKS that it names. What the discovery document says of
//! anybody else is not believed.

use serde::Deserialize;

use crate::document::{Address, Client, FetchError};
use crate::{KeySet, Rejection};

/// The keys of the issuer at that address, which is without `https://`.
pub(crate) async fn keys(client: &Client, url: &str) -> Result<KeySet, Rejection> {
    let discovery = client.document(&discovery_address(url)?, LONGEST_DISCOVERY).await?;
    let jwks = jwks_address(url, &discovery)?;
    KeySet::parse(&client.document(&jwks, LONGEST_JWKS).await?)
}

/// The issuer without the slash at its end, and the well-known path: OpenID Connect Discovery 1.0, 4.
fn discovery_address(url: &str) -> Result<Address, Rejection> {
    let base = url.strip_suffix('/').unwrap_or(url);
    let address = Address::parse(&format!("https://{base}/.well-known/openid-configuration"));
    address.ok_or_else(|| Rejection::IssuerUnusable("its address is not a URL".to_owned()))
}

/// The keys may be on any host, but behind TLS.
fn jwks_address(url: &str, discovery: &[u8]) -> Result<Address, Rejection> {
    #[derive(Deserialize)]
    struct Discovery {
        issuer: String,
        jwks_uri: String,
    }
    let unusable = |what: String| Rejection::IssuerUnusable(format!("its discovery document {what}"));
    let found: Discovery =
        serde_json::from_slice(discovery).map_err(|error| unusable(format!("is none: {error}")))?;
    if found.issuer.strip_prefix("https://") != Some(url) {
        return Err(unusable("is of another issuer".to_owned()));
    }
    Address::parse(&found.jwks_uri).ok_or_else(|| unusable("names no https address of keys".to_owned()))
}

impl From<FetchError> for Rejection {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Unreachable(reason) => Self::IssuerUnreachable(reason),
            FetchError::Unusable(reason) => Self::IssuerUnusable(reason),
        }
    }
}

const LONGEST_DISCOVERY: usize = 64 * 1024;
const LONGEST_JWKS: usize = 256 * 1024;
