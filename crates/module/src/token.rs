//! Tokens: a backing key or a secret access key sealed under the domain key and bound to what it is for.
//!
//! The layout is in `docs/formats.md`. A token opens only with the binding that it was sealed with, and one of a kind never as
//! one of the other.

use crate::algorithms::{random, sealing};
use crate::domain::Domain;
use crate::memory::Secret;
use module_api::{Binding, CredentialBinding, Refusal};

impl Domain {
    /// Seals a backing key.
    pub fn seal_key(&self, backing_key: &Secret, binding: &Binding) -> Result<Vec<u8>, Refusal> {
        seal(self, KEY, &binding.canonical(), &random::array()?, backing_key)
    }

    /// The backing key in a token that is bound so.
    pub fn open_key(&self, token: &[u8], binding: &Binding) -> Result<Secret, Refusal> {
        open(self, KEY, &binding.canonical(), token)
    }

    /// Seals a secret access key.
    pub fn seal_credential(&self, secret: &Secret, binding: &CredentialBinding) -> Result<Vec<u8>, Refusal> {
        seal(self, CREDENTIAL, &binding.canonical(), &random::array()?, secret)
    }

    /// The secret access key in a token that is bound so.
    pub fn open_credential(&self, token: &[u8], binding: &CredentialBinding) -> Result<Secret, Refusal> {
        open(self, CREDENTIAL, &binding.canonical(), token)
    }
}

fn seal(
    domain: &Domain,
    kind: u8,
    binding: &[u8],
    nonce: &[u8; sealing::NONCE],
    secret: &Secret,
) -> Result<Vec<u8>, Refusal> {
    sealing::seal(domain.key(), LABEL, &header(domain, kind), nonce, binding, secret)
}

fn open(domain: &Domain, kind: u8, binding: &[u8], token: &[u8]) -> Result<Secret, Refusal> {
    sealing::open(domain.key(), LABEL, &header(domain, kind), binding, token)?.ok_or(Refusal::TokenRefused)
}

/// Version, kind, and which domain key: there can be several once domain keys are rotated.
fn header(domain: &Domain, kind: u8) -> [u8; 18] {
    let mut header = [0; 18];
    let (fixed, id) = header.split_at_mut(2);
    fixed.copy_from_slice(&[VERSION, kind]);
    id.copy_from_slice(domain.id());
    header
}

const LABEL: &str = "cardea key token v1";
const VERSION: u8 = 1;
const KEY: u8 = 1;
const CREDENTIAL: u8 = 2;
