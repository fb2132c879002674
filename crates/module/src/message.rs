//! Sealed messages: the front end's own data, sealed for one purpose, so that clients can carry it and neither read nor change it.
//!
//! The layout is in `docs/formats.md`. No message is ever opened for another purpose than its own: each has a key of its own.

use crate::algorithms::{random, sealing};
use crate::domain::{Domain, Kind};
use module_api::{MAX_MESSAGE, MAX_SEALED_MESSAGE, MessagePurpose, Refusal};

impl Domain {
    /// Seals a message for that purpose.
    pub fn seal_message(&self, purpose: MessagePurpose, message: &[u8]) -> Result<Vec<u8>, Refusal> {
        if message.len() > MAX_MESSAGE {
            return Err(Refusal::TooLarge);
        }
        seal(self, purpose, &random::array()?, message)
    }

    /// Leaves in `out` the message that was sealed for that purpose.
    pub fn open_message(
        &self,
        purpose: MessagePurpose,
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        if sealed.len() > MAX_SEALED_MESSAGE {
            return Err(Refusal::MessageRefused);
        }
        let (label, kind) = of(purpose);
        let opened = sealing::open_message(self.key(), label, &self.header(kind), &[], sealed, out)?;
        if opened { Ok(()) } else { Err(Refusal::MessageRefused) }
    }
}

fn seal(
    domain: &Domain,
    purpose: MessagePurpose,
    nonce: &[u8; sealing::NONCE],
    message: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let (label, kind) = of(purpose);
    sealing::seal(domain.key(), label, &domain.header(kind), nonce, &[], message)
}

const fn of(purpose: MessagePurpose) -> (&'static str, Kind) {
    match purpose {
        MessagePurpose::AuthorizationMessage => (AUTHORIZATION_MESSAGE_LABEL, Kind::AuthorizationMessage),
        MessagePurpose::KeyStoreCredential => (KEY_STORE_CREDENTIAL_LABEL, Kind::KeyStoreCredential),
        MessagePurpose::KeyStoreFile => (KEY_STORE_FILE_LABEL, Kind::KeyStoreFile),
        MessagePurpose::Session => (SESSION_LABEL, Kind::Session),
    }
}

const AUTHORIZATION_MESSAGE_LABEL: &str = "cardea authorization message v1";
const KEY_STORE_CREDENTIAL_LABEL: &str = "cardea key store credential v1";
const KEY_STORE_FILE_LABEL: &str = "cardea key store file v1";
const SESSION_LABEL: &str = "cardea session v1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Arena;
    use crate::vectors::{documented, hex};

    const VECTORS: [(MessagePurpose, &str); 4] = [
        (MessagePurpose::Session, "sealed session"),
        (MessagePurpose::AuthorizationMessage, "sealed authorization message"),
        (MessagePurpose::KeyStoreCredential, "sealed key store credential"),
        (MessagePurpose::KeyStoreFile, "sealed key of a key store file"),
    ];

    fn domain(byte: u8) -> Domain {
        let mut key = Arena::new(4).unwrap().secret(32).unwrap();
        key.bytes_mut().fill(byte);
        Domain::with_key(key).unwrap()
    }

    fn open(domain: &Domain, purpose: MessagePurpose, sealed: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        domain.open_message(purpose, sealed, &mut out).map(|()| out)
    }

    /// `docs/formats.md`, sealed message. A change here means that no session token that was given out opens.
    #[test]
    fn the_vectors_of_the_sealed_message_are_met() {
        let domain = domain(0x0d);
        for (purpose, name) in VECTORS {
            let sealed = seal(&domain, purpose, &[0x3c; 32], b"hello, hinge").unwrap();
            assert_eq!(hex(&sealed), documented(name));
            assert_eq!(open(&domain, purpose, &sealed).unwrap(), b"hello, hinge");
        }
    }

    #[test]
    fn a_message_of_one_purpose_does_not_open_for_the_other_even_if_it_says_that_it_is() {
        let domain = domain(1);
        for (purpose, other, kind) in [
            (MessagePurpose::Session, MessagePurpose::AuthorizationMessage, Kind::AuthorizationMessage),
            (MessagePurpose::AuthorizationMessage, MessagePurpose::Session, Kind::Session),
            (MessagePurpose::Session, MessagePurpose::KeyStoreCredential, Kind::KeyStoreCredential),
            (MessagePurpose::KeyStoreCredential, MessagePurpose::Session, Kind::Session),
            (MessagePurpose::KeyStoreCredential, MessagePurpose::KeyStoreFile, Kind::KeyStoreFile),
            (MessagePurpose::KeyStoreFile, MessagePurpose::KeyStoreCredential, Kind::KeyStoreCredential),
        ] {
            let mut sealed = domain.seal_message(purpose, b"text").unwrap();
            assert_eq!(open(&domain, other, &sealed), Err(Refusal::MessageRefused));
            sealed[..18].copy_from_slice(&domain.header(kind));
            assert_eq!(open(&domain, other, &sealed), Err(Refusal::MessageRefused));
        }
    }

    #[test]
    fn a_message_does_not_open_in_another_domain_even_if_it_names_that() {
        let (one, other) = (domain(1), domain(2));
        let mut sealed = one.seal_message(MessagePurpose::Session, b"text").unwrap();
        assert_eq!(open(&other, MessagePurpose::Session, &sealed), Err(Refusal::MessageRefused));
        sealed[2..18].copy_from_slice(other.id());
        assert_eq!(open(&other, MessagePurpose::Session, &sealed), Err(Refusal::MessageRefused));
    }

    #[test]
    fn what_is_refused_leaves_nothing_to_read() {
        let domain = domain(1);
        let mut sealed = domain.seal_message(MessagePurpose::Session, b"text").unwrap();
        let last = sealed.len() - 1;
        sealed[last] ^= 1;
        let mut out = Vec::new();
        assert!(domain.open_message(MessagePurpose::Session, &sealed, &mut out).is_err());
        assert!(out.iter().all(|&byte| byte == 0), "{out:?}");
    }
}
