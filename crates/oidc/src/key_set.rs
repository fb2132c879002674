//! The public keys of an issuer, its JWKS. Keys that cannot verify a token here are left out, one by one: a new kind of key must
//! not take the others away.

use std::fmt;

use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use crate::algorithm::{KeyKind, kind_for};
use crate::{Rejection, Token};

/// The keys that an issuer signs tokens with.
pub struct KeySet(Vec<Key>);

impl KeySet {
    /// Reads a JWKS document.
    ///
    /// # Errors
    ///
    /// [`Rejection::IssuerUnusable`] of what is not a JWKS. One without a key that can be used here is read.
    pub fn parse(document: &[u8]) -> Result<Self, Rejection> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<serde_json::Value>,
        }
        let document: Document = serde_json::from_slice(document)
            .map_err(|error| Rejection::IssuerUnusable(format!("its keys are not a JWKS: {error}")))?;
        Ok(Self(document.keys.into_iter().filter_map(Key::read).collect()))
    }

    /// The key that the token names. A token that names none is of the only key that fits it, if there is only one.
    pub(crate) fn key_for(&self, token: &Token<'_>) -> Result<&DecodingKey, Rejection> {
        let fits = |key: &&Key| key.fits(token.algorithm);
        let Some(id) = &token.key_id else {
            let mut fitting = self.0.iter().filter(fits);
            return match (fitting.next(), fitting.next()) {
                (Some(only), None) => Ok(&only.key),
                _ => Err(Rejection::UnknownKey { key_id: None }),
            };
        };
        let mut named = self.0.iter().filter(|key| key.id.as_ref() == Some(id)).peekable();
        if named.peek().is_none() {
            return Err(Rejection::UnknownKey { key_id: Some(id.clone()) });
        }
        let fitting = named.find(fits).ok_or_else(|| token.algorithm_not_allowed())?;
        Ok(&fitting.key)
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|key| (&key.id, key.kind))).finish()
    }
}

struct Key {
    id: Option<String>,
    kind: KeyKind,
    /// The only algorithm that it is for, if it says so.
    only: Option<KeyAlgorithm>,
    key: DecodingKey,
}

impl Key {
    fn read(entry: serde_json::Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(entry).ok()?;
        let verifies = is_for_signatures(&jwk);
        let (kind, key) = (KeyKind::of(&jwk)?, DecodingKey::from_jwk(&jwk).ok()?);
        verifies.then_some(Self { id: jwk.common.key_id, kind, only: jwk.common.key_algorithm, key })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        kind_for(algorithm) == Some(self.kind) && self.only.is_none_or(|only| only == algorithm.into())
    }
}

fn is_for_signatures(jwk: &Jwk) -> bool {
    let by_use = jwk.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let operations = jwk.common.key_operations.as_ref();
    by_use && operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify))
}
