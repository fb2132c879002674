//! Import tokens: the private key of a wrapping pair, sealed under the domain key for the one key that material is imported for.
//!
//! The layout is in `docs/formats.md`. The module remembers no pair; whoever hands the token back brings it along. Until when a token
//! holds and whether it was used before are the front end's to know: the module has neither a clock nor a memory.

use crate::algorithms::{random, sealing};
use crate::domain::{Domain, Kind};
use module_api::{ImportToken, NewKey, Refusal};

impl Domain {
    /// Seals the private key of a wrapping pair for that key.
    pub fn seal_import_token(
        &self,
        outside: &ImportToken,
        key: &NewKey,
        private_key: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        seal(self, outside, key, &random::array()?, private_key)
    }

    /// Leaves in `out` the private key in a token that is for that key, and tells what the token says of itself.
    pub fn open_import_token(
        &self,
        token: &[u8],
        key: &NewKey,
        out: &mut Vec<u8>,
    ) -> Result<ImportToken, Refusal> {
        if token.len() > LONGEST {
            return Err(Refusal::InvalidImportToken);
        }
        let outside = ImportToken::parse(token).map_err(|_| Refusal::InvalidImportToken)?;
        let (header, bound) = (header(self, &outside), key.canonical());
        let opened = sealing::open_message(self.key(), LABEL, &header, &bound, token, out)?;
        if opened { Ok(outside) } else { Err(Refusal::InvalidImportToken) }
    }
}

fn seal(
    domain: &Domain,
    outside: &ImportToken,
    key: &NewKey,
    nonce: &[u8; sealing::NONCE],
    private_key: &[u8],
) -> Result<Vec<u8>, Refusal> {
    sealing::seal(domain.key(), LABEL, &header(domain, outside), nonce, &key.canonical(), private_key)
}

fn header(domain: &Domain, outside: &ImportToken) -> Vec<u8> {
    [outside.encode().as_slice(), &domain.header(Kind::ImportToken)].concat()
}

const LABEL: &str = "cardea import token v1";
//= kms:ImportKeyMaterial ImportToken: 1 to 6144 bytes
const LONGEST: usize = 6144;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Arena;
    use crate::vectors::{documented, hex};
    use keys::{KeyOrigin, KeySpec, KeyUsage, Moment, WrappingAlgorithm, WrappingKeySpec};

    fn domain(byte: u8) -> Domain {
        let mut key = Arena::new(16).unwrap().secret(32).unwrap();
        key.bytes_mut().fill(byte);
        Domain::with_key(key).unwrap()
    }

    fn outside() -> ImportToken {
        ImportToken {
            id: [0x1d; 16],
            algorithm: WrappingAlgorithm::RsaesOaepSha256,
            spec: WrappingKeySpec::Rsa2048,
            valid_to: Moment::from_millis(1_800_000_000_000),
        }
    }

    fn key() -> NewKey {
        NewKey {
            account: "123456789012".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            key_id: "1234abcd-12ab-44cd-96ef-1234567890ab".parse().unwrap(),
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: KeyOrigin::External,
        }
    }

    fn opened(domain: &Domain, token: &[u8], key: &NewKey) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        domain.open_import_token(token, key, &mut out)?;
        Ok(out)
    }

    /// `docs/formats.md`, import token. A change here means that the tokens of one day do not open.
    #[test]
    fn the_vector_of_the_format_is_met() {
        let domain = domain(0x0d);
        assert_eq!(hex(&key().canonical()), documented("import binding"));
        let token = seal(&domain, &outside(), &key(), &[0x4b; 32], b"hello, hinge").unwrap();
        assert_eq!(hex(&token), documented("import token"));
        assert_eq!(opened(&domain, &token, &key()), Ok(b"hello, hinge".to_vec()));
    }

    #[test]
    fn a_token_that_was_changed_anywhere_cut_or_lengthened_is_refused() {
        let domain = domain(1);
        let token = domain.seal_import_token(&outside(), &key(), b"hello, hinge").unwrap();
        for at in 0..token.len() {
            let mut changed = token.clone();
            changed[at] ^= 1;
            assert_eq!(opened(&domain, &changed, &key()), Err(Refusal::InvalidImportToken), "byte {at}");
            assert_eq!(opened(&domain, &token[..at], &key()), Err(Refusal::InvalidImportToken), "{at} bytes");
        }
        let longer = [token.as_slice(), &[0]].concat();
        assert_eq!(opened(&domain, &longer, &key()), Err(Refusal::InvalidImportToken));
    }

    #[test]
    fn a_token_for_another_key_or_of_another_domain_is_refused() {
        let token = domain(1).seal_import_token(&outside(), &key(), b"hello, hinge").unwrap();
        let others = [
            NewKey { account: "123456789013".parse().unwrap(), ..key() },
            NewKey { region: "eu-central-2".parse().unwrap(), ..key() },
            NewKey { key_id: "1234abcd-12ab-44cd-96ef-1234567890ac".parse().unwrap(), ..key() },
            NewKey { spec: KeySpec::Hmac256, ..key() },
            NewKey { usage: KeyUsage::GenerateVerifyMac, ..key() },
            NewKey { origin: KeyOrigin::AwsKms, ..key() },
        ];
        for other in others {
            assert_eq!(opened(&domain(1), &token, &other), Err(Refusal::InvalidImportToken), "{other:?}");
        }
        assert_eq!(opened(&domain(2), &token, &key()), Err(Refusal::InvalidImportToken));
    }

    #[test]
    fn no_message_and_no_key_token_passes_for_an_import_token() {
        let domain = domain(1);
        let message = domain.seal_message(module_api::MessagePurpose::Session, b"hello, hinge").unwrap();
        let forged = [outside().encode().as_slice(), &message].concat();
        assert_eq!(opened(&domain, &forged, &key()), Err(Refusal::InvalidImportToken));
    }
}
