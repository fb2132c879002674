//! AWS Signature Version 4: what a request claims, whether its signature is true, and the signing of our own requests.
//!
//! Pure: no input or output and no clock; `now` is an argument. It never sees an account, a policy or the meaning of a
//! body, and it never prints a secret, a signature or a session token.
//!
//! A verifier asks [`Presented::of`] first, which makes every check that needs no secret in AWS's order. It then looks the
//! access key up, finds or derives the [`SigningKey`] of the request's scope, and asks [`Presented::verify`].
//!
//! Time must not tell which access keys exist. So whoever looks one up does the same for every refusal: it asks a
//! [`Signature`] about the key that was kept, or none; if that did not prove the request, it derives one key, of credentials
//! that nobody has if there are none to be used, asks again, and only then says no.

#![forbid(unsafe_code)]

mod canonical;
mod claim;
mod key;
mod pieces;
mod presented;
mod refusal;
mod sign;
mod time;

pub use key::{SigningKey, SigningKeys};
pub use presented::{DEFAULT_TOLERANCE, Presented, Rules, Signature};
pub use refusal::Refusal;
pub use sign::{Credentials, Signer, Unsignable};

/// The only algorithm: HMAC with SHA-256 under a key derived from the secret access key.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a credential scope ends with.
const TERMINATOR: &str = "aws4_request";
