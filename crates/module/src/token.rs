//! Tokens: a backing key or a secret access key sealed under the domain key and bound to what it is for.
//!
//! The layout is in `docs/formats.md`. A token opens only with the binding that it was sealed with, and one of a kind never as
//! one of the other.

use crate::algorithms::{random, sealing};
use crate::domain::{Domain, Kind};
use crate::memory::Secret;
use module_api::{Binding, CredentialBinding, Refusal};

impl Domain {
    /// Seals a backing key.
    pub fn seal_key(&self, backing_key: &Secret, binding: &Binding) -> Result<Vec<u8>, Refusal> {
        seal(self, Kind::KeyToken, &binding.canonical(), &random::array()?, backing_key)
    }

    /// The backing key in a token that is bound so.
    pub fn open_key(&self, token: &[u8], binding: &Binding) -> Result<Secret, Refusal> {
        open(self, Kind::KeyToken, &binding.canonical(), token)
    }

    /// Seals a secret access key.
    pub fn seal_credential(&self, secret: &Secret, binding: &CredentialBinding) -> Result<Vec<u8>, Refusal> {
        seal(self, Kind::CredentialToken, &binding.canonical(), &random::array()?, secret)
    }

    /// The secret access key in a token that is bound so.
    pub fn open_credential(&self, token: &[u8], binding: &CredentialBinding) -> Result<Secret, Refusal> {
        open(self, Kind::CredentialToken, &binding.canonical(), token)
    }
}

fn seal(
    domain: &Domain,
    kind: Kind,
    binding: &[u8],
    nonce: &[u8; sealing::NONCE],
    secret: &Secret,
) -> Result<Vec<u8>, Refusal> {
    sealing::seal(domain.key(), LABEL, &domain.header(kind), nonce, binding, secret.bytes())
}

fn open(domain: &Domain, kind: Kind, binding: &[u8], token: &[u8]) -> Result<Secret, Refusal> {
    sealing::open(domain.key(), LABEL, &domain.header(kind), binding, token)?.ok_or(Refusal::TokenRefused)
}

const LABEL: &str = "cardea key token v1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Arena;
    use crate::vectors::{documented, hex};
    use keys::{KeyMaterialId, KeyOrigin, KeySpec, KeyUsage};
    use std::sync::Arc;

    fn secret(arena: &Arc<Arena>, bytes: &[u8]) -> Secret {
        let mut secret = arena.secret(bytes.len()).unwrap();
        secret.bytes_mut().copy_from_slice(bytes);
        secret
    }

    fn domain(arena: &Arc<Arena>, byte: u8) -> Domain {
        Domain::with_key(secret(arena, &[byte; 32])).unwrap()
    }

    fn binding() -> Binding {
        Binding {
            account: "123456789012".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            key_id: "1234abcd-12ab-44cd-96ef-1234567890ab".parse().unwrap(),
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: KeyOrigin::AwsKms,
            material_id: KeyMaterialId::from_bytes([7; 32]),
        }
    }

    /// `docs/formats.md`, key token. A change here means that no key that was stored before opens.
    #[test]
    fn the_vector_of_the_key_token_is_met() {
        let arena = Arena::new(16).unwrap();
        let domain = domain(&arena, 0x0d);
        let backing_key = secret(&arena, &std::array::from_fn::<u8, 32, _>(|at| at as u8));
        assert_eq!(hex(&binding().canonical()), documented("key binding"));
        let token = seal(&domain, Kind::KeyToken, &binding().canonical(), &[0x5a; 32], &backing_key).unwrap();
        assert_eq!(hex(&token), documented("key token"));
        assert_eq!(domain.open_key(&token, &binding()).unwrap().bytes(), backing_key.bytes());
    }

    /// `docs/formats.md`, credential token.
    #[test]
    fn the_vector_of_the_credential_token_is_met() {
        let arena = Arena::new(16).unwrap();
        let domain = domain(&arena, 0x0d);
        let secret_access_key = secret(&arena, b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let binding = CredentialBinding {
            account: "123456789012".parse().unwrap(),
            access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        };
        let token =
            seal(&domain, Kind::CredentialToken, &binding.canonical(), &[0x5a; 32], &secret_access_key)
                .unwrap();
        assert_eq!(hex(&token), documented("credential token"));
        assert_eq!(domain.open_credential(&token, &binding).unwrap().bytes(), secret_access_key.bytes());
    }

    #[test]
    fn a_token_does_not_open_in_another_domain_even_if_it_names_that() {
        let arena = Arena::new(16).unwrap();
        let (one, other) = (domain(&arena, 1), domain(&arena, 2));
        let mut token = one.seal_key(&secret(&arena, &[3; 32]), &binding()).unwrap();
        assert_eq!(other.open_key(&token, &binding()).err(), Some(Refusal::TokenRefused));
        token[2..18].copy_from_slice(other.id());
        assert_eq!(other.open_key(&token, &binding()).err(), Some(Refusal::TokenRefused));
    }

    #[test]
    fn opening_takes_no_place_that_it_does_not_give_back() {
        let arena = Arena::new(1).unwrap();
        let domain = domain(&arena, 1);
        let token = domain.seal_key(&secret(&arena, &[3; 32]), &binding()).unwrap();
        for at in 0..1000 {
            let mut token = token.clone();
            let length = token.len();
            token[at % length] ^= u8::try_from(at % 2).unwrap();
            assert_eq!(domain.open_key(&token, &binding()).is_ok(), at % 2 == 0);
        }
    }
}
