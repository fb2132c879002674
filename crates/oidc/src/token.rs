//! An id token: its parts, what it claims, and whether that is true. Claims are judged before a key is looked for, and taken
//! only from what the signature was verified over.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Claims, KeySet, Provider, Rejection, algorithm};

/// Whom a token says it is from, its `iss`: to find the provider's record. Nothing is verified.
#[must_use]
pub fn issuer_of(token: &str) -> Option<String> {
    let claimed = claimed(token).ok()?;
    claimed.get("iss")?.as_str().map(str::to_owned)
}

/// A token that was read and is not verified.
pub struct Token<'a> {
    text: &'a str,
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<String>,
    claimed: Map<String, Value>,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    ///
    /// [`Rejection::Malformed`], or [`Rejection::AlgorithmNotAllowed`] of one that is signed in a way that is never accepted.
    pub fn read(text: &'a str) -> Result<Self, Rejection> {
        let claimed = claimed(text)?;
        let head = Head::of(text)?;
        if head.crit.is_some() {
            return malformed("its head asks for an extension that is not known here");
        }
        let Some(algorithm) = algorithm::named(&head.alg) else {
            return Err(Rejection::AlgorithmNotAllowed(head.alg));
        };
        Ok(Self { text, algorithm, key_id: head.kid, claimed })
    }

    /// Judges what needs no key: issuer, audience, times. The token may still be forged.
    ///
    /// # Errors
    ///
    /// Why the token is not accepted.
    pub fn check(&self, provider: &Provider<'_>, now: jiff::Timestamp) -> Result<(), Rejection> {
        Claims::judged(&self.claimed, provider, now).map(drop)
    }

    /// Verifies the signature, and judges what it covers.
    ///
    /// # Errors
    ///
    /// Why the token is not accepted.
    pub fn verify(
        &self,
        keys: &KeySet,
        provider: &Provider<'_>,
        now: jiff::Timestamp,
    ) -> Result<Claims, Rejection> {
        let key = keys.key_for(self)?;
        let (covered, signature) = self.text.rsplit_once('.').ok_or(Rejection::BadSignature)?;
        match jsonwebtoken::crypto::verify(signature, covered.as_bytes(), key, self.algorithm) {
            // What was read is a part of what is covered.
            Ok(true) => Claims::judged(&self.claimed, provider, now),
            Ok(false) => Err(Rejection::BadSignature),
            Err(error) => Err(unreadable(error)),
        }
    }

    /// Whether keys that we do not have yet could make that rejection another. A key's id stands for one key, so that a false
    /// signature under a known one stays false.
    pub(crate) fn may_be_of_newer_keys(&self, rejection: &Rejection) -> bool {
        match rejection {
            Rejection::UnknownKey { .. } => true,
            Rejection::BadSignature => self.key_id.is_none(),
            _ => false,
        }
    }

    pub(crate) fn algorithm_not_allowed(&self) -> Rejection {
        Rejection::AlgorithmNotAllowed(format!("{:?}", self.algorithm))
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Token");
        shown.field("algorithm", &self.algorithm).field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// What is read of a token's head: never a key or where to find one.
#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

impl Head {
    fn of(text: &str) -> Result<Self, Rejection> {
        let mut parts = text.split('.');
        let (Some(head), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return malformed("it has not three parts");
        };
        let head = URL_SAFE_NO_PAD.decode(head).map_err(unreadable)?;
        serde_json::from_slice(&head).map_err(unreadable)
    }
}

/// What stands in the middle part, true or not.
fn claimed(text: &str) -> Result<Map<String, Value>, Rejection> {
    if text.len() > LONGEST_TOKEN {
        return malformed("it is too long");
    }
    jsonwebtoken::dangerous::insecure_decode_claims(text).map_err(unreadable)
}

fn unreadable(error: impl std::fmt::Display) -> Rejection {
    Rejection::Malformed(error.to_string())
}

fn malformed<T>(what: &str) -> Result<T, Rejection> {
    Err(Rejection::Malformed(what.to_owned()))
}

/// As many characters as `AssumeRoleWithWebIdentity` takes.
const LONGEST_TOKEN: usize = 20_000;
