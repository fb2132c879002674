//! Grant tokens: a text that names a grant. It is no secret and proves nothing: a grant counts from the moment that it is made,
//! for whoever its grantee is, with its token or without.

use crate::operation::Subject;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use catalog::{KeyAddress, World};
use keys::{AccountId, GrantId, KeyId, Region};
use uuid::Uuid;
use wire::{Fault, FaultKind, member};

/// What a grant token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantToken {
    /// The key.
    pub key: KeyAddress,
    /// The grant on it.
    pub grant: GrantId,
}

impl GrantToken {
    /// Reads a token.
    pub fn parse(text: &member::GrantToken) -> Result<Self, Fault> {
        read(text.as_str()).ok_or_else(invalid_token)
    }

    /// A token that nobody was given before.
    pub fn issue(&self) -> String {
        self.written(*Uuid::new_v4().as_bytes())
    }

    fn written(&self, nonce: [u8; 16]) -> String {
        let KeyAddress { world: World { account, region }, id } = &self.key;
        let mut bytes = vec![VERSION, u8::from(id.is_multi_region())];
        bytes.extend_from_slice(id.bytes());
        bytes.extend_from_slice(account.as_str().as_bytes());
        bytes.extend_from_slice(self.grant.bytes());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(region.as_str().as_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        STANDARD.encode(bytes)
    }
}

/// Refuses tokens that are none, and tokens of grants on other keys. A grant that is gone is no reason: its token gives nothing.
pub fn check_tokens(tokens: Option<&member::GrantTokens>, subject: &impl Subject) -> Result<(), Fault> {
    for text in tokens.into_iter().flat_map(|tokens| &tokens.0) {
        let token = GrantToken::parse(text)?;
        if !subject.governed().any(|named| named.address() == token.key) {
            return Err(invalid_token());
        }
    }
    Ok(())
}

fn read(text: &str) -> Option<GrantToken> {
    let bytes = STANDARD.decode(text).ok()?;
    let (said, checksum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(said).to_be_bytes() != *checksum {
        return None;
    }
    let ([version, kind], rest) = said.split_first_chunk()?;
    let (key_id, rest) = rest.split_first_chunk::<16>()?;
    let (account, rest) = rest.split_first_chunk::<12>()?;
    let (grant, rest) = rest.split_first_chunk::<32>()?;
    let (_nonce, region) = rest.split_first_chunk::<16>()?;
    let id = match (*version, *kind) {
        (VERSION, 0) => single_region(*key_id)?,
        (VERSION, 1) => KeyId::multi_region(*key_id),
        _ => return None,
    };
    let account: AccountId = std::str::from_utf8(account).ok()?.parse().ok()?;
    let region: Region = std::str::from_utf8(region).ok()?.parse().ok()?;
    Some(GrantToken {
        key: KeyAddress { world: World { account, region }, id },
        grant: GrantId::from_bytes(*grant),
    })
}

/// The id of those bytes, if an id can have them.
fn single_region(bytes: [u8; 16]) -> Option<KeyId> {
    let id = KeyId::single_region(bytes);
    (*id.bytes() == bytes).then_some(id)
}

pub fn invalid_token() -> Fault {
    Fault::new(FaultKind::InvalidGrantToken, INVALID_TOKEN)
}

const VERSION: u8 = 1;
const INVALID_TOKEN: &str = "The request was rejected because the specified grant token is not valid.";

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Input as _;

    wire::input! {
        /// A request with tokens.
        pub struct Request {
            required tokens: member::GrantTokens = "GrantTokens",
        }
    }

    fn text(token: &str) -> member::GrantToken {
        let request = Request::parse(format!(r#"{{"GrantTokens":["{token}"]}}"#).as_bytes()).unwrap();
        request.tokens.0.first().unwrap().clone()
    }

    fn tokens() -> [GrantToken; 2] {
        let token = |key_id: &str, region: &str| {
            let world = World { account: "111122223333".parse().unwrap(), region: region.parse().unwrap() };
            let key = KeyAddress { world, id: key_id.parse().unwrap() };
            GrantToken { key, grant: GrantId::from_bytes([7; 32]) }
        };
        [
            token("1234abcd-12ab-44cd-96ef-1234567890ab", "eu-central-1"),
            token("mrk-1234abcd12ab34cd56ef1234567890ab", "us-gov-west-1"),
        ]
    }

    #[test]
    fn a_token_names_its_grant_each_time_in_another_text() {
        for token in tokens() {
            let (one, other) = (token.issue(), token.issue());
            assert_ne!(one, other);
            assert_eq!(GrantToken::parse(&text(&one)), Ok(token.clone()));
            assert_eq!(GrantToken::parse(&text(&other)), Ok(token));
        }
    }

    #[test]
    fn no_changed_or_shortened_token_is_one() {
        for token in tokens() {
            let bytes = STANDARD.decode(token.issue()).unwrap();
            for at in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[at] ^= 1;
                assert_eq!(GrantToken::parse(&text(&STANDARD.encode(changed))), Err(invalid_token()), "{at}");
                if at > 0 {
                    assert_eq!(
                        GrantToken::parse(&text(&STANDARD.encode(&bytes[..at]))),
                        Err(invalid_token())
                    );
                }
            }
        }
    }

    #[test]
    fn what_has_a_checksum_and_says_nothing_is_no_token() {
        let sealed = |mut said: Vec<u8>| {
            said.extend_from_slice(&crc32fast::hash(&said).to_be_bytes());
            STANDARD.encode(said)
        };
        let [token, _] = tokens();
        let bytes = STANDARD.decode(token.issue()).unwrap();
        let said = bytes.split_last_chunk::<4>().unwrap().0.to_vec();
        let with = |at: usize, byte: u8| {
            let mut said = said.clone();
            said[at] = byte;
            sealed(said)
        };
        assert_eq!(GrantToken::parse(&text(&sealed(said.clone()))), Ok(token));
        // The version, the kind of key id, the bits of every UUID of version 4, the account, the region.
        for wrong in [with(0, 2), with(1, 2), with(8, 0xff), with(20, b'x'), with(said.len() - 1, b'-')] {
            assert_eq!(GrantToken::parse(&text(&wrong)), Err(invalid_token()), "{wrong}");
        }
        for wrong in [sealed(Vec::new()), sealed(said[..40].to_vec()), STANDARD.encode([])] {
            if !wrong.is_empty() {
                assert_eq!(GrantToken::parse(&text(&wrong)), Err(invalid_token()), "{wrong}");
            }
        }
    }
}
